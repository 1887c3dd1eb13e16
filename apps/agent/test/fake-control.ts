// A control plane made of nothing but messages and certificates: it does what a test says, right or wrong, and keeps every
// byte that an agent sends.
import 'reflect-metadata'
import {
  createHash,
  generateKeyPairSync,
  type KeyPairKeyObjectResult,
  sign,
  webcrypto,
  X509Certificate,
} from 'node:crypto'
import { create, type DescMessage, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf'
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js'
import * as x509 from '@peculiar/x509'
import type { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import {
  EnrollService,
  type JoinRequest,
  JoinRequestSchema,
  type JoinResponse,
  JoinResponseSchema,
  type RenewRequest,
  RenewRequestSchema,
  type RenewResponse,
  RenewResponseSchema,
  RenewService,
} from '@sallyport/proto/gen/sallyport/v1/enroll_pb'
import {
  type IngestRequest,
  IngestRequestSchema,
  type IngestResponse,
  IngestResponseSchema,
  IngestService,
} from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import {
  type AgentMessage,
  AgentMessageSchema,
  type ControlMessage,
  ControlMessageSchema,
  LinkService,
} from '@sallyport/proto/gen/sallyport/v1/link_pb'
import {
  type SignedSnapshot,
  SignedSnapshotSchema,
  SnapshotSchema,
} from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import { grpcService } from '@sallyport/proto/grpc'
import { encodeJoinToken } from '@sallyport/proto/join-token'
import { signedBytesOf } from '@sallyport/proto/signed'
import { statusOf } from '@sallyport/proto/status'

x509.cryptoProvider.set(webcrypto)
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const hourMs = 3_600_000
export const agentId = '1'.repeat(32)
export const installation = 'test'

type Name = { readonly type: 'dns' | 'ip' | 'url'; readonly value: string }

export async function makeFakeAuthority() {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=fake authority',
    notBefore: new Date(Date.now() - hourMs),
    notAfter: new Date(Date.now() + 240 * hourMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  const pem = own.toString('pem')
  let serial = 1
  const issue = async (
    publicKey: x509.PublicKeyType,
    names: readonly Name[],
    lifeMs = 24 * hourMs,
  ): Promise<string> => {
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: (++serial).toString(16).padStart(4, '0'),
      subject: 'CN=fake',
      issuer: own.subject,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + lifeMs),
      signingKey: keys.privateKey,
      publicKey,
      signingAlgorithm: algorithm,
      extensions: [new x509.SubjectAlternativeNameExtension([...names])],
    })
    return certificate.toString('pem')
  }
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
  return { pem, keyHash: createHash('sha256').update(spki).digest('hex'), issue }
}
export type FakeAuthority = Awaited<ReturnType<typeof makeFakeAuthority>>

export const controlPlaneNames: readonly Name[] = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
  { type: 'url', value: `spiffe://sallyport/${installation}/control-plane` },
]

export async function makeServerCertificate(authority: FakeAuthority, names = controlPlaneNames) {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  const cert = `${await authority.issue(keys.publicKey, names)}\n${authority.pem}\n`
  return { cert, key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') }
}

class Optional extends ServerCredentials {
  constructor(context: { ca: string; cert: string; key: string }) {
    super({ requestCert: true, rejectUnauthorized: false }, context)
  }
  override _equals(other: ServerCredentials): boolean {
    return this === other
  }
}

export interface OpenLink {
  readonly call: ServerDuplexStream<AgentMessage, ControlMessage>
  readonly messages: AgentMessage[]
  /** Of the client certificate that TLS verified. */
  readonly serial: string | undefined
  send(body: ControlMessage['body']): void
}

export type FakeControl = Awaited<ReturnType<typeof startFakeControl>>

export interface FakeOptions {
  readonly authority?: FakeAuthority
  readonly names?: readonly Name[]
  readonly port?: number
  /** Keys of an earlier fake, for one that comes back. */
  readonly snapshotKey?: KeyPairKeyObjectResult
}

export async function startFakeControl(options: FakeOptions = {}) {
  const authority = options.authority ?? (await makeFakeAuthority())
  const snapshotKey = options.snapshotKey ?? generateKeyPairSync('ed25519')
  const publicKey = new Uint8Array(snapshotKey.publicKey.export({ type: 'spki', format: 'der' }))
  const sent: Buffer[] = []
  const links: OpenLink[] = []
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const one of [...waiting]) one()
  }
  const captured = <S extends DescMessage>(schema: S, message: MessageShape<S>): void => {
    sent.push(Buffer.from(toBinary(schema, message)))
    wake()
  }
  const behaviour: {
    join: (request: JoinRequest) => Promise<MessageInitShape<typeof JoinResponseSchema>>
    onLink: (link: OpenLink) => void
    onIngest: (request: IngestRequest) => IngestResponse | undefined
    linkError: SallyportError | undefined
  } = {
    join: async (request) => await certificates(request),
    onLink: () => undefined,
    onIngest: ({ batchId }) => create(IngestResponseSchema, { batchId }),
    linkError: undefined,
  }
  const certificates = async ({ clientCsr, serverCsr }: { clientCsr: string; serverCsr: string }) => ({
    clientCertificate: await authority.issue(new x509.Pkcs10CertificateRequest(clientCsr).publicKey, [
      { type: 'url', value: `spiffe://sallyport/${installation}/agent/${agentId}` },
    ]),
    serverCertificate: await authority.issue(new x509.Pkcs10CertificateRequest(serverCsr).publicKey, [
      { type: 'dns', value: 'localhost' },
    ]),
  })
  const join = (call: ServerUnaryCall<JoinRequest, JoinResponse>, respond: sendUnaryData<JoinResponse>): void => {
    captured(JoinRequestSchema, call.request)
    const shared = {
      agentId,
      installation,
      caCertificate: authority.pem,
      snapshotKey: publicKey,
      snapshotKeyId: 'key-1',
      maskKey: new Uint8Array(32).fill(7),
    }
    behaviour.join(call.request).then(
      (answer) => respond(null, create(JoinResponseSchema, { ...shared, ...answer })),
      (thrown: SallyportError) => respond(statusOf(thrown)),
    )
  }
  const renew = (call: ServerUnaryCall<RenewRequest, RenewResponse>, respond: sendUnaryData<RenewResponse>): void => {
    captured(RenewRequestSchema, call.request)
    void certificates(call.request).then((answer) => respond(null, create(RenewResponseSchema, answer)))
  }
  const link = (call: ServerDuplexStream<AgentMessage, ControlMessage>): void => {
    if (behaviour.linkError !== undefined) return void call.emit('error', statusOf(behaviour.linkError))
    const raw = call.getAuthContext().sslPeerCertificate?.raw
    const opened: OpenLink = {
      call,
      messages: [],
      serial: raw === undefined ? undefined : new X509Certificate(raw).serialNumber,
      send: (body) => call.write(create(ControlMessageSchema, { body })),
    }
    call.on('data', (message: AgentMessage) => {
      opened.messages.push(message)
      captured(AgentMessageSchema, message)
    })
    call.on('end', () => call.end())
    call.on('error', () => undefined)
    links.push(opened)
    behaviour.onLink(opened)
    wake()
  }
  const ingest = (call: ServerDuplexStream<IngestRequest, IngestResponse>): void => {
    call.on('data', (request: IngestRequest) => {
      captured(IngestRequestSchema, request)
      const response = behaviour.onIngest(request)
      if (response !== undefined) call.write(response)
    })
    call.on('end', () => call.end())
    call.on('error', () => undefined)
  }
  const server = new Server()
  server.addService(grpcService(EnrollService), { join })
  server.addService(grpcService(RenewService), { renew })
  server.addService(grpcService(LinkService), { link })
  server.addService(grpcService(IngestService), { ingest })
  const shown = await makeServerCertificate(authority, options.names)
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = new Optional({ ca: authority.pem, ...shown })
    server.bindAsync(`127.0.0.1:${options.port ?? 0}`, credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  const address = `localhost:${port}`
  return {
    authority,
    behaviour,
    links,
    /** Every message that came, as bytes. */
    sent,
    port,
    address,
    snapshotKey,
    token: (changes: { caKeyHash?: string } = {}) =>
      new Secret(
        encodeJoinToken({
          address,
          caKeyHash: authority.keyHash,
          agentName: 'eu-1',
          id: 'c'.repeat(32),
          secret: new Secret('s'.repeat(43)),
          ...changes,
        }),
      ),
    /** A snapshot that is right in every way but for what the test changes. */
    snapshot: (changes: MessageInitShape<typeof SnapshotSchema> = {}): SignedSnapshot =>
      signSnapshot(snapshotKey, changes),
    /** Waits until something is there; looks again with every message and every new link. */
    async until<T>(look: () => T | undefined): Promise<T> {
      for (;;) {
        const found = look()
        if (found !== undefined) return found
        await new Promise<void>((resolve) => {
          const one = () => {
            waiting.delete(one)
            resolve()
          }
          waiting.add(one)
        })
      }
    },
    stop: () => server.forceShutdown(),
  }
}

export function signSnapshot(
  key: KeyPairKeyObjectResult,
  changes: MessageInitShape<typeof SnapshotSchema>,
): SignedSnapshot {
  const payload = toBinary(
    SnapshotSchema,
    create(SnapshotSchema, {
      installation,
      agentId,
      version: 1n,
      issuedAtMs: BigInt(Date.now()),
      notAfterMs: BigInt(Date.now() + 900_000),
      audience: 'sallyport:test',
      consoleUrl: 'https://sallyport.test',
      ...changes,
    }),
  )
  const signature = new Uint8Array(sign(null, signedBytesOf(payload), key.privateKey))
  return create(SignedSnapshotSchema, { payload, keyId: 'key-1', signature })
}
