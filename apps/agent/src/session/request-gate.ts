// The one place where a request of HTTP is let through or stopped, as gate.ts is for statements. No snapshot, no policy, no
// record: each of them means deny.
// INVARIANT: a request that may go on has its intent in the record before `judge` resolves.
import type { Clock } from '@sallyport/base/clock'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import type { EntryBody, EntryRule } from '@sallyport/ledger/entry'
import type { AnswerMasking } from '@sallyport/policy/answers'
import {
  answerMaskingFor,
  type CompiledPolicies,
  type Decision,
  type DecisionContext,
  decide,
} from '@sallyport/policy/decide'
import { type HttpRequestFacts, requestFacts } from '@sallyport/policy/http'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { Budgets } from '../limits/budgets.ts'
import { createLimiter, type Limiter } from '../limits/limiter.ts'
import type { Snapshots } from '../link/current.ts'
import type { SessionRecord } from '../record/record.ts'
import { cut, recordedTextCharsMax } from './recorded.ts'

export interface RequestGateDeps {
  readonly snapshots: Snapshots
  readonly target: string
  readonly chain: Chain
  readonly session: DecisionContext['session']
  readonly record: SessionRecord
  readonly clock: Clock
  readonly monotonicUs: () => number
  readonly budgets: Budgets
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

export interface RequestGate {
  /** `kept` is how the request stands in the record. Rejects with the refusal, which is in the record by then. */
  judge(request: HttpRequestFacts, kept: KeptRequest): Promise<Granted>
  readonly requests: number
}

export function createRequestGate(deps: RequestGateDeps): RequestGate {
  const limiter = createLimiter(deps.chain, deps.budgets)
  let requests = 0
  const refuse = async (number: number, facts: StatementFacts, path: string, refusal: Refusal): Promise<void> => {
    const { rule, error, decision } = refusal
    // When it cannot be written the request stays refused all the same.
    await append(deps.record, {
      kind: 'denied',
      ...recorded(number, facts, path),
      code: error.code,
      message: error.message,
      rule,
      ...shadowOf(decision),
    }).catch(() => undefined)
  }
  return {
    async judge(request, kept) {
      requests += 1
      const number = requests
      const facts = requestFacts(request, kept.text)
      const judged = judgeRequest(deps, limiter, request, facts)
      if ('error' in judged) {
        await refuse(number, facts, kept.path, judged)
        throw judged.error
      }
      const startedUs = deps.monotonicUs()
      await append(deps.record, {
        kind: 'intent',
        ...recorded(number, facts, kept.path),
        decision: 'allow',
        rule: judged.rule,
        masks: judged.masking?.rules ?? [],
        maskedColumns: judged.masking?.parts.length ?? 0,
        ...shadowOf(judged.decision),
      })
      return { number, masking: judged.masking, end: (outcome) => void end(deps, number, startedUs, outcome) }
    },
    get requests() {
      return requests
    },
  }
}

interface Refusal {
  readonly error: SallyportError
  readonly rule: EntryRule | null
  readonly decision: Decision | null
}
type Judged =
  | Refusal
  | { readonly rule: EntryRule; readonly decision: Decision; readonly masking: AnswerMasking | null }

function judgeRequest(
  deps: RequestGateDeps,
  limiter: Limiter,
  request: HttpRequestFacts,
  facts: StatementFacts,
): Judged {
  try {
    const policies = currentPolicies(deps)
    const { chain, session, clock } = deps
    const decision = decide(policies, facts, { chain, session, parameters: [], http: request, nowMs: clock.nowMs() })
    const rule = { policy: decision.policy, version: decision.version, rule: decision.rule }
    const masking = answerMaskingFor(policies, chain, request.path)
    const error = refusalBy(decision) ?? (masking === null ? null : conditionRefusal(request))
    const charged = policies.limits === 0 ? null : limiter.charge([facts], policies, noCatalog)
    if (error !== null) return { error, rule, decision }
    if (charged?.refusal == null) return { rule, decision, masking }
    const { limit } = charged.refusal
    return {
      error: charged.refusal.error,
      rule: { policy: limit.policy, version: limit.version, rule: limit.name },
      decision,
    }
  } catch (thrown) {
    return { error: asSallyportError(thrown), rule: null, decision: null }
  }
}

function refusalBy(decision: Decision): SallyportError | null {
  switch (decision.kind) {
    case 'allow':
      return null
    case 'deny':
      return new SallyportError(decision.code, decision.message, { hint: decision.hint })
    case 'hold':
      return new SallyportError('HOLD_UNAVAILABLE', decision.message, {
        hint: 'requests over HTTP cannot wait for approval in this version; ask for a rule that allows it',
      })
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

/** What only databases have. */
const noCatalog: Catalog = {
  version: '',
  database: '',
  serverVersion: 0,
  serverEncoding: '',
  relations: [],
  functions: [],
  schemas: [],
  types: [],
  operators: [],
}

function recorded(statement: number, facts: StatementFacts, path: string) {
  return {
    statement,
    protocol: 'http' as const,
    text: cut(facts.text, recordedTextCharsMax),
    textTruncated: facts.text.length > recordedTextCharsMax,
    fingerprint: '',
    verb: facts.verb,
    effects: facts.effects.map(({ operation, via }) => ({ operation, object: path, via })),
    parameters: [],
  }
}

async function append(record: SessionRecord, body: EntryBody): Promise<void> {
  await record.append(body)
}

async function end(
  deps: RequestGateDeps,
  statement: number,
  startedUs: number,
  { result, tag, bytes, maskedValues }: RequestOutcome,
): Promise<void> {
  const durationUs = Math.max(0, Math.round(deps.monotonicUs() - startedUs))
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
