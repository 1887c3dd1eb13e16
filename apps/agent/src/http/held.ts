// A request as reviewers see it and as a verdict is bound to it: method, URL, the fields that matter and the body (DESIGN §5,
// THREATS R-6.7). Pure. Credentials of the caller's own stand in it as digests.
import { createHash } from 'node:crypto'
import { limits } from '@sallyport/base/limits'
import type { HeldSpan } from '@sallyport/ledger/hold'
import { type Fields, fieldOf } from '@sallyport/wire/http/fields'
import { charsetOf, mediaOf } from '@sallyport/wire/http/media'
import type { RequestHead } from './request.ts'
import { recordedRequest } from './request.ts'

export interface ShownRequest {
  readonly text: string
  /** What else it is bound to: `name=value`. */
  readonly settings: readonly string[]
}

/** Fields of one attempt: another attempt at the same thing has others. What they say reaches the target, and no API acts on it. */
const ofTheAttempt: ReadonlySet<string> = new Set([
  'accept-language',
  'content-length',
  'date',
  'prefer',
  'priority',
  'traceparent',
  'tracestate',
  'baggage',
  'user-agent',
  'x-request-id',
  'x-correlation-id',
  'x-amzn-trace-id',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
])

const isSecret = (name: string): boolean => /auth|cookie|token|secret|key$|password|signature/.test(name)

/** `fields`: those that go to the target. Null: longer than a reviewer is shown. */
export function shownRequest(head: RequestHead, fields: Fields, body: Buffer): ShownRequest | null {
  const sums = createHash('sha256').update(body).digest('hex')
  const lines = fields
    .filter(([name]) => !ofTheAttempt.has(name))
    .map(([name, value]) => `${name}: ${isSecret(name) ? secretText(value) : value}`)
  const shown = body.length === 0 ? '' : shownBody(head, body, sums)
  if (shown === null) return null
  const { text } = recordedRequest(head, (same) => same)
  return {
    text: [text, ...lines, ...(shown === '' ? [] : ['', shown])].join('\n'),
    settings: [`body=sha256:${sums}`, `body-bytes=${body.length}`],
  }
}

const secretText = (value: string): string =>
  `‹${value.length} characters, SHA-256 ${createHash('sha256').update(value).digest('hex')}›`

function shownBody(head: RequestHead, body: Buffer, sum: string): string | null {
  const text = textOf(head, body)
  if (text === null) return `‹${body.length} bytes that are no text, SHA-256 ${sum}›`
  return body.length > limits.httpHeldBodyBytesMax ? null : text
}

/** Null where it is none that people can read. */
function textOf({ fields }: RequestHead, body: Buffer): string | null {
  const encoding = fieldOf(fields, 'content-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return null
  const media = mediaOf(fieldOf(fields, 'content-type'))
  if (media.kind === 'opaque' || charsetOf(media) !== 'utf-8') return null
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
    return text.includes('\0') ? null : text
  } catch {
    return null
  }
}

/** Colours that a reviewer is shown; a longer text has none behind them. */
const spansMax = 5_000
// Escaped: four characters beyond Latin-1 would keep the text of the whole bundle in memory at two bytes for each.
const token =
  /"(?:[^"\\\n]|\\.)*"|\b(?:true|false|null)\b|-?\b[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\b|\u2039[^\u203a\n]*\u203a/g

/** Method, names of fields, and the strings and numbers of the body. */
export function requestSpans(text: string): readonly HeldSpan[] {
  const spans: HeldSpan[] = []
  const first = /^[A-Z]+/.exec(text)?.[0].length ?? 0
  if (first > 0) spans.push({ start: 0, end: first, kind: 'keyword' })
  const headEnd = text.indexOf('\n\n')
  const head = headEnd === -1 ? text : text.slice(0, headEnd)
  for (const found of head.matchAll(/(?<=\n)[^\n:]+(?=:)/g))
    spans.push({ start: found.index, end: found.index + found[0].length, kind: 'name' })
  if (headEnd === -1) return spans
  token.lastIndex = headEnd
  for (let found = token.exec(text); found !== null && spans.length < spansMax; found = token.exec(text)) {
    const kind = /^["\u2039]/.test(found[0]) ? 'string' : /^[a-z]/.test(found[0]) ? 'keyword' : 'number'
    spans.push({ start: found.index, end: found.index + found[0].length, kind })
  }
  return spans
}

/** `wait` of `Prefer` in milliseconds, 0 without one (RFC 7240, 4.3). */
export function waitMsOf(fields: Fields): number {
  const preferences = (fieldOf(fields, 'prefer') ?? '').split(/[,;]/)
  const seconds = preferences.map((one) => /^\s*wait\s*=\s*"?([0-9]{1,5})"?\s*$/i.exec(one)?.[1]).find(Boolean)
  return Number(seconds ?? 0) * 1_000
}
