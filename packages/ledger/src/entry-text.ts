// The canonical text of the entries that every statement makes, written member by member in their order: what canonicalText
// gives for the same value, at a fraction of its cost. Strings that are not well-formed are written as UTF-8 would have them.
import { assert } from '@sallyport/base/assert'
import { canonicalString, canonicalText } from './canonical.ts'
import type { Entry, EntryChain, EntryRule, EntryTrace } from './entry.ts'

type Intent = Extract<Entry, { kind: 'intent' }>
type Outcome = Extract<Entry, { kind: 'outcome' }>
export type EntryPlace = Pick<Entry, 'session' | 'seq' | 'atMs' | 'monoUs'>

type IntentMember =
  | ('v' | 'session' | 'seq' | 'atMs' | 'monoUs' | 'kind' | 'statement' | 'protocol' | 'text' | 'textTruncated')
  | (
      | 'fingerprint'
      | 'verb'
      | 'effects'
      | 'parameters'
      | 'decision'
      | 'rule'
      | 'masks'
      | 'maskedColumns'
      | 'relaxed'
      | 'shadow'
      | 'chain'
      | 'sql'
      | 'trace'
    )
type OutcomeMember =
  | ('v' | 'session' | 'seq' | 'atMs' | 'monoUs' | 'kind' | 'statement' | 'result' | 'tag' | 'sqlstate' | 'rows')
  | ('bytes' | 'maskedValues' | 'durationUs' | 'shadow')
type AllOf<Known, Member> = [Exclude<Known, Member>] extends [never] ? true : false
// INVARIANT: a member that is added to these entries and not written below does not compile here.
true satisfies AllOf<keyof Intent, IntentMember>
true satisfies AllOf<keyof Outcome, OutcomeMember>

/** The canonical text of an intent. Members in the order of RFC 8785, section 3.2.3. */
export function intentText(place: EntryPlace, body: Omit<Intent, keyof EntryPlace | 'v'>): string {
  const shape = shapeText(body)
  return (
    `{"atMs":${whole(place.atMs)}${chainText(body.chain)},"decision":"${body.decision}",${shape.head}${whole(body.maskedColumns)}` +
    `,"masks":${stringsText(body.masks)},"monoUs":${whole(place.monoUs)},"parameters":${stringsText(body.parameters)}` +
    `,"protocol":"${body.protocol}"${body.relaxed === true ? ',"relaxed":true' : ''},"rule":${ruleText(body.rule)}${placeText(place)}${shadowText(body.shadow)}` +
    `${body.sql === undefined ? '' : `,"sql":${canonicalText(body.sql)}`}` +
    `,"statement":${whole(body.statement)},"text":${canonicalString(body.text)}` +
    `,"textTruncated":${body.textTruncated}${traceText(body.trace)}${shape.tail}`
  )
}

/** The canonical text of an outcome. */
export function outcomeText(place: EntryPlace, body: Omit<Outcome, keyof EntryPlace | 'v'>): string {
  return (
    `{"atMs":${whole(place.atMs)},"bytes":${whole(body.bytes)},"durationUs":${whole(body.durationUs)}` +
    `,"kind":"outcome","maskedValues":${whole(body.maskedValues)},"monoUs":${whole(place.monoUs)}` +
    `,"result":"${body.result}","rows":${whole(body.rows)}${placeText(place)}${shadowText(body.shadow)}` +
    `,"sqlstate":${canonicalString(body.sqlstate)},"statement":${whole(body.statement)}` +
    `,"tag":${canonicalString(body.tag)},"v":1}`
  )
}

function whole(value: number): string {
  assert(Number.isSafeInteger(value), 'a canonical number is a safe integer')
  return String(value)
}

const placeText = ({ seq, session }: EntryPlace): string => `,"seq":${whole(seq)},"session":${canonicalString(session)}`

// The same object for every statement that a decision is remembered for.
const ruleTexts = new WeakMap<EntryRule, string>()

function ruleText(said: EntryRule): string {
  const known = ruleTexts.get(said)
  if (known !== undefined) return known
  const { policy, rule, version } = said
  const text = `{"policy":${canonicalString(policy)},"rule":${canonicalString(rule)},"version":${whole(version)}}`
  ruleTexts.set(said, text)
  return text
}

const shadowText = (shadow: Intent['shadow']): string =>
  shadow === undefined ? '' : `,"shadow":${canonicalText(shadow)}`

const traceText = (trace: EntryTrace | undefined): string =>
  trace === undefined
    ? ''
    : `,"trace":{"parent":${canonicalString(trace.parent)},"span":${canonicalString(trace.span)},"trace":${canonicalString(trace.trace)}}`

// The same object for every statement of one initiator's token.
const chainTexts = new WeakMap<EntryChain, string>()

function chainText(chain: EntryChain | undefined): string {
  if (chain === undefined) return ''
  const known = chainTexts.get(chain)
  if (known !== undefined) return known
  const made = `,"chain":${canonicalText(chain)}`
  chainTexts.set(chain, made)
  return made
}

function stringsText(values: readonly (string | null)[]): string {
  if (values.length === 0) return '[]'
  let text = '['
  for (const value of values) {
    if (text.length > 1) text += ','
    text += value === null ? 'null' : canonicalString(value)
  }
  return `${text}]`
}

/** What texts of one shape have in common. */
interface ShapeText {
  readonly fingerprint: string
  readonly verb: string
  /** `effects`, `fingerprint`, `kind`, and the name of what comes next. */
  readonly head: string
  /** `v` and `verb`. */
  readonly tail: string
}

// By the list of effects, which is the same object for all statements of one shape.
const shapeTexts = new WeakMap<Intent['effects'], ShapeText>()

function shapeText({ effects, fingerprint, verb }: Pick<Intent, 'effects' | 'fingerprint' | 'verb'>): ShapeText {
  const known = shapeTexts.get(effects)
  if (known !== undefined && known.fingerprint === fingerprint && known.verb === verb) return known
  const each = effects.map(
    ({ object, operation, via }) =>
      `{"object":${canonicalString(object)},"operation":${canonicalString(operation)},"via":"${via}"}`,
  )
  const made = {
    fingerprint,
    verb,
    head: `"effects":[${each.join(',')}],"fingerprint":${canonicalString(fingerprint)},"kind":"intent","maskedColumns":`,
    tail: `,"v":1,"verb":${canonicalString(verb)}}`,
  }
  shapeTexts.set(effects, made)
  return made
}
