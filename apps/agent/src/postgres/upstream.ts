// The connection to a target: TCP, TLS that is never traded for clear text, login with the injected credential, and the
// first ReadyForQuery. What the target says on the way goes into `cause`, for the operator; callers get a neutral error.
//
//   connect ─► SSLRequest ─► 'S' ─► TLS, name verified ─► StartupMessage ─► SCRAM ─► parameters ─► ReadyForQuery
import { createConnection, isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls'
import { AssertionError, assert } from '@sallyport/base/assert'
import { boundBy } from '@sallyport/base/bound'
import { SallyportError, type SallyportErrorCode } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { Secret } from '@sallyport/base/secret'
import { encodeStartup } from '@sallyport/wire/postgres/encode'
import { Conversation } from './conversation.ts'
import { logIn } from './login.ts'
import { readTogether } from './reading.ts'

export interface UpstreamTls {
  /** `disable` is for a target on the same host; nothing falls back to it (THREATS ). */
  readonly mode: 'verify-full' | 'disable'
  /** PEM of the authority to trust; the system's when absent. */
  readonly ca?: string | undefined
  /** Name to verify when it is not `host`. */
  readonly serverName?: string | undefined
}

export interface UpstreamAddress {
  readonly host: string
  readonly port: number
  readonly tls: UpstreamTls
}

export interface UpstreamLogin extends UpstreamAddress {
  readonly user: string
  readonly password: Secret
  readonly database: string
  /** Further settings for the start-up packet. `pinnedSettings` win over them. */
  readonly parameters: Readonly<Record<string, string>>
  /** Ends the attempt; so does limits.upstreamConnectMsMax. */
  readonly signal: AbortSignal
  /** Strong randomness for the login. */
  readonly random: (bytes: number) => Uint8Array
}

/** What a CancelRequest needs. */
export interface BackendKey {
  readonly processId: number
  readonly key: Uint8Array
}

/** A logged-in connection at its first ReadyForQuery. Its owner listens, resumes and destroys the socket. */
export interface Upstream {
  /** Paused. */
  readonly socket: Socket | TLSSocket
  readonly parameters: Map<string, string>
  /** Null when the target gave none: then nothing can be cancelled. */
  readonly backendKey: BackendKey | null
  /** Read from the socket and not used; comes before anything that the socket gives. */
  readonly leftover: Buffer
  readonly transaction: 'I'
}

/**
 * Settings under which a text means what our parser says it means (THREATS ). In the start-up packet they
 * are stronger than ALTER ROLE and ALTER DATABASE.
 */
export const pinnedSettings = {
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  backslash_quote: 'safe_encoding',
  array_nulls: 'on',
  transform_null_equals: 'off',
  quote_all_identifiers: 'off',
  escape_string_warning: 'on',
} as const

/**
 * While it runs a statement, the target looks so often whether we are still there: what an agent that was killed has left
 * running ends then, and takes its transaction along. PostgreSQL 14 and later (manual, "Connection Settings").
 */
const lookSetting = { client_connection_check_interval: String(limits.upstreamLookMs) } as const

/** Targets that do not know the setting, by host and port: they are not asked again. One more than fit are asked each time. */
const unaware = new Set<string>()
const unawareMax = 1_000

/** One login never takes more than this from a target in one message. */
const loginMessageBytesMax = 1_048_576

/** Connects and logs in. Throws UPSTREAM_UNREACHABLE or UPSTREAM_REFUSED, with the reason as cause. */
export async function connectUpstream(login: UpstreamLogin): Promise<Upstream> {
  const place = `${login.host}:${login.port}`
  return await attempt(login.signal, async (signal) => {
    if (unaware.has(place)) return await connectOnce(login, {}, signal)
    try {
      return await connectOnce(login, lookSetting, signal)
    } catch (thrown) {
      if (!isRefusedSetting(thrown)) throw thrown
      if (unaware.size < unawareMax) unaware.add(place)
      return await connectOnce(login, {}, signal)
    }
  })
}

/** An older server does not know the setting, and some platforms cannot do it: 42704 and 22023, at login. */
const isRefusedSetting = (thrown: unknown): boolean =>
  thrown instanceof SallyportError &&
  thrown.cause instanceof Error &&
  /^the target said (42704|22023): .*client_connection_check_interval/s.test(thrown.cause.message)

async function connectOnce(
  login: UpstreamLogin,
  more: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Upstream> {
  const opened = await openSocket(login, signal)
  const conversation = new Conversation(opened.socket, loginMessageBytesMax)
  try {
    const session = await logIn(conversation, {
      user: login.user,
      password: login.password,
      random: login.random,
      certificate: opened.certificate,
      startup: startupPacket(login, more),
    })
    const leftover = conversation.release()
    opened.letGo()
    return { socket: opened.socket, ...session, leftover, transaction: 'I' }
  } catch (thrown) {
    opened.socket.destroy()
    throw thrown
  }
}

export interface CancelRequest extends UpstreamAddress {
  readonly backendKey: BackendKey
  readonly signal: AbortSignal
}

/** Asks the target to cancel what a session runs, over TLS if the session uses it (THREATS ). It never answers. */
export async function cancelUpstream(request: CancelRequest): Promise<void> {
  await attempt(request.signal, async (signal) => {
    const { socket } = await openSocket(request, signal)
    const { processId, key } = request.backendKey
    socket.resume()
    await new Promise<void>((done, reject) => {
      socket.once('error', reject)
      // The server has read the request when it hangs up. When we do, nobody knows (THREATS ).
      socket.once('close', () => (signal.aborted ? reject(new Error('not taken in time')) : done()))
      socket.end(encodeStartup({ type: 'cancelRequest', processId, key }))
    })
  })
}

function startupPacket(login: UpstreamLogin, more: Readonly<Record<string, string>>): Buffer {
  for (const name of ['user', 'database', 'options', 'replication'])
    assert(!Object.hasOwn(login.parameters, name), `"${name}" is no setting for the start-up packet`)
  const parameters = { user: login.user, database: login.database, ...more, ...login.parameters, ...pinnedSettings }
  return encodeStartup({ type: 'startup', major: 3, minor: 0, parameters: Object.entries(parameters) })
}

const expected: ReadonlySet<SallyportErrorCode> = new Set(['UPSTREAM_REFUSED', 'UPSTREAM_UNREACHABLE'])

/** Runs one attempt under the caller's signal and our deadline, and makes what it throws neutral (THREATS ). */
async function attempt<T>(callerSignal: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal, release } = boundBy([callerSignal], limits.upstreamConnectMsMax)
  try {
    signal.throwIfAborted()
    return await run(signal)
  } catch (thrown) {
    if (thrown instanceof AssertionError || (thrown instanceof SallyportError && expected.has(thrown.code)))
      throw thrown
    const cause = signal.aborted ? new Error('the attempt was ended', { cause: signal.reason }) : thrown
    throw new SallyportError('UPSTREAM_UNREACHABLE', 'the target cannot be reached', {
      cause,
      hint: "try again; the operator finds the reason in the agent's log",
    })
  } finally {
    release()
  }
}

interface Opened {
  readonly socket: Socket | TLSSocket
  /** After this the signal of the attempt no longer ends the connection. */
  readonly letGo: () => void
  /** The target's certificate in DER, or null without TLS. */
  readonly certificate: Buffer | null
}

async function openSocket(address: UpstreamAddress, signal: AbortSignal): Promise<Opened> {
  const plain: Socket = createConnection({
    host: address.host,
    port: address.port,
    noDelay: true,
    keepAlive: true,
    // Below TLS the bytes are not the session's.
    ...(address.tls.mode === 'disable' ? { onread: readTogether(() => plain) } : {}),
  })
  const socket = await settled(plain, signal, 'connect')
  if (address.tls.mode === 'disable') return bound(socket, null, signal)
  await askForTls(socket, signal)
  const name = address.tls.serverName ?? address.host
  const secured = connectTls({
    socket,
    // SNI carries names, never addresses (RFC 6066, section 3).
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(address.tls.ca === undefined ? {} : { ca: address.tls.ca }),
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['postgresql'],
  })
  await settled(secured, signal, 'secureConnect')
  const certificate = secured.getPeerX509Certificate()?.raw
  assert(secured.authorized && certificate !== undefined, 'a TLS connection was taken without a verified certificate')
  return bound(secured, certificate, signal)
}

/** From here on the signal ends the connection for as long as the attempt runs. */
function bound(socket: Socket | TLSSocket, certificate: Buffer | null, signal: AbortSignal): Opened {
  // Whoever takes the socket over listens for itself; this keeps a late error from ending the process.
  socket.on('error', () => {})
  const end = () => socket.destroy()
  signal.addEventListener('abort', end, { once: true })
  return { socket, certificate, letGo: () => signal.removeEventListener('abort', end) }
}

/** SSLRequest. Anything but one single 'S' ends the attempt: never clear text, and nothing may follow it. */
async function askForTls(socket: Socket, signal: AbortSignal): Promise<void> {
  const answer = await new Promise<Buffer>((done, reject) => {
    const stop = () => reject(new Error('the attempt was ended'))
    const closed = () => reject(new Error('the target closed the connection instead of answering to SSLRequest'))
    signal.addEventListener('abort', stop, { once: true })
    socket.once('error', reject)
    socket.once('close', closed)
    socket.once('data', (chunk) => {
      socket.pause()
      signal.removeEventListener('abort', stop)
      socket.off('error', reject)
      socket.off('close', closed)
      done(chunk)
    })
    socket.write(encodeStartup({ type: 'sslRequest' }))
  }).catch((thrown) => {
    socket.destroy()
    throw thrown
  })
  if (answer.length === 1 && answer.readUInt8(0) === 0x53 && socket.readableLength === 0) return
  socket.destroy()
  throw new SallyportError('UPSTREAM_REFUSED', 'the target refused an encrypted connection', {
    cause: new Error(
      answer.length > 1 ? 'bytes in clear text behind the answer to SSLRequest' : 'the target does not offer TLS',
    ),
    hint: "the operator finds the reason in the agent's log",
  })
}

/** Resolves with the stream at `event`; destroys it when it fails or the signal comes first. */
async function settled<S extends Socket>(
  socket: S,
  signal: AbortSignal,
  event: 'connect' | 'secureConnect',
): Promise<S> {
  try {
    await new Promise<void>((done, reject) => {
      const stop = () => reject(new Error('the attempt was ended'))
      const closed = () => reject(new Error('the target closed the connection'))
      if (signal.aborted) return stop()
      signal.addEventListener('abort', stop, { once: true })
      socket.once('error', reject)
      socket.once('close', closed)
      socket.once(event, () => {
        signal.removeEventListener('abort', stop)
        socket.off('error', reject)
        socket.off('close', closed)
        done()
      })
    })
    return socket
  } catch (thrown) {
    socket.on('error', () => {})
    socket.destroy()
    throw thrown
  }
}
