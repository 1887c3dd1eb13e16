// The life of one HTTP request, as a story: read the head, find the session, judge, inject the credential, forward, stream
// the answer back, write the outcome. Each step needs the value that the step before returned.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { type Fields, fieldOf } from '@sallyport/wire/http/fields'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import { mcpExchange } from '../mcp/serve.ts'
import { countStatement } from '../metrics.ts'
import type { SessionDeps } from '../session/deps.ts'
import { describeThrown } from '../session/log.ts'
import { credentialOutward } from '../session/outward.ts'
import type { AskedRequest, Granted } from '../session/request-asked.ts'
import type { HeldRequest } from '../session/request-hold.ts'
import { secondObjectRefusal } from '../session/request-refusals.ts'
import { slowRefusals } from './arrivals.ts'
import type { RequestBody } from './body.ts'
import { bodyFacts } from './body-facts.ts'
import { type Injected, injectedCredential } from './credential.ts'
import type { Needles } from './echo.ts'
import { Ending } from './ending.ts'
import { bodyOf, type Exchange, flatNeedles, type HttpServing, outwardNeedles } from './exchange.ts'
import { callersFields, fieldsFor, hiding, pathOf } from './forwarded.ts'
import { heldHead } from './held-head.ts'
import { fieldsBeside, hiddenBody } from './hidden-body.ts'
import { type Inbound, inboundOf, type Outbound } from './inbound.ts'
import { refusalNow } from './lasting.ts'
import { outwardInBody, outwardInHead } from './outward.ts'
import { quotaFields } from './quota.ts'
import { refusalOf } from './refuse.ts'
import { type Outcome, relay } from './relay.ts'
import { factsOf, type RequestHead, readHead, recordedRequest } from './request.ts'
import { schemaRefusal } from './route-schemas.ts'
import { type ConnectionSessions, connectionSessions, type HttpSession } from './session.ts'
import type { Answer } from './upstream.ts'
import { webSocketExchange } from './websocket.ts'

export interface HttpServer {
  /** A handshake that asks for another protocol. Settles when that is over; rejects with what the caller is told instead. */
  upgrade(request: IncomingMessage, socket: Duplex, behind: Buffer): Promise<void>
  /** Settles when the answer is out, and never rejects. */
  serve(request: Inbound, response: Outbound): Promise<void>
  /** An answer on this connection has begun and is not whole. */
  isAnswering(socket: object): boolean
  /** What came on it could be read in two ways, and was answered. */
  isBroken(socket: object): boolean
}

/** Serves requests of all connections of a listener. */
export function httpServer(serving: HttpServing): HttpServer {
  const connections = new WeakMap<object, Connection>()
  const slow = slowRefusals(serving.arrivals)
  const serve: HttpServer['serve'] = async (request, response) => {
    const { socket } = request
    const connection = connections.get(socket) ?? {
      // What goes on it for other sessions goes on.
      sessions: connectionSessions(socket, serving, () => request.isMultiplexed || socket.destroy()),
      open: new Set<Outbound>(),
      isBroken: false,
    }
    connections.set(socket, connection)
    let session: HttpSession | null = null
    let head: RequestHead | null = null
    connection.open.add(response)
    try {
      head = admittedHead(connection, request, serving.deps.random)
      session = await connection.sessions.of(head, (fieldOf(head.fields, 'user-agent') ?? '').slice(0, 256))
      await underWay({ request, response, head, session, serving })
    } catch (thrown) {
      const error = asSallyportError(thrown)
      // In the same breath where nothing waits: of what cannot be read the connection ends behind its answer.
      const waits = session === null ? slow.wait(socket, error, () => goneOf(response)) : null
      if (waits !== null && !(await waits)) response.destroy()
      refuse(serving.deps, request, response, error, session, head)
    } finally {
      connection.open.delete(response)
    }
  }
  const upgrade: HttpServer['upgrade'] = async (request, socket, behind) => {
    const known = connections.get(request.socket)
    if (known?.isBroken === true) throw new ProtocolError('a handshake behind a request that cannot be read')
    if ((known?.open.size ?? 0) > 0) throw new ProtocolError('a handshake behind requests that are not answered')
    const head = readHead(inboundOf(request), serving.deps.random)
    if (fieldOf(head.fields, 'upgrade')?.toLowerCase() !== 'websocket')
      throw new SallyportError('FEATURE_UNSUPPORTED', 'upgrades but to WebSockets do not pass the gateway')
    const sessions = known?.sessions ?? connectionSessions(request.socket, serving, () => socket.destroy())
    const session = await sessions
      .of(head, (fieldOf(head.fields, 'user-agent') ?? '').slice(0, 256))
      .catch(async (thrown: unknown) => {
        await slow.wait(request.socket, asSallyportError(thrown), () => goneOf(socket))
        throw thrown
      })
    await webSocketExchange({ request, socket, behind, head, session, serving })
  }
  return {
    serve,
    upgrade,
    isBroken: (socket) => connections.get(socket)?.isBroken === true,
    isAnswering: (socket) => [...(connections.get(socket)?.open ?? [])].some(({ headersSent }) => headersSent),
  }
}

/** What requests of one connection have in common. */
interface Connection {
  readonly sessions: ConnectionSessions
  /** What is not answered yet. */
  readonly open: Set<Outbound>
  /** Its bytes could be read in two ways: nothing behind them is a request (THREATS ). */
  isBroken: boolean
}

/** Read at once, before anything that was pipelined behind it is looked at. */
function admittedHead(connection: Connection, request: Inbound, random: SessionDeps['random']): RequestHead {
  if (connection.isBroken) throw new ProtocolError('a request behind one that cannot be read')
  try {
    const most = request.isMultiplexed ? limits.httpStreamsPerConnectionMax : limits.httpRequestsPerConnectionMax
    if (connection.open.size > most)
      throw new SallyportError('CONNECTION_LIMIT', 'the connection carries as many requests as it may', {
        hint: 'wait for answers, or use another connection',
      })
    return readHead(request, random)
  } catch (thrown) {
    // A stream of HTTP/2 says itself where it ends.
    connection.isBroken = !request.isMultiplexed
    throw thrown
  }
}

/**
 * Within what its caller may have under way at the agent, and no longer than its session. It is under way until its answer is out: what a
 * caller does not take is kept in memory.
 */
async function underWay(parts: Exchange): Promise<void> {
  const { request, response, session, serving } = parts
  const leave = serving.requests.enter(session.admitted.token.principal)
  const ending = new Ending()
  // Of HTTP/1.1 the connection ends with the session.
  const stop = (): void => {
    ending.abort(session.ending.reason)
    if (request.isMultiplexed) response.destroy()
  }
  session.ending.addEventListener('abort', stop)
  response.once('close', () => ending.abort())
  if (session.ending.aborted) stop()
  try {
    await exchange(parts, ending)
  } finally {
    session.ending.removeEventListener('abort', stop)
    if (response.destroyed) leave()
    else response.once('close', leave)
  }
}

/** `ending`: the caller is gone, or the session has ended. */
async function exchange(parts: Exchange, ending: Ending): Promise<void> {
  const { head, session, serving, response } = parts
  const { deps } = serving
  const { document } = session.admitted.target
  const target = document.metadata.name
  if (document.spec.mcp !== undefined) return await mcpExchange(parts, document.spec.mcp)
  const over = session.begin()
  const body = bodyOf(parts)
  try {
    const needles = await outwardNeedles(parts)
    const callers = callersFields(head, document.spec.passFields, null)
    const looking = { body, needles, callers, ending, read: lookedBody(head, body, needles) }
    const asked = askedRequest(parts, looking)
    const granted = await session.gate.judge(asked)
    // Of a body that was not read nobody has asked anything so far.
    const lasting = { asked: body.isRead ? asked : { ...asked, body: unread }, masking: granted.masking }
    const leave = serving.lasting.watch({
      refusal: () => refusalNow(session, deps.clock.nowMs(), lasting),
      end: () => response.destroy(),
    })
    const outcome: Outcome = { result: 'failed', tag: '', bytes: 0, maskedValues: 0 }
    try {
      const { answer, injected } = await forward(parts, granted, looking)
      outcome.tag = String(answer.status)
      await relay(
        {
          response,
          method: head.method,
          target: document,
          secrets: injected.secrets,
          masking: granted.masking,
          hash: deps.maskHash,
          room: serving.room,
          meter: granted.meter,
          cost: granted.cost,
          quotas: () => session.gate.quotas(() => asked.facts, head.initiator),
          requestId: `${session.id}/${granted.number}`,
          ending,
        },
        answer,
        outcome,
      )
    } catch (thrown) {
      if (response.destroyed || session.ending.aborted) outcome.result = 'cancelled'
      deps.log.warn({ session: session.id, method: head.method, cause: describeThrown(thrown) }, 'answer-not-finished')
      throw thrown
    } finally {
      leave()
      granted.end(outcome)
      countStatement(deps.metrics.countsOf(target), outcome.result)
    }
  } finally {
    body.release()
    over()
  }
}

const unread: AskedRequest['body'] = async () => ({ kind: 'other' })

interface Looking {
  readonly body: RequestBody
  readonly needles: readonly Needles[]
  /** Its fields that go on where nothing is masked. */
  readonly callers: Fields
  readonly ending: Ending
  readonly read: LookedBody
}

/**
 * Reads the body, and looks in it for known credentials, once. Throws OUTWARD_SECRET. Whoever needs the bytes asks here: what was read
 * whole goes on as it is, and nobody would look at it while it goes (THREATS ).
 */
type LookedBody = () => Promise<Buffer>

function lookedBody(head: RequestHead, body: RequestBody, needles: readonly Needles[]): LookedBody {
  let isLooked = false
  return async () => {
    const bytes = await body.read()
    if (isLooked) return bytes
    if (outwardInBody(head, bytes, { needles, kinds: new Set() }) !== null) throw credentialOutward('the body')
    isLooked = true
    return bytes
  }
}

/** What the gate may ask about a request; its body is read when the gate does. */
function askedRequest(parts: Exchange, looking: Looking): AskedRequest {
  const { body, needles, callers: fields, read } = looking
  const { head, session, serving } = parts
  return {
    facts: factsOf(head),
    kept: recordedRequest(head, hiding(serving.deps, needles, head)),
    initiator: head.initiator,
    trace: head.tracing.entry,
    body: async () => bodyFacts(head.fields, await body.read()),
    async outward(stops, hides) {
      const found = outwardInHead(head, fields, { needles, kinds: new Set([...stops, ...hides]) })
      if (found !== null || !head.hasBody) return found
      const isPeeked = head.contentLength !== null && head.contentLength <= limits.httpPeekedBodyBytesMax
      if (stops.size === 0 && !isPeeked && !body.isRead) return null
      return outwardInBody(head, await body.read(), { needles, kinds: stops })
    },
    async hide(masking) {
      if (!head.hasBody) return 0
      const hidden = await hiddenBody(head.fields, await read(), masking, serving)
      body.replace(hidden.bytes)
      return hidden.values
    },
    async also() {
      const { document } = session.admitted.target
      const refusal = secondObjectRefusal(head.fields, document.spec.passFields)
      return { refusal: refusal ?? (await schemaRefusal(document, head, read)) }
    },
    held: () => heldRequest(parts, fields, looking),
  }
}

/** Read whole: a person decides on all of it. Throws REQUEST_TOO_LARGE where nobody could be shown it. */
async function heldRequest(
  { head, session, response }: Exchange,
  fields: Fields,
  { body, read }: Looking,
): Promise<Omit<HeldRequest, 'recorded' | 'protocol'>> {
  await read()
  return heldHead({
    head,
    session,
    fields: fieldsBeside(body, fields),
    body: await body.sent(),
    gone: goneOf(response),
  })
}

/** Fires when the client is gone; nobody but whoever waits for people asks. */
function goneOf(
  response: Pick<Outbound, 'destroyed'> & { once(event: 'close', listener: () => void): unknown },
): AbortSignal {
  const gone = new AbortController()
  if (response.destroyed) gone.abort()
  else response.once('close', () => gone.abort())
  return gone.signal
}

/** Sends the request with what the gateway sets in the place of what it took out. */
async function forward(
  { head, session, serving }: Exchange,
  granted: Granted,
  { body, needles, callers, ending, read }: Looking,
): Promise<{ readonly answer: Answer; readonly injected: Injected }> {
  const { deps, tokens, upstreams } = serving
  const { document } = session.admitted.target
  const injected = await injectedCredential(document, deps.environment, tokens, deps.clock.nowMs())
  const path = pathOf(document.spec, head, injected)
  const fields = fieldsBeside(body, fieldsFor({ head, callers }, document.spec.passFields, injected, granted, session))
  const request = { method: head.method, path, signal: ending }
  if (injected.sign !== null || body.isRead) await read()
  // Of a signed request every byte counts.
  const signed =
    injected.sign === null
      ? fields
      : injected.sign({ ...request, host: new URL(document.spec.url).host, fields, body: await body.sent() })
  const answer = await upstreams.send(document, {
    ...request,
    fields: signed,
    body: body.forTarget(() => flatNeedles(needles)),
  })
  if (answer.status === 401) tokens.refused(document)
  return { answer, injected }
}

/** Tells the caller why. Once the answer has begun, only closing says that it is not whole. */
function refuse(
  deps: SessionDeps,
  request: Inbound,
  response: Outbound,
  error: SallyportError,
  session: HttpSession | null,
  head: RequestHead | null,
): void {
  deps.metrics.refusals.inc({ code: error.code })
  deps.log.info(
    { code: error.code, session: session?.id ?? null, cause: describeThrown(error.cause) },
    'request-refused',
  )
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const { status, fields, body } = refusalOf(error, session?.id ?? null)
  // A body that nobody reads, and what was pipelined behind it, end with the connection (THREATS ).
  const endsIt = error.code === 'PROTOCOL_VIOLATION' || error.code === 'CONNECTION_LIMIT' || !request.complete
  const close = endsIt ? ['connection', 'close'] : []
  const isLimited = error.code === 'LIMIT_REACHED' && session !== null && head !== null
  const left = isLimited ? quotaFields(session.gate.quotas(() => factsOf(head), head.initiator)) : []
  response.writeHead(status, [...[...fields, ...left].flat(), ...close])
  response.end(body)
}
