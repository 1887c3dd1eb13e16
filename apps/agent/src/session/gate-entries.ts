// How the gate's judgements stand in the record: an intent for what may run, a denial for what may not. Bounded, and without
// what may not be kept (recorded.ts).
import type { SallyportError } from '@sallyport/base/errors'
import type { EntryBody, EntryChain, EntryRule, EntryTrace } from '@sallyport/ledger/entry'
import type { Decision } from '@sallyport/policy/decide'
import type { Judged, JudgeRequest } from './gate.ts'
import { recordStatement, type TokenScan } from './recorded.ts'
import { traceOfText } from './tracing.ts'

/** Whose statement it is. */
export interface EntryOwner {
  readonly deps: { readonly scan: TokenScan }
  readonly numbers: { readonly last: number }
  /** Null for the session's own chain. */
  readonly chain: EntryChain | null
}

/** Under the last number. */
export function deniedEntry(
  owner: EntryOwner,
  request: JudgeRequest,
  error: SallyportError,
  judged: Judged | null,
): EntryBody {
  const { text, parameters } = request
  return {
    kind: 'denied',
    statement: owner.numbers.last,
    protocol: protocolOf(request),
    ...recordStatement(text, judged?.facts ?? null, parameters, judged?.guarded ?? true, owner.deps.scan),
    code: error.code,
    // The parser quotes the text that it stumbles over: for the caller's eyes only.
    message: error.code === 'STATEMENT_SYNTAX' ? 'the text is no valid SQL' : error.message,
    rule: judged === null ? null : ruleOf(judged.decision),
    ...shadowOf(judged),
    ...chainOf(owner),
    ...tracedBy(traceOfText(text)),
  }
}

export function intentEntry(
  owner: EntryOwner,
  request: JudgeRequest,
  judged: Judged,
  statement: number,
  decision: 'allow' | 'approved',
): EntryBody {
  const { plan, facts, guarded } = judged
  const said = recordStatement(facts.text, facts, request.parameters, guarded, owner.deps.scan)
  const { text, textTruncated, fingerprint, verb, effects, parameters } = said
  // Member by member: to spread objects that differ costs more than all else of an entry.
  const body: Intent = {
    kind: 'intent',
    statement,
    protocol: protocolOf(request),
    text,
    textTruncated,
    fingerprint,
    verb,
    effects,
    parameters,
    decision,
    rule: ruleOf(judged.decision) ?? noRule,
    masks: plan.kind === 'mask' ? plan.rules : [],
    maskedColumns: plan.kind === 'mask' ? plan.columns.filter((method) => method !== null).length : 0,
  }
  const isRelaxed = plan.kind === 'mask' && plan.relaxed === true
  const trace = traceOfText(request.text)
  if (!isRelaxed && owner.chain === null && trace === null && judged.decision.shadow.length === 0) return body
  return {
    ...body,
    ...(isRelaxed ? { relaxed: true } : {}),
    ...shadowOf(judged),
    ...chainOf(owner),
    ...tracedBy(trace),
  }
}

type Intent = Extract<EntryBody, { kind: 'intent' }>

const noRule: EntryRule = { policy: '', version: 0, rule: '' }

export const protocolOf = (request: JudgeRequest): 'simple' | 'extended' =>
  request.moment === 'query' ? 'simple' : 'extended'

/** Only where there is something to say: most entries have no such fields. */
const shadowOf = (judged: Judged | null): { readonly shadow?: Decision['shadow'] } =>
  judged === null || judged.decision.shadow.length === 0 ? {} : { shadow: judged.decision.shadow }

const chainOf = ({ chain }: EntryOwner): { readonly chain?: EntryChain } => (chain === null ? {} : { chain })

const tracedBy = (trace: EntryTrace | null): { readonly trace?: EntryTrace } => (trace === null ? {} : { trace })

// One object for each decision that is remembered: its text is made once (ledger/entry-text).
const rules = new WeakMap<Decision, EntryRule>()

function ruleOf(decision: Decision): EntryRule | null {
  const { policy, version, rule } = decision
  if (rule === '') return null
  const known = rules.get(decision)
  if (known !== undefined) return known
  const made = { policy, version, rule }
  rules.set(decision, made)
  return made
}
