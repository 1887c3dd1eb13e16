// Enrolment: from a join token to an identity on disk (DESIGN §2, THREATS ). Keys are made here and stay here.
import { create } from '@bufbuild/protobuf'
import { Metadata } from '@grpc/grpc-js'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { JoinRequestSchema, type JoinResponse } from '@sallyport/proto/gen/sallyport/v1/enroll_pb'
import { type JoinToken, parseJoinToken } from '@sallyport/proto/join-token'
import { joinMethod } from '@sallyport/proto/method'
import { loadRecordKey } from '../record/key.ts'
import { callOnce, openChannel } from './channel.ts'
import { makeDataDirectory } from './files.ts'
import {
  checkClientName,
  checkIssued,
  type Identity,
  identityPath,
  readIdentity,
  recordKeyPath,
  writeIdentity,
} from './identity.ts'
import { findPinnedAuthority } from './pin.ts'
import { type CertificateRequest, makeRequest } from './request.ts'

export interface JoinOptions {
  readonly directory: string
  readonly token: Secret
  /** The token's own name when absent; with another one the control plane refuses. */
  readonly agentName?: string | undefined
  /** `host:port` under which callers reach the listener. */
  readonly advertise: string
  readonly serverNames: readonly string[]
  readonly version: string
  readonly nowMs: () => number
}

/** For the whole answer, in milliseconds. */
const joinMsMax = 20_000
const maskKeyBytes = 32

/** Enrols and keeps the identity. Throws JOIN_TOKEN_…, CA_MISMATCH, CONTROL_PLANE_UNREACHABLE, CONFLICT. */
export async function join(options: JoinOptions): Promise<Identity> {
  const { directory } = options
  const token = parseJoinToken(options.token.reveal())
  makeDataDirectory(directory)
  const before = readIdentity(directory)
  if (before !== undefined)
    throw new SallyportError('CONFLICT', `"${identityPath(directory)}" already holds agent "${before.agentName}"`, {
      hint: 'start it with "run", or use an empty data directory for a new agent',
    })
  const caCertificate = await findPinnedAuthority(token.address, token.caKeyHash)
  const client = await makeRequest()
  const server = await makeRequest()
  const response = await ask(options, token, caCertificate, client, server)
  const identity = identityOf(options, token, caCertificate, response, client, server)
  writeIdentity(directory, identity)
  return identity
}

async function ask(
  options: JoinOptions,
  token: JoinToken,
  caCertificate: string,
  client: CertificateRequest,
  server: CertificateRequest,
): Promise<JoinResponse> {
  const channel = openChannel({ address: token.address, caCertificate })
  const request = create(JoinRequestSchema, {
    tokenId: token.id,
    tokenSecret: token.secret.reveal(),
    agentName: options.agentName ?? token.agentName,
    clientCsr: client.csr,
    serverCsr: server.csr,
    serverNames: [...options.serverNames],
    advertise: options.advertise,
    recordKey: loadRecordKey(recordKeyPath(options.directory)).publicKey,
    version: options.version,
  })
  try {
    return await callOnce(channel, joinMethod, request, new Metadata(), options.nowMs() + joinMsMax)
  } finally {
    channel.close()
  }
}

/** What came is checked before it is kept: everything hangs on the pinned authority, nothing on the answer's word. */
function identityOf(
  options: JoinOptions,
  token: JoinToken,
  caCertificate: string,
  response: JoinResponse,
  client: CertificateRequest,
  server: CertificateRequest,
): Identity {
  const { agentId, installation, snapshotKey, maskKey } = response
  const issued = checkIssued(response.clientCertificate, client.key, caCertificate)
  checkClientName(issued, installation, agentId)
  checkIssued(response.serverCertificate, server.key, caCertificate)
  if (maskKey.length !== maskKeyBytes || snapshotKey.length === 0)
    throw new SallyportError('CA_MISMATCH', 'the control plane sent no usable keys')
  return {
    agentId,
    agentName: options.agentName ?? token.agentName,
    installation,
    address: token.address,
    advertise: options.advertise,
    serverNames: [...options.serverNames],
    caCertificate,
    clientCertificate: response.clientCertificate,
    clientKey: client.key,
    serverCertificate: response.serverCertificate,
    serverKey: server.key,
    snapshotKey: Buffer.from(snapshotKey).toString('base64'),
    snapshotKeyId: response.snapshotKeyId,
    maskKey: new Secret(Buffer.from(maskKey).toString('base64')),
  }
}
