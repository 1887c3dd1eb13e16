// How a statement stands in the record: bounded, and without the literals that may be protected values or passwords.
// INVARIANT: for a sensitive statement no literal, comment or parameter value is kept (DESIGN §6, THREATS ).
import type { StatementFacts } from '@sallyport/sql/facts'

/** A literal or a comment of a text, as byte offsets in UTF-8. */
export interface TokenSpan {
  readonly start: number
  readonly end: number
  readonly kind: 'literal' | 'comment'
}
/** Throws when the text cannot be split into tokens. */
export type TokenScan = (text: string) => readonly TokenSpan[]

/** Bounds that leave room for the rest of an entry (limits.entryBytesMax), JSON escapes included. */
export const recordedTextCharsMax = 131_072
export const recordedParameterCharsMax = 2_048
export const recordedParametersMax = 256
export const recordedEffectsMax = 512

/** Values as a decision may read them, and as they were bound. */
export interface BoundParameters {
  /** Text of text-format values, else null. */
  readonly values: readonly (string | null)[]
  /** One each: 0 text, 1 binary. */
  readonly formats: readonly (0 | 1)[]
  /** Bytes of each, null for NULL. */
  readonly lengths: readonly (number | null)[]
  /** As they came, while a Bind is judged; nothing keeps them. */
  readonly bytes?: readonly (Uint8Array | null)[]
}
export const noParameters: BoundParameters = { values: [], formats: [], lengths: [] }

export interface RecordedStatement {
  readonly text: string
  readonly textTruncated: boolean
  readonly fingerprint: string
  readonly verb: string
  readonly effects: readonly { operation: string; object: string; via: 'direct' | 'derived' }[]
  readonly parameters: readonly (string | null)[]
}

/** Keywords beside which literals are secrets, whatever the masks say: ALTER ROLE … PASSWORD, user mappings, subscriptions. */
const secretWords = /\b(password|identified|options|connection|secret|token|user\s+mapping)\b/i
const secretVerbs = /^(alter|create|do|call|import|set)/

export const holdsSecret = (facts: StatementFacts, text: string): boolean =>
  (secretVerbs.test(facts.verb) && secretWords.test(text)) || saysInitiator.test(text)

/** Written in a way that was not taken out before (postgres/initiator-text.ts): it may be a token. */
const saysInitiator = /sallyport"?\s*[.=]/i

/** `facts` is null when the text could not be analysed; it is then sensitive. */
export function recordStatement(
  text: string,
  facts: StatementFacts | null,
  parameters: BoundParameters,
  sensitive: boolean,
  scan: TokenScan,
): RecordedStatement {
  const secret = facts === null || holdsSecret(facts, text)
  const kept = sensitive || secret ? bareText(text, facts, scan) : text
  return {
    text: cut(kept, recordedTextCharsMax),
    textTruncated: kept.length > recordedTextCharsMax,
    fingerprint: facts?.fingerprint ?? '',
    verb: facts?.verb ?? '',
    effects: facts === null ? [] : recordedEffects(facts),
    parameters: recordParameters(parameters, sensitive || secret),
  }
}

// A text without its literals is the same for all texts of one shape, and so are the effects: made once.
const bareTexts = new WeakMap<StatementFacts, string>()
const effectLists = new WeakMap<StatementFacts, RecordedStatement['effects']>()

function bareText(text: string, facts: StatementFacts | null, scan: TokenScan): string {
  if (facts === null || facts.text !== text) return withoutLiterals(text, scan)
  const key = facts.shape ?? facts
  const known = bareTexts.get(key)
  if (known !== undefined) return known
  const bare = withoutLiterals(text, scan)
  bareTexts.set(key, bare)
  return bare
}

function recordedEffects(facts: StatementFacts): RecordedStatement['effects'] {
  const key = facts.shape ?? facts
  const known = effectLists.get(key)
  if (known !== undefined) return known
  const list = facts.effects
    .slice(0, recordedEffectsMax)
    .map(({ operation, object, via }) => ({ operation, object, via }))
  effectLists.set(key, list)
  return list
}

/** The text with `‹const›` for every literal and without comments. */
export function withoutLiterals(text: string, scan: TokenScan): string {
  const bytes = new TextEncoder().encode(text)
  let spans: readonly TokenSpan[]
  try {
    spans = scan(text)
  } catch {
    // What does not even split into tokens cannot be shown without what may be a value.
    return `‹unreadable text, ${bytes.length} bytes›`
  }
  const decoder = new TextDecoder()
  let kept = ''
  let from = 0
  for (const { start, end, kind } of spans) {
    kept += decoder.decode(bytes.subarray(from, start)) + (kind === 'literal' ? '‹const›' : '')
    from = end
  }
  return kept + decoder.decode(bytes.subarray(from))
}

function recordParameters(parameters: BoundParameters, sensitive: boolean): readonly (string | null)[] {
  const shown = parameters.lengths.slice(0, recordedParametersMax).map((length, index) => {
    if (length === null) return null
    const binary = parameters.formats[index] === 1
    if (sensitive) return binary ? '‹binary›' : '‹text›'
    const value = parameters.values[index]
    if (binary || value === null || value === undefined) return `‹binary ${length} bytes›`
    return value.length <= recordedParameterCharsMax
      ? value
      : `${cut(value, recordedParameterCharsMax)}‹of ${length} bytes›`
  })
  const more = parameters.lengths.length - shown.length
  return more > 0 ? [...shown, `‹${more} more›`] : shown
}

/** The first characters, never half of a surrogate pair. */
export function cut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  const last = text.charCodeAt(charsMax - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? charsMax - 1 : charsMax)
}
