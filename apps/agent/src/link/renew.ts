// New keys and certificates before the old ones run out; the identity on disk is replaced as a whole.
import { create } from '@bufbuild/protobuf'
import { type Client, Metadata } from '@grpc/grpc-js'
import { RenewRequestSchema } from '@sallyport/proto/gen/sallyport/v1/enroll_pb'
import { renewMethod } from '@sallyport/proto/method'
import { callOnce } from './channel.ts'
import { checkClientName, checkIssued, type Identity, writeIdentity } from './identity.ts'
import { makeRequest } from './request.ts'

/** For the whole answer, in milliseconds. */
const renewMsMax = 20_000

/** Asks over the channel of the present identity. A failure leaves everything as it is. */
export async function renew(options: {
  readonly client: Client
  readonly identity: Identity
  readonly directory: string
  readonly nowMs: () => number
}): Promise<Identity> {
  const { identity } = options
  const client = await makeRequest()
  const server = await makeRequest()
  const request = create(RenewRequestSchema, {
    clientCsr: client.csr,
    serverCsr: server.csr,
    serverNames: [...identity.serverNames],
  })
  const deadlineMs = options.nowMs() + renewMsMax
  const response = await callOnce(options.client, renewMethod, request, new Metadata(), deadlineMs)
  const issued = checkIssued(response.clientCertificate, client.key, identity.caCertificate)
  checkClientName(issued, identity.installation, identity.agentId)
  checkIssued(response.serverCertificate, server.key, identity.caCertificate)
  const next: Identity = {
    ...identity,
    clientCertificate: response.clientCertificate,
    clientKey: client.key,
    serverCertificate: response.serverCertificate,
    serverKey: server.key,
  }
  writeIdentity(options.directory, next)
  return next
}
