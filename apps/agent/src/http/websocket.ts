// A WebSocket through the gateway: judged as the operation `http.WEBSOCKET`, dialled with the injected credential, then passed on
// message by message in both directions. Nothing is passed that has to be masked, or that nobody could look through (THREATS ).
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { boundBy } from '@sallyport/base/bound'
import { SallyportError } from '@sallyport/base/errors'
import type { HttpTargetDocument } from '@sallyport/policy/document'
import { type Fields, fieldOf } from '@sallyport/wire/http/fields'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import { type WebSocket, WebSocketServer } from 'ws'
import { countStatement } from '../metrics.ts'
import { describeThrown } from '../session/log.ts'
import type { AskedRequest, Granted, RequestOutcome } from '../session/request-asked.ts'
import { secondObjectRefusal } from '../session/request-refusals.ts'
import { type Injected, injectedCredential } from './credential.ts'
import { type Needles, needlesOf } from './echo.ts'
import { type HttpServing, outwardNeedles } from './exchange.ts'
import { callersFields, fieldsFor, hiding, pathOf } from './forwarded.ts'
import { heldHead } from './held-head.ts'
import { outwardInHead } from './outward.ts'
import { factsOf, type RequestHead, recordedRequest } from './request.ts'
import type { HttpSession } from './session.ts'
import { dialWebSocket, webSocketBounds } from './websocket-dial.ts'
import { type PassedSockets, passSockets } from './websocket-pass.ts'

/** What rules know it by, in the place of the method. */
const operation = 'WEBSOCKET'

export interface Upgrading {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What came behind the head. */
  readonly behind: Buffer
  readonly head: RequestHead
  readonly session: HttpSession
  readonly serving: HttpServing
}

/** Settles when it is over. Throws what the caller is told in the place of 101. */
export async function webSocketExchange(upgrading: Upgrading): Promise<void> {
  const { session, serving, socket } = upgrading
  const protocols = offeredProtocols(upgrading.head)
  const head = { ...upgrading.head, method: operation }
  const leave = serving.sockets.enter(session.admitted.token.principal)
  const over = session.begin()
  const gone = new AbortController()
  socket.once('close', () => gone.abort())
  try {
    const needles = await outwardNeedles({ head, session, serving })
    const request = asked({ ...upgrading, head }, protocols, needles, gone.signal)
    const granted = await session.gate.judge(request)
    const again = (): Promise<SallyportError | null> => session.gate.again(request)
    await granting({ ...upgrading, head }, granted, { protocols, needles: needles.flat(), gone: gone.signal, again })
  } finally {
    over()
    leave()
  }
}

interface Opening {
  readonly protocols: readonly string[]
  readonly needles: Needles
  readonly gone: AbortSignal
  /** Judges it as it would be judged now. */
  readonly again: () => Promise<SallyportError | null>
}

async function granting(upgrading: Upgrading, granted: Granted, opening: Opening): Promise<void> {
  const { head, session, serving, request, socket, behind } = upgrading
  const { deps } = serving
  const { document } = session.admitted.target
  let outcome: RequestOutcome = { result: 'failed', tag: '', bytes: 0, maskedValues: 0 }
  try {
    const injected = await injectedCredential(document, deps.environment, serving.tokens, deps.clock.nowMs())
    const target = await dial(upgrading, granted, injected, opening)
    const client = await accepted(request, socket, behind, target)
    const passed = await passSockets(client, target, {
      outward: opening.needles,
      secrets: needlesOf(injected.secrets),
      meter: granted.meter,
      ends: endsOf(session, deps.clock.nowMs()),
      again: opening.again,
    })
    outcome = outcomeOf(passed)
  } catch (thrown) {
    if (opening.gone.aborted || session.signal.aborted) outcome = { ...outcome, result: 'cancelled' }
    deps.log.warn({ session: session.id, method: head.method, cause: describeThrown(thrown) }, 'answer-not-finished')
    throw thrown
  } finally {
    granted.end(outcome)
    countStatement(deps.metrics.countsOf(document.metadata.name), outcome.result)
  }
}

async function dial(
  { head, session, serving }: Upgrading,
  granted: Granted,
  injected: Injected,
  { protocols, gone }: Opening,
): Promise<WebSocket> {
  const { document } = session.admitted.target
  const { passFields } = document.spec
  const callers = callersFields(head, passFields, null)
  const fields = fieldsFor({ head, callers }, passFields, injected, granted, session)
  const { signal, release } = boundBy([gone, session.signal])
  const dialling = {
    path: pathOf(document.spec, head, injected),
    fields: fields.filter(([name]) => !name.startsWith('sec-websocket-')),
    protocols,
    environment: serving.deps.environment,
    signal,
  }
  const found = await dialWebSocket(document, dialling).finally(release)
  if (found.kind === 'open') return found.target
  if (found.status === 401) serving.tokens.refused(document)
  throw new SallyportError('UPSTREAM_REFUSED', `the target answered the handshake with status ${found.status}`, {
    hint: 'ask its owner whether it serves WebSockets on this route',
  })
}

/** 101, with the subprotocol that the target chose and without an extension. */
async function accepted(
  request: IncomingMessage,
  socket: Duplex,
  behind: Buffer,
  target: WebSocket,
): Promise<WebSocket> {
  const server = new WebSocketServer({
    ...webSocketBounds,
    noServer: true,
    clientTracking: false,
    handleProtocols: () => (target.protocol === '' ? false : target.protocol),
  })
  try {
    return await new Promise<WebSocket>((resolve, reject) => {
      socket.once('close', () => reject(new SallyportError('SESSION_ENDED', 'the client closed the connection')))
      server.handleUpgrade(request, socket, behind, resolve)
    })
  } catch (thrown) {
    target.terminate()
    throw thrown
  }
}

/** When the session is over it ends with it; a token that has run out ends it too. */
const endsOf = (session: HttpSession, nowMs: number): PassedSocketsEnds => ({
  session: session.signal,
  leaving: session.leaving,
  expiresInMs: session.expiresAtMs - nowMs,
})
type PassedSocketsEnds = Parameters<typeof passSockets>[2]['ends']

const outcomeOf = ({ result, code, received, sent }: PassedSockets): RequestOutcome => ({
  result,
  tag: `101 ${code}, ${received.messages} messages of ${received.bytes} bytes in, ${sent.messages} out`,
  bytes: sent.bytes,
  maskedValues: 0,
})

/** RFC 6455, 4.2.1. Throws ProtocolError where the handshake is none, or could be read in two ways. */
function offeredProtocols({ method, fields, hasBody }: RequestHead): readonly string[] {
  const one = (name: string): string | undefined => {
    const [first, second] = fields.filter(([field]) => field === name)
    if (second !== undefined) throw new ProtocolError(`"${name}" is there twice`)
    return first?.[1]
  }
  if (method !== 'GET' || hasBody) throw new ProtocolError('a handshake that is no GET without a body')
  if (one('upgrade')?.toLowerCase() !== 'websocket') throw new ProtocolError('an upgrade to more than a WebSocket')
  if (one('sec-websocket-version') !== '13') throw new ProtocolError('a version of WebSockets that is not 13')
  if (!/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(one('sec-websocket-key') ?? ''))
    throw new ProtocolError('a handshake without a key of 16 bytes')
  const offered = one('sec-websocket-protocol')
  if (offered === undefined) return []
  const names = offered.split(',').map((name) => name.trim())
  if (names.length > 32 || names.some((name) => !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/.test(name)))
    throw new ProtocolError('subprotocols that are no list of names')
  if (new Set(names).size < names.length) throw new ProtocolError('a subprotocol that is offered twice')
  return names
}

function asked(
  { head, session, serving }: Upgrading,
  protocols: readonly string[],
  needles: readonly Needles[],
  gone: AbortSignal,
): AskedRequest {
  const { document } = session.admitted.target
  const fields = callersFields(head, document.spec.passFields, null)
  return {
    facts: factsOf(head),
    kept: recordedRequest(head, hiding(serving.deps, needles, head)),
    initiator: head.initiator,
    trace: head.tracing.entry,
    body: async () => ({ kind: 'other' }),
    async outward(stops, hides) {
      const kinds = new Set([...stops, ...hides])
      const found = outwardInHead(head, fields, { needles, kinds })
      if (found !== null || kinds.size === 0) return found
      throw new SallyportError('BODY_UNREADABLE', 'what leaves on this route is looked through, and messages are not', {
        hint: 'ask over HTTP, or ask the owner of the policy to leave this route out of "outward"',
      })
    },
    async also(_context, masking) {
      const refusal = secondObjectRefusal(head.fields, document.spec.passFields) ?? refusedBy(document, head, protocols)
      return { refusal: refusal ?? (masking === null ? null : cannotMask()) }
    },
    held: async () => heldHead({ head, session, fields: heldFields(fields), body: Buffer.alloc(0), gone }),
  }
}

const cannotMask = (): SallyportError =>
  new SallyportError('MASK_UNPROVABLE', 'masks apply to this route, and messages of a WebSocket cannot be masked', {
    hint: 'ask over HTTP, where the answer is masked',
  })

/** Another attempt has another key. */
const heldFields = (fields: Fields): Fields =>
  fields.filter(([name]) => !name.startsWith('sec-websocket-') || name === 'sec-websocket-protocol')

function refusedBy(
  { spec: { webSocket } }: HttpTargetDocument,
  { fields }: RequestHead,
  protocols: readonly string[],
): SallyportError | null {
  if (webSocket === undefined)
    return new SallyportError('FEATURE_UNSUPPORTED', 'the target takes no WebSockets', {
      hint: 'its owner enables them by "webSocket" of the target',
    })
  const origin = fieldOf(fields, 'origin')
  if (origin !== undefined && !webSocket.origins.includes(origin))
    return new SallyportError('POLICY_DENIED', 'pages of this origin may open no WebSocket here', {
      hint: 'the owner of the target lists origins under "webSocket.origins"',
    })
  const known = webSocket.subprotocols
  if (known === undefined || protocols.every((name) => known.includes(name))) return null
  return new SallyportError('POLICY_DENIED', 'the target permits other subprotocols', {
    hint: 'the owner of the target lists them under "webSocket.subprotocols"',
  })
}
