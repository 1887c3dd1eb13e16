// The real gRPC side over a real, migrated store, and an agent made of nothing but messages and certificates.
import 'reflect-metadata'
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js'
import * as x509 from '@peculiar/x509'
import { manualClock } from '@sallyport/base/clock'
import { Document } from '@sallyport/policy/document'
import { JoinRequestSchema, type JoinResponse, RenewRequestSchema } from '@sallyport/proto/gen/sallyport/v1/enroll_pb'
import {
  type AgentMessage,
  AgentMessageSchema,
  type ControlMessage,
  HelloSchema,
} from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { parseJoinToken } from '@sallyport/proto/join-token'
import { ingestMethod, joinMethod, linkMethod, type Method, renewMethod } from '@sallyport/proto/method'
import { errorOfStatus } from '@sallyport/proto/status'
import { createJoinToken } from '../src/agents/agents.ts'
import { openKeys } from '../src/agents/keys.ts'
import { inTransaction, openDb } from '../src/db.ts'
import { createHolds } from '../src/grpc/hold.ts'
import type { Ingest } from '../src/grpc/ingest.ts'
import { startGrpc } from '../src/grpc/server.ts'
import type { StoredKeys } from '../src/identities/issuer-store.ts'
import { type Bus, openBus } from '../src/live/bus.ts'
import { createLog } from '../src/log.ts'
import { migrate } from '../src/migrate.ts'
import { createPublisher } from '../src/policies/publish.ts'
import { lastVersion, writeVersion } from '../src/policies/store.ts'
import { openVault } from '../src/vault.ts'
import { migrationsDirectory } from './build.ts'
import { dropDatabase, freshDatabase } from './stack.ts'

x509.cryptoProvider.set(webcrypto)
export const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
export const installation = 'test'

export const builtInIssuer = {
  document: {
    apiVersion: 'sallyport.dev/v1',
    kind: 'TrustedIssuer',
    metadata: { name: 'sallyport' },
    spec: {
      issuer: 'https://sallyport.test',
      principals: 'user',
      audiences: ['sallyport:test'],
      algorithms: ['EdDSA'],
      requiredClaims: {},
      maxLife: '1h',
      groupsClaim: 'groups',
      exposeClaims: [],
    },
  },
  jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AA' }] },
} as const

export type GrpcStack = Awaited<ReturnType<typeof startGrpcStack>>

interface GrpcStackOptions {
  readonly ingest?: Ingest
  readonly issuerKeys?: () => Map<string, StoredKeys>
  readonly bus?: Bus
}

export async function startGrpcStack(options: GrpcStackOptions = {}) {
  const databaseUrl = await freshDatabase()
  await migrate(databaseUrl, migrationsDirectory)
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-grpc-'))
  const clock = manualClock(Date.now())
  const lines: string[] = []
  const log = createLog('debug', (line) => void lines.push(line))
  const db = openDb(databaseUrl, 5)
  const keys = await openKeys({ directory, installation, clock, randomBytes })
  const publisher = createPublisher({
    db,
    clock,
    log,
    installation,
    signer: keys.snapshotSigner,
    issuerKeys: async () => options.issuerKeys?.() ?? new Map(),
    builtInIssuer: { ...builtInIssuer, document: Document.parse(builtInIssuer.document) as never },
    audience: 'sallyport:test',
    consoleUrl: 'https://sallyport.test',
  })
  const ingest = options.ingest ?? { accept: () => Promise.reject(new Error('no ingest in this test')) }
  const listen = { host: '127.0.0.1', port: 0, advertise: 'control.example:8443' }
  const bus = options.bus ?? (await openBus({ log, randomBytes }, []))
  const config = { publicUrl: 'https://sallyport.test' }
  const shared = { config, db, clock, log, randomBytes, bus, vault: openVault(directory) }
  const holds = createHolds(shared)
  const grpc = await startGrpc({ ...shared, keys, publisher, ingest, holds, listen })
  const address = `localhost:${grpc.port}`
  const deps = { db, clock, randomBytes, address, caKeyHash: keys.authority.keyHash }
  return {
    db,
    clock,
    keys,
    publisher,
    grpc,
    address,
    deps,
    directory,
    logged: () => lines.join(''),
    token: async (agentName: string, expiresInSeconds = 3_600) =>
      parseJoinToken((await createJoinToken(deps, 'admin', { agentName, expiresInSeconds })).token),
    async documents(...documents: readonly unknown[]) {
      await inTransaction(db, async (tx) => {
        for (const raw of documents) {
          const document = Document.parse(raw)
          const { kind } = document
          const { name } = document.metadata
          const version = (await lastVersion(tx, kind, name)) + 1
          await writeVersion(tx, { kind, name, version, document, at: new Date(clock.nowMs()), by: 'test' })
        }
      })
    },
    async stop() {
      publisher.stop()
      await grpc.stop()
      await holds.stop()
      await bus.stop()
      await db.$disconnect()
      await dropDatabase(databaseUrl)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A key of its own and a request for its certificate. */
export async function makeCsr(algorithm = p256) {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=x', keys, signingAlgorithm: algorithm })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { csr: csr.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') }
}

export interface ClientCertificate {
  readonly certificate: string
  readonly key: string
}

/** A channel to the server, with this certificate or none. The server is verified as an agent would. */
export function openClient(stack: GrpcStack, client?: ClientCertificate): Client {
  const context = createSecureContext({
    ca: stack.keys.authority.certificatePem,
    ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
  })
  return new Client(stack.address, credentials.createFromSecureContext(context))
}

export async function call<I, O>(client: Client, method: Method<I, O>, request: I): Promise<O> {
  return await new Promise((resolve, reject) => {
    client.makeUnaryRequest(method.path, method.serialize, method.deserialize, request, (error, response) => {
      if (error !== null) reject(errorOfStatus(error))
      else resolve(response as O)
    })
  })
}

/** What the call was refused with. */
export const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  await promise.then(
    () => 'accepted',
    (thrown: unknown) => errorOfStatus(thrown).code,
  )

export type TestAgent = Awaited<ReturnType<typeof joinAgent>>

type Token = ReturnType<typeof parseJoinToken>
const recordKey = () => new Uint8Array(generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }))

/** A Join message as a good agent sends it; every field can be another one. */
export async function joinRequest(token: Token, changes: MessageInitShape<typeof JoinRequestSchema> = {}) {
  const client = await makeCsr()
  const server = await makeCsr()
  const request = create(JoinRequestSchema, {
    tokenId: token.id,
    tokenSecret: token.secret.reveal(),
    agentName: token.agentName,
    clientCsr: client.csr,
    serverCsr: server.csr,
    serverNames: ['localhost', '127.0.0.1'],
    advertise: 'localhost:6432',
    recordKey: recordKey(),
    version: '0.1.0',
    ...changes,
  })
  return { request, client, server }
}

export async function sendJoin(stack: GrpcStack, request: Awaited<ReturnType<typeof joinRequest>>['request']) {
  const channel = openClient(stack)
  try {
    return await call(channel, joinMethod, request)
  } finally {
    channel.close()
  }
}

export async function joinAgent(
  stack: GrpcStack,
  name: string,
  changes: MessageInitShape<typeof JoinRequestSchema> = {},
) {
  const made = await joinRequest(await stack.token(name), changes)
  const joined: JoinResponse = await sendJoin(stack, made.request)
  const certificate = { certificate: joined.clientCertificate, key: made.client.key }
  return {
    id: joined.agentId,
    name,
    joined,
    certificate,
    listener: { certificate: joined.serverCertificate, key: made.server.key },
  }
}

export async function renewAgent(stack: GrpcStack, certificate: ClientCertificate, serverNames = ['localhost']) {
  const client = await makeCsr()
  const server = await makeCsr()
  const channel = openClient(stack, certificate)
  try {
    const request = create(RenewRequestSchema, { clientCsr: client.csr, serverCsr: server.csr, serverNames })
    const renewed = await call(channel, renewMethod, request)
    return { certificate: renewed.clientCertificate, key: client.key, listener: renewed.serverCertificate }
  } finally {
    channel.close()
  }
}

/** A stream with what came down kept, and waiting for what will. */
export class Stream<I, O> {
  readonly call: ClientDuplexStream<I, O>
  readonly received: O[] = []
  readonly ended: Promise<string>
  readonly #client: Client
  #waiting: (() => void)[] = []

  readonly #wake = (): void => {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  constructor(client: Client, method: Method<I, O>) {
    this.#client = client
    this.call = client.makeBidiStreamRequest(method.path, method.serialize, method.deserialize, new Metadata())
    this.call.on('data', (message: O) => {
      this.received.push(message)
      this.#wake()
    })
    this.ended = new Promise((resolve) => {
      this.call.on('error', (error) => resolve(errorOfStatus(error).code))
      this.call.on('end', () => resolve('ended'))
    })
    void this.ended.then(() => this.#wake())
  }

  /** The first message that fits, from what came or what comes. Rejects when the stream ends before. */
  async until(fits: (message: O) => boolean): Promise<O> {
    let isOver: string | undefined
    void this.ended.then((code) => {
      isOver = code
    })
    for (;;) {
      const found = this.received.find(fits)
      if (found !== undefined) return found
      if (isOver !== undefined) throw new Error(`the stream ended with ${isOver}`)
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
  }

  close(): void {
    this.call.cancel()
    this.#client.close()
  }
}

export const openIngest = (stack: GrpcStack, certificate?: ClientCertificate) =>
  new Stream(openClient(stack, certificate), ingestMethod)

/** Opens a Link and, unless told otherwise, greets. */
export function openLink(
  stack: GrpcStack,
  agent: { readonly name: string; readonly certificate?: ClientCertificate | undefined },
  hello: MessageInitShape<typeof HelloSchema> | null = {},
): Stream<AgentMessage, ControlMessage> {
  const stream = new Stream(openClient(stack, agent.certificate), linkMethod)
  const greeting = { agentName: agent.name, version: '0.1.0', advertise: 'localhost:6432' }
  if (hello !== null) say(stream, { case: 'hello', value: create(HelloSchema, { ...greeting, ...hello }) })
  return stream
}

export const say = (stream: Stream<AgentMessage, ControlMessage>, body: AgentMessage['body']): void => {
  stream.call.write(create(AgentMessageSchema, { body }))
}

export const isSnapshot = (message: ControlMessage): boolean => message.body.case === 'snapshot'

/** A promise with the deadline that we promise to operators. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(ms)
  return await new Promise<T>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`not within ${ms} ms`)), { once: true })
    promise.then(resolve, reject)
  })
}
