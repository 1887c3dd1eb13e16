// The one place where a request of HTTP is let through, held or stopped, as gate.ts is for statements. No snapshot, no policy, no
// record: each of them means deny.
// INVARIANT: a request that may go on has its intent in the record before `judge` resolves.
import type { Clock } from '@sallyport/base/clock'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import { toHex, utf8 } from '@sallyport/ledger/bytes'
import type { EntryBody, EntryRule } from '@sallyport/ledger/entry'
import type { DetectorName } from '@sallyport/mask/rule'
import type { AnswerMasking } from '@sallyport/policy/answers'
import {
  answerMaskingFor,
  type CompiledPolicies,
  type Decision,
  type DecisionContext,
  decide,
  outwardFor,
} from '@sallyport/policy/decide'
import { type BodyFacts, type HttpRequestFacts, requestFacts } from '@sallyport/policy/http'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { Budgets } from '../limits/budgets.ts'
import { createLimiter, type Limiter } from '../limits/limiter.ts'
import type { Snapshots } from '../link/current.ts'
import type { SessionRecord } from '../record/record.ts'
import type { Judged } from './gate.ts'
import type { ApprovedRun, HoldDeps } from './hold-execution.ts'
import { type OutwardFinding, outwardRefusal } from './outward.ts'
import { cut, type RecordedStatement, recordedTextCharsMax } from './recorded.ts'
import { type HeldRequest, holdRequest, noCatalog } from './request-hold.ts'

export interface RequestGateDeps {
  readonly snapshots: Snapshots
  readonly target: string
  readonly chain: Chain
  readonly session: DecisionContext['session']
  readonly record: SessionRecord
  readonly clock: Clock
  readonly monotonicUs: () => number
  readonly budgets: Budgets
  readonly hold: HoldDeps
}

/** What became of a request that was let through. */
export interface RequestOutcome {
  readonly result: 'done' | 'failed' | 'cancelled'
  /** Status of the answer; empty when there was none. */
  readonly tag: string
  /** Of the answer's body, as it went to the caller. */
  readonly bytes: number
  /** Values that were hidden in it. */
  readonly maskedValues: number
}

/** A request that may go on. */
export interface Granted {
  readonly number: number
  /** What is hidden in its answer; null: nothing. */
  readonly masking: AnswerMasking | null
  /** Called once, at the end. */
  end(outcome: RequestOutcome): void
}

/** A request without what may not be kept. */
export interface KeptRequest {
  readonly text: string
  readonly path: string
}

/** A request that asks to go on. */
export interface AskedRequest {
  /** Without its body. */
  readonly facts: HttpRequestFacts
  /** What the body says: asked for once a condition reads it. Rejects where it cannot be read in one way. */
  body(): Promise<BodyFacts>
  /** Looks for known credentials, and for what these detectors find. */
  outward(kinds: ReadonlySet<DetectorName>): Promise<OutwardFinding | null>
  /** How it stands in the record. */
  readonly kept: KeptRequest
  /** How it is held: asked for once a rule holds it. Rejects with the refusal where it cannot be. */
  held(): Promise<Omit<HeldRequest, 'recorded'>>
}

export interface RequestGate {
  /** Rejects with the refusal, which is in the record by then. */
  judge(asked: AskedRequest): Promise<Granted>
  readonly requests: number
}

export function createRequestGate(deps: RequestGateDeps): RequestGate {
  const live: Live = { deps, limiter: createLimiter(deps.chain, deps.budgets), requests: 0 }
  return {
    judge: (asked) => judge(live, asked),
    get requests() {
      return live.requests
    },
  }
}

interface Live {
  readonly deps: RequestGateDeps
  readonly limiter: Limiter
  requests: number
}

/** One request and what it is to the rules. */
interface Asking {
  readonly live: Live
  readonly asked: AskedRequest
  readonly facts: StatementFacts
  /** With its body, once that was read. */
  request: HttpRequestFacts
}

async function judge(live: Live, asked: AskedRequest): Promise<Granted> {
  const facts = requestFacts(asked.facts, asked.kept.text)
  const asking: Asking = { live, asked, facts, request: asked.facts }
  const judged = charged(live.limiter, facts, await judgeWhole(live.deps, asking))
  if ('error' in judged) return await refuse(asking, nextNumber(live), judged)
  if (judged.decision.kind === 'hold') return await hold(asking, judged)
  const number = nextNumber(live)
  await append(live.deps.record, intent(asking, number, judged, 'allow'))
  return granted(asking, number, judged.masking, null)
}

function nextNumber(live: Live): number {
  live.requests += 1
  return live.requests
}

/** Throws the refusal. When it cannot be written the request stays refused all the same. */
async function refuse({ live, asked, facts }: Asking, number: number, refusal: Refusal): Promise<never> {
  const { rule, error, decision } = refusal
  await append(live.deps.record, {
    kind: 'denied',
    statement: number,
    protocol: 'http',
    ...recorded(facts, asked.kept.path),
    code: error.code,
    message: error.message,
    rule,
    ...shadowOf(decision),
  }).catch(() => undefined)
  throw error
}

/** Asks people, and lets it run once: when it is approved, and everything is still as it was. */
async function hold(asking: Asking, judged: Cleared): Promise<Granted> {
  const { live, asked, facts } = asking
  const { deps } = live
  let held: Omit<HeldRequest, 'recorded'>
  try {
    held = await asked.held()
  } catch (thrown) {
    return await refuse(asking, nextNumber(live), { ...judged, error: asSallyportError(thrown) })
  }
  let last = judged
  const run = await holdRequest(
    deps.hold,
    { ...held, recorded: recorded(facts, asked.kept.path) },
    { all: [judgedOf(asking, judged)], policies: judged.policies },
    {
      async assess() {
        const again = await judgeWhole(deps, asking)
        if ('error' in again) return again.error
        last = again
        return { all: [judgedOf(asking, again)], policies: again.policies }
      },
      deny: (number, error) => refuse(asking, number, { ...last, error }).catch(() => {}),
      append: (body) => deps.record.append(body),
      nextNumber: () => nextNumber(live),
      async run(number, before) {
        const how = before === null ? 'allow' : 'approved'
        const ended = before === null ? undefined : deps.record.append(before)
        await Promise.all([ended, append(deps.record, intent(asking, number, last, how))])
      },
    },
  )
  return granted(asking, run.number, last.masking, run.approved)
}

/** What a hold looks at: the verb that people read is the method, and what is asked for again is known by method and path. */
const judgedOf = ({ live, facts, asked: { facts: request } }: Asking, { decision }: Cleared): Judged => ({
  facts: {
    ...facts,
    verb: request.method,
    fingerprint: toHex(live.deps.hold.place.sha256(utf8(`${request.method} ${request.path}`))).slice(0, 16),
  },
  decision,
  plan: { kind: 'plain' },
  sensitive: false,
  guarded: false,
})

function intent(
  { asked, facts }: Asking,
  number: number,
  { rule, masking, decision }: Cleared,
  how: 'allow' | 'approved',
): EntryBody {
  return {
    kind: 'intent',
    statement: number,
    protocol: 'http',
    ...recorded(facts, asked.kept.path),
    decision: how,
    rule,
    masks: masking?.rules ?? [],
    maskedColumns: masking?.parts.length ?? 0,
    ...shadowOf(decision),
  }
}

function granted(
  { live: { deps } }: Asking,
  number: number,
  masking: AnswerMasking | null,
  approved: ApprovedRun | null,
): Granted {
  const startedUs = deps.monotonicUs()
  return {
    number,
    masking,
    end(outcome) {
      const durationUs = Math.max(0, Math.round(deps.monotonicUs() - startedUs))
      approved?.outcome({ result: outcome.result, tag: outcome.tag, sqlstate: '', rows: 0, durationUs })
      void end(deps, number, durationUs, outcome)
    },
  }
}

interface Refusal {
  readonly error: SallyportError
  readonly rule: EntryRule | null
  readonly decision: Decision | null
}
/** Allowed, or held. */
interface Cleared {
  readonly rule: EntryRule
  readonly decision: Decision
  readonly masking: AnswerMasking | null
  readonly policies: CompiledPolicies
}

/** By its head, by its body where a condition reads that, and by what it would carry outward. */
async function judgeWhole(deps: RequestGateDeps, asking: Asking): Promise<Refusal | Cleared> {
  try {
    let isBodyAsked = false
    if (asking.request.body === undefined)
      asking.request = { ...asking.request, body: { kind: 'unread', onAsked: () => (isBodyAsked = true) } }
    let judged = judgeRequest(deps, asking)
    // What a deny rule has matched stays denied, whatever the body says.
    const isSettled = 'error' in judged && judged.error.code !== 'POLICY_ERROR'
    if (isBodyAsked && !isSettled) {
      asking.request = { ...asking.request, body: await asking.asked.body() }
      judged = judgeRequest(deps, asking)
    }
    return 'error' in judged ? judged : ((await outward(deps, asking, judged)) ?? judged)
  } catch (thrown) {
    return { error: asSallyportError(thrown), rule: null, decision: null }
  }
}

async function outward(
  { chain }: RequestGateDeps,
  { asked, request }: Asking,
  { policies, decision }: Cleared,
): Promise<Refusal | null> {
  const rules = outwardFor(policies, chain, request.path)
  const found = await asked.outward(new Set(rules.flatMap(({ kinds }) => [...kinds])))
  return found === null ? null : { ...outwardRefusal(rules, found), decision }
}

function judgeRequest(deps: RequestGateDeps, { facts, request }: Asking): Refusal | Cleared {
  try {
    const policies = currentPolicies(deps)
    const { chain, session, clock } = deps
    const decision = decide(policies, facts, { chain, session, parameters: [], http: request, nowMs: clock.nowMs() })
    const rule = { policy: decision.policy, version: decision.version, rule: decision.rule }
    const masking = answerMaskingFor(policies, chain, request.path)
    const error = refusalBy(decision) ?? (masking === null ? null : conditionRefusal(request))
    return error === null ? { rule, decision, masking, policies } : { error, rule, decision }
  } catch (thrown) {
    return { error: asSallyportError(thrown), rule: null, decision: null }
  }
}

/** Takes it from the budgets: once, also where it is held and judged again. */
function charged(limiter: Limiter, facts: StatementFacts, judged: Refusal | Cleared): Refusal | Cleared {
  if ('error' in judged || judged.policies.limits === 0) return judged
  try {
    const { refusal } = limiter.charge([facts], judged.policies, noCatalog)
    if (refusal === null) return judged
    const { limit, error } = refusal
    return {
      error,
      rule: { policy: limit.policy, version: limit.version, rule: limit.name },
      decision: judged.decision,
    }
  } catch (thrown) {
    return { error: asSallyportError(thrown), rule: null, decision: judged.decision }
  }
}

function refusalBy(decision: Decision): SallyportError | null {
  switch (decision.kind) {
    case 'allow':
    case 'hold':
      return null
    case 'deny':
      return new SallyportError(decision.code, decision.message, { hint: decision.hint })
  }
}

/**
 * A condition on a representation that the caller never saw would compare what masks hide. Reads go on without one, as if
 * nothing were kept; where leaving it out would change what happens, the request is refused (THREATS ).
 */
function conditionRefusal({ method, headers }: HttpRequestFacts): SallyportError | null {
  const isRead = method === 'GET' || method === 'HEAD'
  const isThere = (name: string): boolean => headers.get(name)?.every((value) => value === '*') === false
  const name = ['if-match', 'if-unmodified-since', ...(isRead ? [] : ['if-none-match', 'if-modified-since'])].find(
    isThere,
  )
  if (name === undefined) return null
  return new SallyportError('MASK_UNPROVABLE', `masks apply to this route, and "${name}" compares what they hide`, {
    hint: 'send the request without the condition',
  })
}

/** Throws SNAPSHOT_MISSING, SNAPSHOT_EXPIRED, or POLICY_MISSING when the target is no longer served here. */
function currentPolicies(deps: RequestGateDeps): CompiledPolicies {
  const target = deps.snapshots.current().targets.get(deps.target)
  if (target === undefined)
    throw new SallyportError('POLICY_MISSING', `target "${deps.target}" is not served here any more`)
  return target.policies
}

const recorded = (facts: StatementFacts, path: string): RecordedStatement => ({
  text: cut(facts.text, recordedTextCharsMax),
  textTruncated: facts.text.length > recordedTextCharsMax,
  fingerprint: '',
  verb: facts.verb,
  effects: facts.effects.map(({ operation, via }) => ({ operation, object: path, via })),
  parameters: [],
})

async function append(record: SessionRecord, body: EntryBody): Promise<void> {
  await record.append(body)
}

async function end(
  deps: RequestGateDeps,
  statement: number,
  durationUs: number,
  { result, tag, bytes, maskedValues }: RequestOutcome,
): Promise<void> {
  // A lost outcome leaves an intent without an end, which the record shows.
  await append(deps.record, {
    kind: 'outcome',
    statement,
    result,
    tag,
    sqlstate: '',
    rows: 0,
    bytes,
    maskedValues,
    durationUs,
  }).catch(() => undefined)
}

const shadowOf = (decision: Decision | null): { readonly shadow?: Decision['shadow'] } =>
  decision === null || decision.shadow.length === 0 ? {} : { shadow: decision.shadow }
