// What the limits say to a request of HTTP: whether it may begin, how many bytes of its answer may go, and what is left for
// the next one. The budgets are those of statements; the gate alone asks (DESIGN §4, Limits; THREATS ).
import type { SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import type { EntryShadow } from '@sallyport/ledger/entry'
import { type CompiledPolicies, limitsFor } from '@sallyport/policy/decide'
import type { AppliedLimit, CompiledLimit } from '@sallyport/policy/limits'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { Claim, RequestBudgets } from './budgets.ts'
import { charge } from './charge.ts'
import { type CostMeter, costMeter } from './cost.ts'
import type { Place } from './places.ts'
import { limitFull, limitPassed, limitReached } from './words.ts'

interface Who {
  readonly policies: CompiledPolicies
  readonly chain: Chain
  readonly catalog: Catalog
}

/** Counts the bytes of one answer. */
export interface ByteMeter {
  /** Counts so many, if they may go; else why they may not, and nothing is counted. */
  take(bytes: number): SallyportError | null
}

export interface RequestCharge {
  /** Why it may not begin; null: it may. */
  readonly refused: { readonly limit: CompiledLimit; readonly error: SallyportError } | null
  /** Limits in shadow mode that would have refused it. */
  readonly shadow: readonly EntryShadow[]
  readonly meter: ByteMeter | null
  /** What its answer is asked about; null: nothing. */
  readonly cost: CostMeter | null
  /** Gives back its place among those that run; to be called when it is over, and does nothing a second time. */
  leave(): void
}

export const notCharged: RequestCharge = { refused: null, shadow: [], meter: null, cost: null, leave: () => {} }

/** Takes the request from all budgets, or from none. One that is denied is counted, and runs nowhere. */
export function chargeRequest(
  facts: StatementFacts,
  who: Who,
  budgets: RequestBudgets,
  isDenied: boolean,
): RequestCharge {
  const applied = limitsFor(who.policies, facts, who.chain, who.catalog)
  if (applied.length === 0) return notCharged
  if (isDenied) {
    charge([facts], who, budgets, true)
    return notCharged
  }
  const shadow: EntryShadow[] = []
  const place = enter(applied, budgets, shadow)
  if ('refused' in place) return { ...notCharged, ...place, shadow }
  const spent = bytesLeft(applied, budgets, shadow)
  const counted = spent === null ? charge([facts], who, budgets) : null
  const refused = spent ?? counted?.refusal ?? null
  shadow.push(...(counted?.shadow.get(0) ?? []))
  if (refused === null) {
    const cost = costMeter(applied, facts, budgets)
    return { refused, shadow, meter: byteMeter(applied, budgets), cost, leave: place.leave }
  }
  place.leave()
  return { ...notCharged, refused, shadow }
}

type Refused = NonNullable<RequestCharge['refused']>

/** Places among those that run, of enforced limits together; limits in shadow mode never keep anybody out. */
function enter(
  applied: readonly AppliedLimit[],
  budgets: RequestBudgets,
  shadow: EntryShadow[],
): { readonly leave: () => void } | { readonly refused: Refused } {
  const left: (() => void)[] = []
  for (const one of applied.filter(({ limit }) => limit.shadow)) {
    const entered = budgets.enter(placesOf(one))
    if ('leave' in entered) left.push(entered.leave)
    else shadow.push(shadowEntry(one.limit))
  }
  const enforced = applied.filter(({ limit }) => !limit.shadow)
  const entered = budgets.enter(enforced.flatMap(placesOf))
  if ('leave' in entered) {
    left.push(entered.leave)
    let isOver = false
    return {
      leave() {
        if (!isOver) for (const one of left) one()
        isOver = true
      },
    }
  }
  for (const one of left) one()
  const full = enforced.find((one) => placesOf(one).some(({ budget }) => budget === entered.full.budget))
  if (full === undefined) return { leave: () => {} }
  return { refused: { limit: full.limit, error: limitFull(full.limit) } }
}

const placesOf = ({ limit: { concurrent }, budgets }: AppliedLimit): readonly Place[] =>
  concurrent === null ? [] : budgets.map((budget) => ({ budget: `${budget}\u0000concurrent`, max: concurrent }))

const bytesClaims = ({ limit: { bytes, everyMs, shared }, budgets }: AppliedLimit, amount: number): readonly Claim[] =>
  bytes === null || everyMs === null
    ? []
    : budgets.map((budget) => ({ budget: `${budget}\u0000bytes`, amount, max: bytes, everyMs, shared }))

/** Where not one byte is left there is no use in asking the target. */
function bytesLeft(applied: readonly AppliedLimit[], budgets: RequestBudgets, shadow: EntryShadow[]): Refused | null {
  for (const one of applied) {
    const full = budgets.look(bytesClaims(one, 1))
    if (full === null) continue
    if (!one.limit.shadow) return { limit: one.limit, error: limitReached(one.limit, full.retryMs) }
    shadow.push(shadowEntry(one.limit))
  }
  return null
}

function byteMeter(applied: readonly AppliedLimit[], budgets: RequestBudgets): ByteMeter | null {
  const bounds = applied.filter(({ limit }) => limit.bytes !== null && !limit.shadow)
  if (bounds.length === 0) return null
  let gone = 0
  return {
    take(bytes) {
      const single = bounds.find(({ limit }) => limit.everyMs === null && gone + bytes > (limit.bytes ?? 0))
      if (single !== undefined) return limitPassed(single.limit)
      const full = budgets.take(bounds.flatMap((one) => bytesClaims(one, bytes)))
      if (full !== null) {
        const one = bounds.find((bound) => bytesClaims(bound, 0).some(({ budget }) => budget === full.claim.budget))
        if (one !== undefined) return limitReached(one.limit, full.retryMs)
      }
      gone += bytes
      return null
    },
  }
}

const shadowEntry = ({ policy, version, name }: CompiledLimit): EntryShadow => ({
  policy,
  version,
  rule: name,
  effect: 'limit',
})

/** The first two are registered by the draft; the third is ours. */
export type QuotaUnit = 'requests' | 'content-bytes' | 'cost-units'
const quotaUnits: readonly QuotaUnit[] = ['requests', 'content-bytes', 'cost-units']

/** One limit and what is left of it, as answers say it (draft-ietf-httpapi-ratelimit-headers-10). */
export interface Quota {
  readonly name: string
  readonly unit: QuotaUnit
  readonly quota: number
  readonly left: number
  readonly windowSeconds: number
  /** Until all of it is there again. */
  readonly resetSeconds: number
}

/** Quotas that one answer names. */
export const quotasMax = 8

/** Of limits over time that are enforced. */
export function quotasOf(facts: StatementFacts, who: Who, budgets: RequestBudgets): readonly Quota[] {
  const counted = limitsFor(who.policies, facts, who.chain, who.catalog)
    .filter(({ limit }) => !limit.shadow && limit.everyMs !== null)
    .flatMap((one) => quotaUnits.flatMap((unit) => countedIn(one, unit) ?? []))
    .slice(0, quotasMax)
  // Asked together: where another process counts, that is one question.
  const states = budgets.left(counted.flatMap(({ claims }) => claims))
  let at = 0
  return counted.map(({ claims, ...quota }) => {
    const own = states.slice(at, at + claims.length)
    at += claims.length
    return {
      ...quota,
      left: Math.min(quota.quota, ...own.map(({ left }) => left)),
      resetSeconds: Math.ceil(Math.max(0, ...own.map(({ resetMs }) => resetMs)) / 1_000),
    }
  })
}

const ofUnit = {
  requests: { key: 'requests', suffix: '' },
  'content-bytes': { key: 'bytes', suffix: '.bytes' },
  'cost-units': { key: 'cost', suffix: '.cost' },
} as const satisfies Record<QuotaUnit, { key: 'requests' | 'bytes' | 'cost'; suffix: string }>

type Counted = Omit<Quota, 'left' | 'resetSeconds'> & { readonly claims: readonly Omit<Claim, 'amount'>[] }

function countedIn({ limit, budgets: names }: AppliedLimit, unit: QuotaUnit): Counted | null {
  const { policy, name, everyMs } = limit
  const { key, suffix } = ofUnit[unit]
  const quota = limit[key]
  if (quota === null || everyMs === null) return null
  return {
    name: `${policy}/${name}${suffix}`,
    unit,
    quota,
    windowSeconds: Math.ceil(everyMs / 1_000),
    claims: names.map((budget) => ({ budget: `${budget}\u0000${key}`, max: quota, everyMs })),
  }
}
