// A message of MCP as the gate is asked about it: what it is about, how it stands in the record, how people are shown it, and what
// of it may not leave. What is looked at is what is sent: `message` has nothing in it that ends at the gateway.
import { createHash } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { widestDetection } from '@sallyport/mask/detect/detection'
import type { AnswerMasking } from '@sallyport/policy/answers'
import { type McpFacts, type McpSubject, mcpObject } from '@sallyport/policy/mcp'
import { isJsonObject, jsonText } from '@sallyport/wire/http/json'
import { type JsonObject, type McpNotification, type McpRequest, messageText } from '@sallyport/wire/mcp/message'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import { waitMsOf } from '../http/held.ts'
import { documentMask } from '../http/masker.ts'
import { holdsAny, outwardInBody, outwardInHead } from '../http/outward.ts'
import { factsOf } from '../http/request.ts'
import type { Said } from '../session/initiator.ts'
import type { AskedRequest } from '../session/request-asked.ts'
import type { KeptRequest } from '../session/request-subject.ts'
import type { McpCall } from './call.ts'
import type { Understood } from './methods.ts'
import { withoutLiteralsOfSql } from './sql.ts'

type Message = McpRequest | McpNotification

/** Where a model's client says for whom it calls; the header is for those that can set one. */
const initiatorMember = 'sallyport/initiator'

/** The message without what ends here, and what that said. Throws INITIATOR_PLACE where header and message both say it. */
export function withoutInitiator<M extends Message>(
  message: M,
  said: Said | null,
): { readonly message: M; readonly initiator: Said | null } {
  const meta = message.params.get('_meta')
  const value = isJsonObject(meta) ? meta.get(initiatorMember) : undefined
  if (!isJsonObject(meta) || value === undefined) return { message, initiator: said }
  if (typeof value !== 'string') throw new ProtocolError('an initiator that is no text')
  if (said !== null)
    throw new SallyportError('INITIATOR_PLACE', 'header and message both say for whom the call is', {
      hint: `send Sallyport-Initiator or "${initiatorMember}" in _meta, not both`,
    })
  const left = new Map([...meta].filter(([name]) => name !== initiatorMember))
  const others = [...message.params].filter(([name]) => name !== '_meta')
  const params: JsonObject = new Map(left.size === 0 ? others : [...others, ['_meta', left]])
  return { message: { ...message, params }, initiator: { value: new Secret(value) } }
}

export interface Asking {
  readonly message: Message
  readonly initiator: Said | null
  /** Or why it is none that passes: the refusal is recorded. */
  readonly understood: Understood | SallyportError
  /** What else has to be so. */
  readonly also: AskedRequest['also']
  /** Called when the caller begins to wait for a person; null where it would not hear of it. */
  readonly onWaits: ((text: string) => void) | null
}

export function askedMessage(call: McpCall, asking: Asking): AskedRequest {
  const { message, initiator, understood, also } = asking
  const isUnderstood = !(understood instanceof SallyportError)
  const mcp: McpFacts = {
    method: message.method,
    subject: isUnderstood ? understood.subject : null,
    arguments: { kind: 'known', value: isUnderstood ? understood.arguments : new Map() },
  }
  const bytes = Buffer.from(messageText(message), 'utf8')
  return {
    facts: factsOf(call.head),
    mcp,
    kept: keptMessage(call, message, mcp),
    initiator,
    trace: call.tracing.entry,
    body: async () => ({ kind: 'json', value: message.params }),
    outward: async (kinds) =>
      outwardInHead(call.head, [], { needles: call.needles, kinds }) ??
      outwardInBody(call.head, bytes, { needles: call.needles, kinds }),
    held: async () => heldMessage(call, asking, mcp),
    also: async (context) => (isUnderstood ? ((await also?.(context)) ?? { refusal: null }) : { refusal: understood }),
  }
}

const everything: AnswerMasking = { parts: [], detection: widestDetection(null), rules: [] }

/** `tools/call search_orders {"customer":"[redacted]"}`: what looks personal or secret in it is not kept. */
function keptMessage(call: McpCall, { method, params }: Message, { subject }: McpFacts): KeptRequest {
  const server = call.session.admitted.target.document.metadata.name
  const hidden = (text: string): string => {
    if (holdsAny(call, text)) return '[redacted]'
    return textOf(documentMask(everything, call.serving.deps.maskHash).mask(JSON.stringify(text))?.text)
  }
  const name = subject === null ? null : { kind: subject.kind, name: hidden(subject.name) }
  const shown = hiddenArguments(call, withoutLiteralsOfSql(call.server, subject, params))
  const text = [hidden(method), name?.name ?? '', shown].filter((part) => part !== '').join(' ')
  return { text, path: name === null ? '' : mcpObject(server, name) }
}

const textOf = (json: string | undefined): string => {
  const value: unknown = json === undefined ? '' : JSON.parse(json)
  return typeof value === 'string' ? value : ''
}

function hiddenArguments(call: McpCall, params: JsonObject): string {
  const value = params.get('arguments')
  if (value === undefined) return ''
  const text = jsonText(value)
  // Spread over several of them, or as it is.
  if (holdsAny(call, text)) return '[redacted]'
  return documentMask(everything, call.serving.deps.maskHash).mask(text)?.text ?? '[redacted]'
}

/** What differs from attempt to attempt (MCP, "Progress"; W3C Trace Context): people decide on all the rest that goes on. */
const ofAttempt: ReadonlySet<string> = new Set(['progressToken', 'traceparent', 'tracestate'])

function meantOf(params: JsonObject): JsonObject {
  const meta = params.get('_meta')
  const left = isJsonObject(meta) ? [...meta].filter(([name]) => !ofAttempt.has(name)) : []
  const others = [...params].filter(([name]) => name !== '_meta')
  return new Map(left.length === 0 ? others : [...others, ['_meta', new Map(left)]])
}

function heldMessage(
  call: McpCall,
  { message, onWaits }: Asking,
  { subject }: McpFacts,
): Awaited<ReturnType<AskedRequest['held']>> {
  const { method, params } = message
  const meant = meantOf(params)
  const text = [`${method} ${subject?.name ?? ''}`.trim(), '', shownParams(meant)].join('\n')
  if (Buffer.byteLength(text) > limits.httpHeldBodyBytesMax)
    throw new SallyportError(
      'REQUEST_TOO_LARGE',
      `the call needs approval, and is longer than the ${limits.httpHeldBodyBytesMax} bytes that a reviewer is shown`,
      { hint: 'send it in several calls' },
    )
  const digest = createHash('sha256')
    .update(`${method}\n${jsonText(meant)}`)
    .digest('hex')
  const { document } = call.session.admitted.target
  const waitMsMax = onWaits === null ? waitMsOf(call.head.fields) : limits.mcpHoldWaitMsMax
  return {
    text,
    settings: [`message=sha256:${digest}`],
    place: createHash('sha256').update(JSON.stringify(document.spec)).digest('hex'),
    waitMsMax: Math.min(waitMsMax, limits.mcpHoldWaitMsMax),
    gone: call.gone,
    ended: call.session.signal,
    ...(onWaits === null ? {} : { onWaits: ({ message: why, hint }) => onWaits(`${why}: ${hint}`) }),
  }
}

function shownParams(params: JsonObject): string {
  const value: unknown = JSON.parse(jsonText(params))
  // Whole numbers of more digits than JavaScript has are shown as they are sent.
  const pretty = JSON.stringify(value, null, 2)
  return [...jsonText(params).matchAll(/[0-9]{16,}/g)].length === 0 ? pretty : jsonText(params)
}

/** For lists: whom they are about is the same as for calls. */
export const listedFor = (call: McpCall, initiator: Said | null): Promise<(subject: McpSubject) => boolean> =>
  call.session.gate.lister({ facts: factsOf(call.head), initiator })
