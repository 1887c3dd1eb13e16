// The life of one message of a client: read it, judge it, send it with the agent's credential, show what comes back, write the
// outcome. Whatever stops it is answered as JSON-RPC, with the code and the next step.
import { boundBy } from '@sallyport/base/bound'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { fieldOf } from '@sallyport/wire/http/fields'
import { charsetOf, mediaOf } from '@sallyport/wire/http/media'
import {
  type McpMessage,
  type McpNotification,
  type McpRequest,
  type MessageId,
  readMessage,
} from '@sallyport/wire/mcp/message'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import { refusalNow } from '../http/lasting.ts'
import type { Outcome } from '../http/relay.ts'
import { countStatement } from '../metrics.ts'
import { describeThrown } from '../session/log.ts'
import type { AskedRequest, Granted } from '../session/request-asked.ts'
import { askedMessage, listedFor, withoutInitiator } from './asked.ts'
import { initialize } from './begin.ts'
import { type McpCall, sessionOf } from './call.ts'
import { pinRefusal } from './list.ts'
import { droppedNotifications, isNotification, type Understood, understood } from './methods.ts'
import { progressOf, tellWaiting } from './progress.ts'
import { pendingMessage, refusalMessage } from './refuse.ts'
import { relayAnswer } from './relay.ts'
import { type Responder, responderOf } from './responder.ts'
import type { Showing } from './results.ts'
import { send } from './send.ts'
import type { McpSession } from './sessions.ts'
import { judgeArguments, maskingWith, type SqlAnswer } from './sql.ts'
import { tracedMessage } from './traced.ts'

/** Settles when the answer is out. Throws what is no matter of one message: a session that is not there, a body too long. */
export async function postMessage(call: McpCall): Promise<void> {
  const ends = boundBy([call.gone, call.session.signal])
  try {
    await postWithin(call, responderOf(call.response, ends.signal))
  } finally {
    ends.release()
  }
}

async function postWithin(call: McpCall, responder: Responder): Promise<void> {
  let message: McpMessage
  try {
    message = await readBody(call)
  } catch (thrown) {
    if (!(thrown instanceof ProtocolError)) throw thrown
    refused(call, thrown)
    responder.answer(refusalMessage(thrown, null, call.session.id), 400)
    return
  }
  switch (message.kind) {
    case 'request': {
      const traced = tracedMessage(call, message)
      return await ask(traced.call, responder, traced.message)
    }
    case 'notification': {
      const traced = tracedMessage(call, message)
      return await notify(traced.call, responder, traced.message)
    }
    case 'response':
      // The server was never let ask.
      return notPermitted(call, responder, new ProtocolError('an answer to nothing that was asked'))
  }
}

async function readBody({ head, body }: McpCall): Promise<McpMessage> {
  const media = mediaOf(fieldOf(head.fields, 'content-type'))
  const encoding = fieldOf(head.fields, 'content-encoding') ?? 'identity'
  if (media.kind !== 'json' || charsetOf(media) !== 'utf-8' || encoding.toLowerCase() !== 'identity')
    throw new ProtocolError('a message that is not sent as JSON in UTF-8')
  const bytes = await body.read()
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new ProtocolError('a message that is no UTF-8')
  }
  return readMessage(text, { depthMax: limits.httpBodyDepthMax, entriesMax: limits.mcpArgumentEntriesMax })
}

function notPermitted(call: McpCall, responder: Responder, error: SallyportError): void {
  refused(call, error)
  responder.answer(refusalMessage(error, null, call.session.id), 400)
}

export function refused({ serving, session }: McpCall, error: SallyportError): void {
  serving.deps.metrics.refusals.inc({ code: error.code })
  serving.deps.log.info(
    { code: error.code, session: session.id, cause: describeThrown(error.cause) },
    'request-refused',
  )
}

/** Whatever the message is refused for, the client has an answer with its id. */
async function ask(call: McpCall, responder: Responder, request: McpRequest): Promise<void> {
  // Not a matter of the message: without a session its client has to begin anew.
  const session = request.method === 'initialize' ? null : sessionOf(call)
  const progress: { stop: () => void } = { stop: () => {} }
  try {
    const { message, initiator } = withoutInitiator(request, call.head.initiator)
    const known = attempt(() => understood(message.method, message.params))
    const begin = (text: string): void => {
      progress.stop = tellWaiting(responder, message, text)
    }
    const onWaits = progressOf(message) === null ? null : begin
    const inSql: SqlAnswer = { detection: null, isCharged: false }
    const asked = askedMessage(call, {
      message,
      initiator,
      understood: known,
      also: alsoOf(call, session, known, inSql),
      onWaits,
    })
    const judged = await call.session.gate.judge(asked)
    const granted = { ...judged, masking: maskingWith(judged.masking, inSql) }
    progress.stop()
    if (known instanceof SallyportError) throw known
    const may = await mayOf(call, known, initiator)
    const showing = showingOf(call, known, granted, may)
    responder.meter = granted.meter
    const refusal = () => refusalNow(call.session, call.serving.deps.clock.nowMs(), { asked, masking: judged.masking })
    const leave = call.serving.lasting.watch({ refusal, end: () => call.response.destroy() })
    await carryOut(call, { responder, message, session, showing, granted }).finally(leave)
  } catch (thrown) {
    progress.stop()
    if (call.gone.aborted) return
    answerRefusal(call, responder, request, asSallyportError(thrown))
  }
}

/** Is the tool or prompt what it was, and may what its arguments say in SQL be done? `found` learns what the answer is looked through for. */
function alsoOf(
  call: McpCall,
  session: McpSession | null,
  known: Understood | SallyportError,
  found: SqlAnswer,
): AskedRequest['also'] {
  if (known instanceof SallyportError || known.subject === null || session === null) return undefined
  const { kind, name } = known.subject
  if (kind === 'resource') return undefined
  return async (context) => {
    const refusal = await pinRefusal(call, session, { kind, name })
    if (refusal !== null || kind === 'prompt') return { refusal }
    return await judgeArguments(call, { tool: name, args: known.arguments, context }, found)
  }
}

const attempt = <T>(run: () => T): T | SallyportError => {
  try {
    return run()
  } catch (thrown) {
    return asSallyportError(thrown)
  }
}

function answerRefusal(call: McpCall, responder: Responder, { id, method }: McpRequest, error: SallyportError): void {
  refused(call, error)
  const requestId = call.session.id
  responder.meter = null
  const isPending = error.code === 'HOLD_PENDING' && method === 'tools/call'
  responder.answer(isPending ? pendingMessage(error, id, requestId) : refusalMessage(error, id, requestId))
}

/** Asked for lists alone; what is answered to a call was decided with it. */
async function mayOf(
  call: McpCall,
  { answer }: Understood,
  initiator: Parameters<typeof listedFor>[1],
): Promise<Showing['may']> {
  const isList = answer === 'tools' || answer === 'prompts' || answer === 'resources' || answer === 'templates'
  return isList ? await listedFor(call, initiator) : () => false
}

export const showingOf = (
  { serving, server, session }: McpCall,
  { answer }: Pick<Understood, 'answer'>,
  { masking }: Pick<Granted, 'masking'>,
  may: Showing['may'],
): Showing => ({
  answer,
  masking,
  hash: serving.deps.maskHash,
  media: new Set(server.media),
  may,
  isApproved: (definition, kind) =>
    serving.mcpPins.isApproved({ document: session.admitted.target.document, server }, definition, kind),
})

interface CarryingOut {
  readonly responder: Responder
  readonly message: McpRequest
  /** Null for `initialize`. */
  readonly session: McpSession | null
  readonly showing: Showing
  readonly granted: Granted
}

/** INVARIANT: the intent is in the record; the outcome is written however it ends. */
async function carryOut(call: McpCall, { responder, message, session, showing, granted }: CarryingOut): Promise<void> {
  const { deps } = call.serving
  const target = call.session.admitted.target.document.metadata.name
  const outcome: Outcome = { result: 'failed', tag: '', bytes: 0, maskedValues: 0 }
  const requestId = `${call.session.id}/${granted.number}`
  const { signal, release } = boundBy([call.gone, call.session.signal, ...(session === null ? [] : [session.signal])])
  try {
    if (session === null) await initialize(call, { responder, message, showing, requestId, signal }, outcome)
    else {
      session.begin(message.id, { showing, progressToken: progressOf(message) })
      const keep = { isResumable: false }
      try {
        const sent = await send(call, { method: 'POST', message, session, requestId, signal })
        await relayAnswer(call, { responder, message, session, showing, requestId, sent, keep }, outcome)
      } finally {
        if (!keep.isResumable) session.settle(message.id)
      }
    }
  } catch (thrown) {
    if (call.response.destroyed || call.session.signal.aborted) outcome.result = 'cancelled'
    deps.log.warn({ session: call.session.id, cause: describeThrown(thrown) }, 'answer-not-finished')
    throw thrown
  } finally {
    release()
    outcome.bytes = responder.bytes
    granted.end(outcome)
    countStatement(deps.metrics.countsOf(target), outcome.result)
  }
}

/** Refused in another way than a request: a notification has no answer, so its client learns by the status. */
async function notify(call: McpCall, responder: Responder, notification: McpNotification): Promise<void> {
  const session = sessionOf(call)
  // A request without an id would run, and nobody would be told.
  if (!isNotification(notification.method) && !droppedNotifications.has(notification.method))
    return notPermitted(call, responder, new ProtocolError('a notification that does not pass'))
  const isDropped = droppedNotifications.has(notification.method) || isAboutNothing(session, notification)
  if (isDropped) return responder.accepted()
  const { message, initiator } = withoutInitiator(notification, call.head.initiator)
  const known: Understood = { answer: 'plain', subject: null, arguments: new Map() }
  const granted = await call.session.gate.judge(
    askedMessage(call, { message, initiator, understood: known, also: undefined, onWaits: null }),
  )
  const outcome: Outcome = { result: 'failed', tag: '', bytes: 0, maskedValues: 0 }
  const requestId = `${call.session.id}/${granted.number}`
  const { signal, release } = boundBy([call.gone, call.session.signal, session.signal])
  try {
    const { answer } = await send(call, { method: 'POST', message, session, requestId, signal })
    answer.body.destroy()
    outcome.tag = String(answer.status)
    if (answer.status >= 300)
      throw new SallyportError('ANSWER_REFUSED', `the MCP server refused the notification with status ${answer.status}`)
    outcome.result = 'done'
    responder.accepted()
  } finally {
    release()
    granted.end(outcome)
  }
}

/** Of a server that keeps no sessions a guessed id might be somebody else's request. */
function isAboutNothing(session: McpSession, { method, params }: McpNotification): boolean {
  if (method !== 'notifications/cancelled') return false
  const id = params.get('requestId')
  const isId = (value: unknown): value is MessageId => typeof value === 'string' || typeof value === 'bigint'
  return !isId(id) || !session.isPending(id)
}
