// The stream by which a server of MCP says what nobody asked for, and by which a client goes on where another stream broke off. All
// that comes on it is shown as on any other (THREATS ).
import { boundBy } from '@sallyport/base/bound'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { widestDetection } from '@sallyport/mask/detect/detection'
import { fieldOf } from '@sallyport/wire/http/fields'
import type { McpNotification } from '@sallyport/wire/mcp/message'
import { refusalNow } from '../http/lasting.ts'
import type { Outcome } from '../http/relay.ts'
import { formOf, incoming } from './answers.ts'
import { showingOf } from './ask.ts'
import { askedMessage, listedFor } from './asked.ts'
import { type McpCall, sessionOf } from './call.ts'
import type { Understood } from './methods.ts'
import { checkStatus, pass } from './relay.ts'
import { responderOf } from './responder.ts'
import type { Showing } from './results.ts'
import { type Sent, send } from './send.ts'
import type { McpSession } from './sessions.ts'
import { unreadable } from './unreadable.ts'

const nothing: Understood = { answer: 'plain', subject: null, arguments: new Map() }

/** As it stands in the record. */
const opening = (method: 'GET' | 'DELETE'): McpNotification => ({
  kind: 'notification',
  method: method === 'GET' ? 'stream' : 'end-session',
  params: new Map(),
})

interface Asked {
  readonly session: McpSession
  readonly sent: Sent
  readonly requestId: string
  readonly outcome: Outcome
  /** Why it would be refused now; null: it goes on. */
  readonly refusal: () => Promise<SallyportError | null>
}

/** Asks the server, with an entry of it as of any message. `signal`: nobody wants its answer any more. */
async function asked(
  call: McpCall,
  method: 'GET' | 'DELETE',
  session: McpSession,
  signal: AbortSignal,
): Promise<Asked> {
  const lastEventId = method === 'GET' ? resumed(call, session) : undefined
  const asked = askedMessage(call, {
    message: opening(method),
    initiator: call.head.initiator,
    understood: nothing,
    also: undefined,
    onWaits: null,
  })
  const granted = await call.session.gate.judge(asked)
  const judged = { asked, masking: granted.masking }
  const outcome: Outcome = { result: 'failed', tag: '', bytes: 0, maskedValues: 0 }
  const requestId = `${call.session.id}/${granted.number}`
  try {
    const from = lastEventId === undefined ? {} : { lastEventId }
    const sent = await send(call, { method, message: null, session, requestId, signal, ...from })
    outcome.tag = String(sent.answer.status)
    outcome.result = sent.answer.status < 300 ? 'done' : 'failed'
    const refusal = () => refusalNow(call.session, call.serving.deps.clock.nowMs(), judged)
    return { session, sent, requestId, outcome, refusal }
  } finally {
    // A stream may be open for days; what goes on it was asked for by others.
    granted.end(outcome)
  }
}

/** Throws NOT_FOUND for an event that this session never had: another caller's leads nowhere. */
function resumed({ head }: McpCall, session: McpSession): string | undefined {
  const id = fieldOf(head.fields, 'last-event-id')
  if (id === undefined) return undefined
  const own = session.ofServer(id)
  if (own !== undefined) return own
  throw new SallyportError('NOT_FOUND', 'there is no event of this id in the session', {
    hint: 'open the stream without Last-Event-ID',
  })
}

export async function openStream(call: McpCall): Promise<void> {
  const session = sessionOf(call)
  if (!/\btext\/event-stream\b|\*\/\*/.test(fieldOf(call.head.fields, 'accept') ?? ''))
    throw new SallyportError('METHOD_UNSUPPORTED', 'GET opens a stream of events', { hint: 'accept text/event-stream' })
  // Its deadline is a matter of hours: nothing but the end of the stream may take it away.
  const over = boundBy([call.gone, call.session.signal, session.signal], lifeMs(call))
  try {
    await stream(call, await asked(call, 'GET', session, over.signal), over.signal)
  } finally {
    over.release()
  }
}

async function stream(
  call: McpCall,
  { session, sent, requestId, outcome, refusal }: Asked,
  signal: AbortSignal,
): Promise<void> {
  const { answer } = sent
  let may: Showing['may'] = () => false
  const look = async (): Promise<SallyportError | null> => {
    const why = await refusal()
    // What may be heard of changes with the rules, too.
    if (why === null) may = await listedFor(call, call.head.initiator)
    return why
  }
  const leave = call.serving.lasting.watch({ refusal: look, end: () => call.response.destroy() })
  try {
    if (answer.status === 405) throw new SallyportError('METHOD_UNSUPPORTED', 'the MCP server has no stream of its own')
    checkStatus(call, session, answer.status)
    if (answer.status >= 300 || formOf(answer) !== 'events') throw unreadable('it is no stream of events')
    may = await listedFor(call, call.head.initiator)
    const responder = responderOf(call.response, signal)
    responder.stream()
    const routing = { call, session, beside: () => besideOf(call, may), requestId }
    for await (const one of incoming(answer, 'events', sent.needles)) await pass(routing, one, responder, outcome)
    responder.end()
  } finally {
    leave()
    answer.body.destroy()
  }
}

/** As long as the token is good; it ends before a timer of Node's would not count any more. */
const lifeMs = ({ session, serving }: McpCall): number => {
  const leftMs = session.admitted.token.expiresAtMs - serving.deps.clock.nowMs()
  return Math.max(1, Math.min(leftMs + limits.clockLeewaySeconds * 1_000, limits.tokenLifeSecondsMax * 1_000))
}

/** What belongs to no call may be of any: where anything is hidden at the target, all detectors look. */
function besideOf(call: McpCall, may: Showing['may']): Showing {
  const { document } = call.session.admitted.target
  const masks = call.serving.deps.snapshots.current().targets.get(document.metadata.name)?.policies.masks ?? 1
  const masking = masks === 0 ? null : { parts: [], detection: widestDetection(null), rules: [] }
  return showingOf(call, nothing, { masking }, may)
}

export async function endSession(call: McpCall): Promise<void> {
  const session = sessionOf(call)
  if (session.serverId !== null) {
    const { signal, release } = boundBy([call.gone, call.session.signal, session.signal])
    try {
      const { sent } = await asked(call, 'DELETE', session, signal)
      sent.answer.body.destroy()
    } finally {
      release()
    }
  }
  call.serving.mcp.end(session.id)
  call.response.writeHead(204, { 'cache-control': 'no-store' })
  call.response.end()
}
