// The way back of one answer: what its fields and body may show goes on, masked where masks apply, and never with the
// credential in it (THREATS ).
import { once } from 'node:events'
import { boundBy } from '@sallyport/base/bound'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { Secret } from '@sallyport/base/secret'
import type { KeyedHash } from '@sallyport/mask/replace'
import type { AnswerMasking } from '@sallyport/policy/answers'
import type { HttpTargetDocument } from '@sallyport/policy/document'
import { type Fields, fieldOf, responseFields } from '@sallyport/wire/http/fields'
import { mediaOf } from '@sallyport/wire/http/media'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import type { CostMeter } from '../limits/cost.ts'
import type { ByteMeter, Quota } from '../limits/request.ts'
import type { RequestOutcome } from '../session/request-asked.ts'
import { type CostWatch, costWatch } from './cost-watch.ts'
import { decoded } from './decode.ts'
import { echoScan, holdsNeedle, type Needles, needlesFor } from './echo.ts'
import type { Ending } from './ending.ts'
import type { Outbound } from './inbound.ts'
import { locationOf } from './location.ts'
import { hidingAll, type Masker, maskerOf } from './masker.ts'
import { quotaFields } from './quota.ts'
import { refusalOf } from './refuse.ts'
import type { Room } from './room.ts'
import { Unmaskable } from './unmaskable.ts'
import type { Answer } from './upstream.ts'

/** Filled in as the answer comes. */
export type Outcome = { -readonly [K in keyof RequestOutcome]: RequestOutcome[K] }

export interface Relaying {
  readonly response: Outbound
  readonly method: string
  readonly target: HttpTargetDocument
  /** What must not come back. */
  readonly secrets: readonly Secret[]
  /** What is hidden; null: nothing. */
  readonly masking: AnswerMasking | null
  readonly hash: KeyedHash
  readonly room: Room
  /** Counts what goes; null where no limit does. */
  readonly meter: ByteMeter | null
  /** Told what the answer says that it cost; null where nobody asks. */
  readonly cost: CostMeter | null
  /** What is left of the limits, asked for when the answer begins. */
  readonly quotas: () => readonly Quota[]
  /** The request in the record. */
  readonly requestId: string
  readonly ending: Ending
}

/** Streams the answer back. Throws what it was refused for; the caller closes what has begun. */
export async function relay(relaying: Relaying, answer: Answer, outcome: Outcome): Promise<void> {
  const { response, masking, method } = relaying
  const needles = needlesFor(relaying.target, relaying.secrets)
  let masker: Masker | null = null
  const { cost } = relaying
  const watch = cost === null ? null : costWatch(cost.sources, answer.fields)
  try {
    checkStatus(answer, masking)
    const hasBody = method !== 'HEAD' && answer.status !== 204 && answer.status !== 304
    masker = masking === null || !hasBody ? null : answerMasker(relaying, masking, answer)
    const fields = fieldsOf(relaying, answer, needles)
    const isLookedInto = hasBody && (masking !== null || needles.length > 0 || watch !== null)
    const body = isLookedInto ? decoded(answer.body, answer.fields) : answer.body
    await pass(relaying, { status: answer.status, fields, body, needles, masker, watch }, outcome)
    outcome.result = 'done'
  } catch (thrown) {
    answer.body.destroy()
    // Its lines, its events or its type are none: that is the target's doing, not the caller's.
    const error = thrown instanceof ProtocolError ? new Unmaskable(`the answer has ${thrown.message}`) : thrown
    if (!(error instanceof Unmaskable) || answer.status < 400 || response.headersSent) throw error
    withhold(relaying, answer.status, error, outcome)
  } finally {
    if (watch !== null) cost?.settle(watch.end())
    if (masker !== null) outcome.maskedValues = masker.values
    masker?.release()
  }
}

interface Passing {
  readonly status: number
  readonly fields: Fields
  readonly body: AsyncIterable<Uint8Array>
  readonly needles: Needles
  readonly masker: Masker | null
  readonly watch: CostWatch | null
}

async function pass(
  { response, ending, meter, quotas }: Relaying,
  { status, fields, body, needles, masker, watch }: Passing,
  outcome: Outcome,
): Promise<void> {
  // With the first byte: of a document that is no JSON after all nothing has gone out, not even its status.
  const begin = (): void => {
    if (!response.headersSent) response.writeHead(status, rawFields([...fields, ...quotaFields(quotas())]))
  }
  // What would pass a limit does not go: nothing of the piece that it stands in.
  const count = (bytes: number): void => {
    const error = bytes === 0 ? null : (meter?.take(bytes) ?? null)
    if (error !== null) throw error
    outcome.bytes += bytes
  }
  if (/^text\/event-stream\b/i.test(fieldOf(fields, 'content-type') ?? '')) {
    begin()
    response.flushHeaders()
  }
  const scan = echoScan(needles)
  /** Null: whoever reads keeps up. */
  const out = (bytes: Uint8Array): Promise<void> | null => {
    if (bytes.length === 0) return null
    count(bytes.length)
    begin()
    if (bytes.length > pieceBytesMax) return inPieces(response, bytes, ending.signal)
    return response.write(bytes) ? null : drained(response, ending.signal)
  }
  let left = lengthOf(fields)
  let whole: Uint8Array | null = null
  for await (const chunk of body) {
    watch?.push(chunk)
    const next = scan.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
    if (next === null) throw credentialCameBack()
    const shown = masker === null ? next : masker.push(next)
    left -= chunk.length
    // The last piece goes with the end, in one record of TLS.
    if (left === 0 && whole === null) {
      whole = shown
      continue
    }
    const slow = out(shown)
    if (slow !== null) await slow
  }
  const rest = scan.end()
  const end = masker === null ? rest : Buffer.concat([masker.push(rest), await masker.end()])
  const last = whole === null || whole.length === 0 ? end : end.length === 0 ? whole : Buffer.concat([whole, end])
  if (masker?.isWhole === true) {
    // Its room is given back once it is out, and not while it waits for a caller that does not read.
    await out(last)
    begin()
    response.end()
    return
  }
  if (last.length > pieceBytesMax) await out(last)
  else count(last.length)
  begin()
  response.end(last.length > pieceBytesMax ? undefined : last)
}

/** What a caller has to take within its deadline: of a long answer that is kept whole each piece has its own. */
const pieceBytesMax = 65_536

async function inPieces(response: Outbound, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  for (let from = 0; from < bytes.length; from += pieceBytesMax)
    if (!response.write(bytes.subarray(from, from + pieceBytesMax))) await drained(response, signal)
}

function rawFields(fields: Fields): string[] {
  const raw: string[] = []
  for (const field of fields) raw.push(field[0], field[1])
  return raw
}

/** NaN where the answer does not say it, or its body is not what goes on. */
const lengthOf = (fields: Fields): number => Number(fieldOf(fields, 'content-length') ?? Number.NaN)

/** A caller that reads nothing holds a connection to the target for so long and no longer. */
export async function drained(response: Outbound, signal: AbortSignal): Promise<void> {
  const ends = boundBy([signal], limits.clientStalledMsMax)
  try {
    await once(response, 'drain', { signal: ends.signal })
  } finally {
    ends.release()
  }
}

function answerMasker({ hash, room }: Relaying, masking: AnswerMasking, answer: Answer): Masker | null {
  const contentType = fieldOf(answer.fields, 'content-type')
  // Nothing to mask, whatever its type; or no type by which it could be.
  if (contentType === undefined || fieldOf(answer.fields, 'content-length') === '0') return emptyMasker
  if (answer.fields.filter(([name]) => name === 'content-type').length > 1)
    throw new Unmaskable('the answer has two content types')
  const masker = maskerOf(mediaOf(contentType), masking, hash, room)
  if (masker !== null) return masker
  throw new Unmaskable('the content type of the answer is none in which they can be applied')
}

/** Of an answer that is empty, as far as anybody knows; whatever comes all the same does not go on. */
const emptyMasker: Masker = {
  isWhole: true,
  push(chunk) {
    if (chunk.length > 0) throw new Unmaskable('the answer has no content type')
    return chunk
  },
  end: () => new Uint8Array(0),
  release: () => {},
  values: 0,
}

function checkStatus({ status }: Answer, masking: AnswerMasking | null): void {
  if (status < 200) throw new SallyportError('ANSWER_REFUSED', 'the target answered with a status that ends no request')
  // Nobody asked for a slice or for a comparison: what masks hide would show in either.
  if (masking !== null && (status === 206 || status === 304 || status === 226))
    throw new Unmaskable('the answer is a part of one, or refers to an earlier one')
}

/** Of these each says something of the body before it was masked, or lets somebody keep it (THREATS ). */
const ofTheBody: ReadonlySet<string> = new Set([
  'etag',
  'content-length',
  'content-encoding',
  'content-range',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
  'signature',
  'signature-input',
  'accept-ranges',
  'cache-control',
  'expires',
  'age',
  'pragma',
  'sourcemap',
  'x-sourcemap',
])

/** What changes where only the coding is taken off. */
const ofTheCoding: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-md5',
  'digest',
  'etag',
])

function fieldsOf({ masking, hash, target, method, cost }: Relaying, answer: Answer, needles: Needles): Fields {
  const location = locationOf(fieldOf(answer.fields, 'location'), target)
  const all: Fields = [
    ...responseFields(answer.fields),
    ...(location === null ? [] : [['location', location] as const]),
    ['via', '1.1 sallyport'],
  ]
  const holds = (text: string): boolean => holdsNeedle(needles, Buffer.from(text, 'latin1'))
  // All of them in one look, and only then one by one: what begins in one field and ends in another is no credential.
  if (needles.length > 0 && holds(rawFields(all).join('\n')))
    if (all.some(([name, value]) => holds(name) || holds(value))) throw credentialCameBack()
  if (masking !== null) {
    const hide = hidingAll(masking, hash)
    const kept = all.filter(([name]) => !ofTheBody.has(name))
    return [...kept.map(([name, value]) => [name, name === 'date' ? value : hide(value)] as const), noStore]
  }
  const isEncoded = all.some(([name, value]) => name === 'content-encoding' && value.toLowerCase() !== 'identity')
  return isEncoded && (needles.length > 0 || cost !== null) && method !== 'HEAD'
    ? all.filter(([name]) => !ofTheCoding.has(name))
    : all
}

const noStore = ['cache-control', 'no-store'] as const

/** An error of the API keeps its status, which the caller needs; what it says cannot be shown. */
function withhold(
  { response, method, requestId }: Relaying,
  status: number,
  error: Unmaskable,
  outcome: Outcome,
): void {
  const { fields, body } = refusalOf(error, requestId, status)
  response.writeHead(status, [...fields.flat()])
  response.end(method === 'HEAD' ? undefined : body)
  outcome.bytes = body.length
  outcome.result = 'done'
}

const credentialCameBack = (): SallyportError =>
  new SallyportError('ANSWER_REFUSED', "the target's answer holds its own credential", {
    hint: 'the API repeats what it is sent; ask its owner to stop that',
  })
