// The one place where a request of HTTP is let through, held or stopped, as gate.ts is for statements. No snapshot, no policy, no
// record: each of them means deny.
// INVARIANT: a request that may go on has its intent in the record before `judge` resolves.
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '@sallyport/base/clock'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import type { EntryBody, EntrySql } from '@sallyport/ledger/entry'
import {
  answerMaskingFor,
  type CompiledPolicies,
  type DecisionContext,
  decide,
  mayAsk,
  outwardFor,
} from '@sallyport/policy/decide'
import type { HttpRequestFacts } from '@sallyport/policy/http'
import type { McpFacts, McpSubject } from '@sallyport/policy/mcp'
import { bodyMaskingOf } from '@sallyport/policy/outgoing'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { RequestBudgets } from '../limits/budgets.ts'
import { chargeRequest, notCharged, type Quota, quotasOf, type RequestCharge } from '../limits/request.ts'
import type { Snapshots } from '../link/current.ts'
import type { SessionRecord } from '../record/record.ts'
import { depsFor } from './entry-principal.ts'
import type { Judged } from './gate.ts'
import type { HoldDeps } from './hold-execution.ts'
import type { Behalf, Initiators, Said } from './initiator.ts'
import { cannotHide, outwardKinds, outwardRefusal } from './outward.ts'
import type { AskedRequest, Granted, RequestOutcome } from './request-asked.ts'
import { append, noteEnd, recorded, shadowOf } from './request-entries.ts'
import { type HeldRequest, holdRequest, noCatalog, type RequestRun } from './request-hold.ts'
import { type Cleared, type Refusal, unjudged } from './request-judged.ts'
import { changedMeanwhile, conditionRefusal, refusalBy, routeRefusal } from './request-refusals.ts'
import {
  factsWithoutRules,
  heldFacts,
  type KeptRequest,
  protocolOf,
  type RequestSubject,
  subjectOf,
  withBody,
} from './request-subject.ts'

export type { AskedRequest, Granted, KeptRequest, RequestOutcome }

export interface RequestGateDeps {
  readonly snapshots: Snapshots
  readonly target: string
  /** The target is still reached as when the session began; a request that has waited is judged again. */
  readonly isSameTarget: () => boolean
  readonly chain: Chain
  readonly initiators: Initiators
  readonly session: DecisionContext['session']
  readonly record: SessionRecord
  readonly clock: Clock
  readonly monotonicUs: () => number
  readonly budgets: RequestBudgets
  readonly hold: HoldDeps
}

export interface RequestGate {
  /** Rejects with the refusal, which is in the record by then. */
  judge(asked: AskedRequest): Promise<Granted>
  /** Why what goes on for long would be refused now; null: it would not. It is neither recorded nor counted. */
  again(asked: AskedRequest): Promise<SallyportError | null>
  /** Which of the things that a server of MCP lists could be asked for. Rejects with why nobody can tell. */
  lister(asked: Pick<AskedRequest, 'facts' | 'initiator'>): Promise<(subject: McpSubject) => boolean>
  /** What is left of the limits that concern a request, for its answer. */
  quotas(facts: () => HttpRequestFacts, initiator: Said | null): readonly Quota[]
  readonly requests: number
}

export function createRequestGate(deps: RequestGateDeps): RequestGate {
  const numbers = { last: 0 }
  const own: Live = { deps, behalf: null, numbers }
  const liveOf = (found: Behalf | null): Live =>
    found === null ? own : { deps: depsFor(deps, found), behalf: found, numbers }
  const behalfOf = (said: Said | null) => (said === null ? null : deps.initiators.of(said))
  return {
    async judge(asked) {
      const found = await behalfOf(asked.initiator)
      if (!(found instanceof SallyportError)) return await judge(liveOf(found), asked)
      return await refuse(askingOf(own, asked), nextNumber(own), { error: found, ...unjudged })
    },
    async again(asked) {
      const found = await behalfOf(asked.initiator)
      if (found instanceof SallyportError) return found
      const live = liveOf(found)
      const judged = await judgeWhole(live.deps, askingOf(live, asked))
      return 'error' in judged ? judged.error : null
    },
    async lister({ facts, initiator }) {
      const found = await behalfOf(initiator)
      if (found instanceof SallyportError) throw found
      const { chain, session, clock } = liveOf(found).deps
      const policies = currentPolicies(deps)
      return (subject) => {
        const mcp: McpFacts = { method: '', subject, arguments: { kind: 'unread' } }
        const listed = subjectOf(policies, { facts, mcp, kept: { text: '', path: '' } })
        return mayAsk(policies, listed.facts, {
          chain,
          session,
          parameters: [],
          http: facts,
          mcp,
          nowMs: clock.nowMs(),
        })
      }
    },
    quotas(facts, initiator) {
      try {
        const policies = currentPolicies(deps)
        if (policies.limits === 0) return []
        const found = behalfOf(initiator)
        if (found instanceof Promise || found instanceof SallyportError) return []
        const { chain } = liveOf(found).deps
        const subject = subjectOf(policies, { facts: facts(), kept: { text: '', path: '' } })
        return quotasOf(subject.facts, { policies, chain, catalog: noCatalog }, deps.budgets)
      } catch {
        // Nobody decides by them.
        return []
      }
    },
    get requests() {
      return numbers.last
    },
  }
}

/** The gate for one chain. */
interface Live {
  /** With this chain. */
  readonly deps: RequestGateDeps
  /** Null for the session's own chain. */
  readonly behalf: Behalf | null
  readonly numbers: { last: number }
}

/** One request and what it is to the rules. */
interface Asking {
  readonly live: Live
  readonly asked: AskedRequest
  /** With the name of its route, once the rules are known. */
  facts: StatementFacts
  /** With its body, once that was read. */
  request: HttpRequestFacts
  /** What it is to the rules by which it was judged last; null before. */
  subject: RequestSubject | null
  /** Statements for databases that it carries, once they were looked at. */
  sql: readonly EntrySql[]
}

const askingOf = (live: Live, asked: AskedRequest): Asking => ({
  live,
  asked,
  facts: factsWithoutRules(asked, live.deps.target),
  request: asked.facts,
  subject: null,
  sql: [],
})

async function judge(live: Live, asked: AskedRequest): Promise<Granted> {
  const asking = askingOf(live, asked)
  const judged = await judgeWhole(live.deps, asking)
  const charge = chargeOf(asking, judged)
  const { refusal } = charge
  if ('error' in judged) return await refuse(asking, nextNumber(live), judged)
  if (refusal !== null) return await refuse(asking, nextNumber(live), refusal)
  try {
    if (judged.decision.kind === 'hold') return await hold(asking, judged, charge)
    const number = nextNumber(live)
    await append(live.deps.record, intent(asking, number, { ...judged, shadow: charge.shadow }, 'allow'))
    return granted(asking, { number, approved: null }, judged, charge)
  } catch (thrown) {
    charge.leave()
    throw thrown
  }
}

const nextNumber = ({ numbers }: Live): number => ++numbers.last

/** Throws the refusal. When it cannot be written the request stays refused all the same. */
async function refuse({ live, asked, facts, sql }: Asking, number: number, refusal: Refusal): Promise<never> {
  const { rule, error, decision } = refusal
  await append(live.deps.record, {
    kind: 'denied',
    statement: number,
    protocol: protocolOf(asked),
    ...recorded(live.deps.hold.place, facts, asked.kept.path, { sql, trace: asked.trace }),
    code: error.code,
    message: error.message,
    rule,
    ...shadowOf(decision),
  }).catch(() => undefined)
  throw error
}

/** Asks people, and lets it run once: when it is approved, and everything is still as it was. */
async function hold(asking: Asking, judged: Cleared, charge: RequestCharge): Promise<Granted> {
  const { live, asked, facts } = asking
  const { deps } = live
  let held: Omit<HeldRequest, 'recorded' | 'protocol'>
  try {
    held = await asked.held()
  } catch (thrown) {
    return await refuse(asking, nextNumber(live), { ...judged, error: asSallyportError(thrown) })
  }
  let last = judged
  const run = await holdRequest(
    deps.hold,
    {
      ...held,
      protocol: protocolOf(asked),
      recorded: recorded(live.deps.hold.place, facts, asked.kept.path, { sql: asking.sql, trace: asked.trace }),
    },
    { all: [judgedOf(asking, judged)], policies: judged.policies },
    {
      async assess() {
        const over = live.behalf?.refusal() ?? null
        if (over !== null) return over
        const again = await judgeWhole(deps, asking)
        if ('error' in again) return again.error
        // Other rules may hide other parts of the body than those that people are shown.
        if (!isDeepStrictEqual(shownOf(await asked.held()), shownOf(held))) return changedMeanwhile()
        last = again
        return { all: [judgedOf(asking, again)], policies: again.policies }
      },
      deny: (number, error) => refuse(asking, number, { ...last, error }).catch(() => {}),
      append: (body) => deps.record.append(body),
      nextNumber: () => nextNumber(live),
      async run(number, before) {
        const how = before === null ? 'allow' : 'approved'
        const ended = before === null ? undefined : deps.record.append(before)
        await Promise.all([ended, append(deps.record, intent(asking, number, { ...last, shadow: charge.shadow }, how))])
      },
    },
  )
  return granted(asking, run, last, charge)
}

const judgedOf = ({ live, facts, asked }: Asking, { decision }: Cleared): Judged => ({
  facts: heldFacts(facts, asked, live.deps.hold.place),
  decision,
  plan: { kind: 'plain' },
  sensitive: false,
  guarded: false,
})

const shownOf = ({ text, settings }: Pick<HeldRequest, 'text' | 'settings'>) => ({ text, settings })

function intent(
  { live, asked, facts, sql }: Asking,
  number: number,
  { rule, masking, hiding, decision, shadow }: Cleared & Pick<RequestCharge, 'shadow'>,
  how: 'allow' | 'approved',
): EntryBody {
  return {
    kind: 'intent',
    statement: number,
    protocol: protocolOf(asked),
    ...recorded(live.deps.hold.place, facts, asked.kept.path, { sql, trace: asked.trace }),
    decision: how,
    rule,
    masks: [...(masking?.rules ?? []), ...(hiding?.rules ?? [])],
    maskedColumns: (masking?.parts.length ?? 0) + (hiding?.parts.length ?? 0),
    ...shadowOf(decision, shadow),
  }
}

function granted(
  { live: { deps } }: Asking,
  { number, approved }: RequestRun,
  { masking, hidden }: Pick<Cleared, 'masking' | 'hidden'>,
  charge: RequestCharge,
): Granted {
  const startedUs = deps.monotonicUs()
  return {
    number,
    masking,
    meter: charge.meter,
    cost: charge.cost,
    end(outcome) {
      charge.leave()
      const durationUs = Math.max(0, Math.round(deps.monotonicUs() - startedUs))
      approved?.outcome({ result: outcome.result, tag: outcome.tag, sqlstate: '', rows: 0, durationUs })
      void noteEnd(deps.record, number, durationUs, { ...outcome, maskedValues: outcome.maskedValues + hidden })
    },
  }
}

/** By its head, by its body where a condition reads that, and by what it would carry outward. */
async function judgeWhole(deps: RequestGateDeps, asking: Asking): Promise<Refusal | Cleared> {
  try {
    let isBodyAsked = false
    if (asking.request.body === undefined)
      asking.request = withBody(asking.request, { kind: 'unread', onAsked: () => (isBodyAsked = true) })
    let judged = judgeRequest(deps, asking)
    // What a deny rule has matched stays denied, whatever the body says.
    const isSettled = 'error' in judged && judged.error.code !== 'POLICY_ERROR'
    if (isBodyAsked && !isSettled) {
      asking.request = withBody(asking.request, await asking.asked.body())
      judged = judgeRequest(deps, asking)
    }
    if ('error' in judged) return judged
    const cleared = await outward(deps, asking, judged)
    return 'error' in cleared ? cleared : ((await also(deps, asking, cleared)) ?? cleared)
  } catch (thrown) {
    return { error: asSallyportError(thrown), ...unjudged }
  }
}

async function also(
  { chain, session, clock }: RequestGateDeps,
  asking: Asking,
  { rule, decision, policies, masking }: Cleared,
): Promise<Refusal | null> {
  const found = await asking.asked.also?.({ chain, session, parameters: [], nowMs: clock.nowMs() }, masking)
  asking.sql = found?.sql ?? []
  const error = found?.refusal ?? null
  return error === null ? null : { error, rule, decision, policies }
}

async function outward(
  { chain }: RequestGateDeps,
  { asked, subject }: Asking,
  cleared: Cleared,
): Promise<Refusal | Cleared> {
  const { policies, decision } = cleared
  const { object, route } = subject ?? subjectOf(policies, asked)
  const rules = outwardFor(policies, chain, object, route)
  const found = await asked.outward(...outwardKinds(rules, asked.hide !== undefined))
  if (found !== null) return { ...outwardRefusal(rules, found), decision, policies }
  const hiding = bodyMaskingOf(rules)
  if (hiding === null) return cleared
  if (asked.hide === undefined) return { error: cannotHide(), rule: null, decision, policies }
  return { ...cleared, hiding, hidden: await asked.hide(hiding) }
}

function judgeRequest(deps: RequestGateDeps, asking: Asking): Refusal | Cleared {
  const { request } = asking
  try {
    const policies = currentPolicies(deps)
    if (!deps.isSameTarget())
      throw new SallyportError('SESSION_ENDED', 'the target has changed since the session began', {
        hint: 'send the request again',
      })
    const { chain, session, clock } = deps
    const { mcp } = asking.asked
    asking.subject = subjectOf(policies, asking.asked)
    const { facts, object, route } = asking.subject
    asking.facts = facts
    const message = mcp === undefined ? {} : { mcp }
    const context = { chain, session, parameters: [], http: request, ...message, nowMs: clock.nowMs() }
    const decision = decide(policies, facts, context)
    const rule = { policy: decision.policy, version: decision.version, rule: decision.rule }
    const masking = answerMaskingFor(policies, chain, object, route)
    const error = refusalBy(decision) ?? routeRefusal(route) ?? (masking === null ? null : conditionRefusal(request))
    return error === null
      ? { rule, decision, masking, hiding: null, hidden: 0, policies }
      : { error, rule, decision, policies }
  } catch (thrown) {
    return { error: asSallyportError(thrown), ...unjudged }
  }
}

/** Takes it from the budgets: once, also what is denied (docs/policy.md, Limits), and also where it is held and judged again. */
function chargeOf({ live, facts }: Asking, judged: Refusal | Cleared): ChargedRequest {
  const { deps } = live
  const policies = judged.policies
  if (policies === null || policies.limits === 0) return { ...notCharged, refusal: null }
  try {
    const charge = chargeRequest(
      facts,
      { policies, chain: deps.chain, catalog: noCatalog },
      deps.budgets,
      'error' in judged,
    )
    if (charge.refused === null) return { ...charge, refusal: null }
    const { limit, error } = charge.refused
    const rule = { policy: limit.policy, version: limit.version, rule: limit.name }
    return { ...charge, refusal: { error, rule, decision: judged.decision, policies } }
  } catch (thrown) {
    return { ...notCharged, refusal: { ...judged, error: asSallyportError(thrown) } }
  }
}

type ChargedRequest = RequestCharge & { readonly refusal: Refusal | null }

/** Throws SNAPSHOT_MISSING, SNAPSHOT_EXPIRED, or POLICY_MISSING when the target is no longer served here. */
function currentPolicies(deps: RequestGateDeps): CompiledPolicies {
  const target = deps.snapshots.current().targets.get(deps.target)
  if (target === undefined)
    throw new SallyportError('POLICY_MISSING', `target "${deps.target}" is not served here any more`)
  return target.policies
}
