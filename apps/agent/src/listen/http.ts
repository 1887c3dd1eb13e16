// The door for HTTP: accepts connections with TLS, bounds heads, times and numbers, and answers what is no request. Node's
// parser is used in its strict form (THREATS ).
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { Arrivals } from '../http/arrivals.ts'
import { type Inbound, inboundOf, type Outbound } from '../http/inbound.ts'
import { lastingAnswers } from '../http/lasting.ts'
import { oauthTokens } from '../http/oauth.ts'
import { refusalOf } from '../http/refuse.ts'
import { type HttpServer, httpServer } from '../http/serve.ts'
import { openUpstreams, type Upstreams } from '../http/upstream.ts'
import type { RequestBudgets } from '../limits/budgets.ts'
import { pinsIn } from '../mcp/pins.ts'
import { mcpSessions } from '../mcp/sessions.ts'
import { knownSecrets } from '../secrets/known.ts'
import type { Sessions } from '../session/sessions.ts'
import { type SqlArgumentDeps, sqlArguments } from '../session/sql-argument.ts'
import { tokenVerifier } from '../session/verified.ts'
import { type CountedArrivals, countArrivals } from './arrivals.ts'
import { type HttpWaits, httpWaits, type ListenerDeps, type TlsMaterial } from './deps.ts'
import { type HttpShares, type HttpSharesDeps, openHttpShares } from './http-shares.ts'
import { type Http2Door, http2Door } from './http2.ts'
import { listening } from './listening.ts'
import { createMemoryGuard } from './memory.ts'

export interface HttpListener {
  /** The port it listens on. */
  readonly port: number
  replaceTls(tls: TlsMaterial): void
  /** Accepts nothing any more. */
  stop(): void
  /** Ends what is left; sessions are ended before, by whoever ends those of the other listener. */
  close(): Promise<void>
}

export interface HttpListenerDeps
  extends Omit<ListenerDeps, 'bounds' | 'sessions' | 'budgets' | 'catalogs' | 'clientTls' | 'admission' | 'callers'>,
    Pick<HttpSharesDeps, 'connectionsPerCallerMax' | 'doorCaps' | 'mcpDirectory' | 'onQuarantine'> {
  readonly sessions: Sessions
  readonly budgets: RequestBudgets
  /** Of the databases that arguments of tools may name. */
  readonly catalogs: SqlArgumentDeps['catalogs']
  /** Of several processes that serve HTTP together; its own when absent. */
  readonly shares?: HttpShares
  /** Tests wait less long. */
  readonly waits?: Partial<HttpWaits>
  /** To each target; default: limits.httpConnectionsPerTargetMax. */
  readonly connectionsPerTargetMax?: number
}

const otherExpectation = (): SallyportError =>
  new SallyportError('FEATURE_UNSUPPORTED', 'expectations but 100-continue are met by nobody here', {
    hint: 'send the request without "Expect"',
  })

const timeoutsOf = ({ handshakeMsMax, headerMsMax, requestMsMax }: HttpWaits): ServerOptions => ({
  handshakeTimeout: handshakeMsMax,
  headersTimeout: headerMsMax,
  requestTimeout: requestMsMax,
  connectionsCheckingInterval: Math.min(1_000, headerMsMax),
})

/** Listens. Rejects with PORT_TAKEN, NO_PERMISSION or CONFIG_INVALID. */
export async function startHttpListener(deps: HttpListenerDeps): Promise<HttpListener> {
  const upstreams = openUpstreams(deps.environment, deps.connectionsPerTargetMax)
  const memory = deps.memory ?? createMemoryGuard(() => deps.clock.nowMs())
  const shares = deps.shares ?? openHttpShares({ ...deps, memory }, upstreams)
  const waits = { ...httpWaits, ...deps.waits }
  const server = createServer({ ...contextOf(deps.tls), ...serverOptions, ...timeoutsOf(waits) })
  const arrivals = countArrivals(server, shares.admission)
  const http = serverOf(deps, upstreams, shares, arrivals)
  const served = new Set<Promise<void>>()
  const begin = (request: Inbound, response: Outbound): Promise<void> => {
    const one = http.serve(request, response)
    served.add(one)
    // It never rejects.
    void one.then(() => served.delete(one))
    return one
  }
  const take = (request: IncomingMessage, response: ServerResponse): void => void begin(inboundOf(request), response)
  server.on('request', take)
  server.setTimeout(waits.idleMsMax)
  // Counted by whoever reads the fields: here more than the limit would be left out in silence.
  server.maxHeadersCount = 0
  const http2 = http2Door({ ...deps, waits }, begin)
  choose(server, http2, arrivals)
  const refuse = refuseSocket(deps, http)
  // Handled here: the caller sends its body once the request is permitted.
  server.on('checkContinue', take)
  server.on('checkExpectation', (_request, response) => {
    const { status, fields, body } = refusalOf(otherExpectation(), null, 417)
    response.writeHead(status, [...fields.flat(), 'connection', 'close'])
    response.end(body)
  })
  server.on('upgrade', (request, socket, behind) => {
    const one = http
      .upgrade(request, socket, behind)
      .catch((thrown: unknown) => refuse(socket, asSallyportError(thrown)))
      .finally(() => served.delete(one))
    served.add(one)
  })
  refuseOthers(server, arrivals, refuse)
  const port = await listening(server, deps.host, deps.port)
  deps.log.info({ host: deps.host, port, protocol: 'http' }, 'listening')
  return {
    port,
    replaceTls: (tls) => server.setSecureContext({ ...contextOf(tls), minVersion: 'TLSv1.2' }),
    stop() {
      server.close()
      http2.stop()
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      arrivals.endUnsecured()
      http2.close()
      await closed
      await Promise.all(served)
      await upstreams.close()
    },
  }
}

/** Sessions of TLS that began at one process go on at another that has the same keys. */
const contextOf = ({ certificate, key, ticketKeys }: TlsMaterial) => ({
  cert: certificate,
  key,
  ...(ticketKeys === undefined ? {} : { ticketKeys: Buffer.from(ticketKeys) }),
})

const serverOf = (deps: HttpListenerDeps, upstreams: Upstreams, shares: HttpShares, arrivals: Arrivals): HttpServer =>
  httpServer({
    deps,
    upstreams,
    sessions: deps.sessions,
    budgets: deps.budgets,
    verifier: tokenVerifier(),
    arrivals,
    callers: shares.callers.connections,
    requests: shares.callers.requests,
    sockets: shares.callers.webSockets,
    known: knownSecrets(deps.snapshots, deps.environment, deps.clock),
    room: shares.room,
    mcp: mcpSessions(shares.enterMcp, deps.random),
    mcpPins: pinsIn(shares.pins),
    lasting: lastingAnswers(),
    sql: sqlArguments({ ...deps, catalogs: deps.catalogs }),
    tokens: oauthTokens({ clock: deps.clock, source: shares.oauth }),
  })

/** Node's parser in its strict form, and what a connection may take (THREATS ). */
const serverOptions = {
  minVersion: 'TLSv1.2',
  ALPNProtocols: ['h2', 'http/1.1'],
  insecureHTTPParser: false,
  // Whoever reads the head does, and says why in a document.
  requireHostHeader: false,
  maxHeaderSize: limits.httpHeaderBytesMax,
  // Between two requests of one connection.
  keepAliveTimeout: 65_000,
  noDelay: true,
} as const satisfies ServerOptions

/** By what client and server agreed on in the handshake; a client that names nothing speaks HTTP/1.1. */
function choose(server: Server, http2: Http2Door, { secured }: CountedArrivals): void {
  const http1 = server.listeners('secureConnection')
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {})
    secured(socket)
    if (socket.alpnProtocol === 'h2') http2.take(socket)
    else for (const listener of http1) listener.call(server, socket)
  })
}

/** What is no request, or no TLS. */
function refuseOthers(
  server: Server,
  arrivals: CountedArrivals,
  refuse: (socket: Duplex, error: SallyportError) => void,
): void {
  server.on('connect', (_request, socket) =>
    refuse(socket, new SallyportError('METHOD_UNSUPPORTED', 'the gateway makes no tunnels')),
  )
  server.on('clientError', (_error, socket) => {
    // Of a handshake that is late or goes wrong as well. What is written before it is through would wait for it for ever.
    if (!arrivals.isSecured(socket)) return void socket.destroy()
    refuse(socket, new SallyportError('PROTOCOL_VIOLATION', 'the request cannot be read in exactly one way'))
  })
}

/** An answer where there is no request that Node could answer; the connection ends with it. */
const refuseSocket =
  (deps: HttpListenerDeps, http: Pick<HttpServer, 'isAnswering' | 'isBroken'>) =>
  (socket: Duplex, error: SallyportError): void => {
    deps.metrics.refusals.inc({ code: error.code })
    deps.log.info({ code: error.code }, 'request-refused')
    // Nothing is written into the middle of another answer.
    if (!socket.writable || http.isAnswering(socket)) {
      socket.destroy()
      return
    }
    // It has its answer, which says that the connection ends; what stands behind is no second request.
    if (http.isBroken(socket)) {
      socket.end(() => socket.destroy())
      return
    }
    const { status, fields, body } = refusalOf(error, null)
    const head = [...fields, ['connection', 'close']].map(([name, value]) => `${name}: ${value}\r\n`).join('')
    socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Refused\r\n${head}\r\n`), body]), () => socket.destroy())
  }
