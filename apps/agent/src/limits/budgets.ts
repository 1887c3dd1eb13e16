// What is left of the limits over time, for all sessions of this agent: one process, so that whoever looks and spends in
// one turn never passes a limit, however many ask at once. It decides nothing: the gate does (DESIGN §4, Limits). Of limits that
// other agents share, what is lent to them counts as spent here, and what they lend may be spent (loans.ts).
// INVARIANT: a claim is taken as a whole or not at all.
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { createLoans, type Loans, type Terms, type Wanted } from './loans.ts'
import { createPlaces, type Places } from './places.ts'
import { newWindow, spend, spentIn, type Window, waitMs } from './window.ts'

/** So much of one budget. */
export interface Claim {
  readonly budget: string
  readonly amount: number
  readonly max: number
  readonly everyMs: number
  /** Other agents have a share of it. */
  readonly shared?: boolean
}

/** Why claims were not taken. */
export interface Full {
  readonly claim: Claim
  readonly retryMs: number
}

/** What statements need of them. */
export interface StatementBudgets {
  /** Takes all claims, or none and says which has no room; `retryMs` from now it has. */
  take(claims: readonly Claim[]): Full | null
  /** The same without taking. */
  look(claims: readonly Claim[]): Full | null
}

/** What is left of a budget, and when all of it is there again. */
export interface Left {
  readonly left: number
  readonly resetMs: number
}

/** What requests need of them. */
export interface RequestBudgets extends StatementBudgets {
  /** Counts what has been spent already, room or not. */
  owe(claims: readonly Claim[]): void
  /** Of each. */
  left(claims: readonly Omit<Claim, 'amount'>[]): readonly Left[]
  /** Places among those that run at the same time. */
  enter: Places['enter']
}

export interface Budgets extends RequestBudgets {
  /** Budgets in memory. */
  readonly size: number
  /** Lends another agent what nobody has spent here, by the terms of this agent. Gives how much it has of it in all. */
  lend(wanted: Wanted, terms: Terms): number
  /** Others lend this much in all, until then. */
  borrow(budget: string, amount: number, untilMs: number): void
  /** Nobody can be asked any more: only the own share counts. */
  cutOff(): void
  /** Called with claims on shared budgets that are nearly used up, often. */
  onScarce: ((claim: Claim) => void) | null
}

export function createBudgets(clock: Clock, budgetsMax: number = limits.budgetsPerAgentMax): Budgets {
  const windows = new Map<string, Window>()
  const loans = createLoans(budgetsMax)
  let sweptAt = 0

  const windowOf = (claim: Claim, nowMs: number): Window | null => {
    const known = windows.get(claim.budget)
    // A policy that changes how long the window is starts it anew; what was spent is kept for the longer of both.
    if (known !== undefined && known.everyMs === claim.everyMs) return known
    if (known === undefined && windows.size >= budgetsMax && !sweep(nowMs)) return null
    const made = newWindow(claim.everyMs)
    if (known !== undefined) spend(made, spentIn(known, nowMs), nowMs)
    windows.set(claim.budget, made)
    return made
  }
  /** Forgets what is spent by nobody, at most once a second; false when nothing could be forgotten. */
  const sweep = (nowMs: number): boolean => {
    if (Math.abs(nowMs - sweptAt) < sweepMs) return false
    sweptAt = nowMs
    for (const [budget, window] of windows) if (spentIn(window, nowMs) === 0) windows.delete(budget)
    return windows.size < budgetsMax
  }
  const look = (claims: readonly Claim[], nowMs: number): ReturnType<Budgets['look']> => {
    for (const claim of claims) {
      const window = windowOf(claim, nowMs)
      // More budgets than fit: nobody knows what is left of this one.
      if (window === null) return { claim, retryMs: sweepMs }
      const max = claim.max + loans.change(claim.budget, claim.max, nowMs)
      const spent = spentIn(window, nowMs) + claim.amount
      if (claim.shared === true && spent > max * scarceFrom) budgets.onScarce?.(claim)
      if (spent > max) return { claim, retryMs: waitMs(window, claim.amount, max, nowMs) }
    }
    return null
  }
  const budgets: Budgets = {
    look: (claims) => look(merged(claims), clock.nowMs()),
    take(claims) {
      const nowMs = clock.nowMs()
      const all = merged(claims)
      const full = look(all, nowMs)
      if (full !== null) return full
      for (const claim of all) {
        const window = windows.get(claim.budget)
        if (window !== undefined) spend(window, claim.amount, nowMs)
      }
      return null
    },
    owe: (claims) => spendAll(claims, clock.nowMs(), windowOf),
    left: (claims) => claims.map((claim) => leftOf(windows.get(claim.budget), claim, loans, clock.nowMs())),
    enter: createPlaces().enter,
    get size() {
      return windows.size
    },
    lend: (wanted, terms) => lendFrom(loans, windows.get(wanted.budget), wanted, terms, clock.nowMs()),
    borrow: loans.borrow,
    cutOff: loans.cutOff,
    onScarce: null,
  }
  return budgets
}

/** Room or not: it was spent already. */
function spendAll(
  claims: readonly Claim[],
  nowMs: number,
  windowOf: (claim: Claim, nowMs: number) => Window | null,
): void {
  for (const claim of merged(claims)) {
    const window = windowOf(claim, nowMs)
    if (window !== null) spend(window, claim.amount, nowMs)
  }
}

function leftOf(window: Window | undefined, claim: Omit<Claim, 'amount'>, loans: Loans, nowMs: number): Left {
  const { budget, everyMs } = claim
  const max = claim.max + loans.change(budget, claim.max, nowMs)
  if (window === undefined || window.everyMs !== everyMs) return { left: Math.max(0, max), resetMs: 0 }
  return { left: Math.max(0, max - spentIn(window, nowMs)), resetMs: waitMs(window, max, max, nowMs) }
}

function lendFrom(loans: Loans, window: Window | undefined, wanted: Wanted, terms: Terms, nowMs: number): number {
  // Another length: what was spent is still counted by older policies.
  if (window !== undefined && window.everyMs !== terms.everyMs) return 0
  return loans.lend(wanted, terms, window === undefined ? 0 : spentIn(window, nowMs), nowMs)
}

/** Others are asked before a budget is used up: from this part of it on. */
const scarceFrom = 0.75
/** Between two looks at all budgets, in milliseconds. */
const sweepMs = 1_000

/** Several claims of one text on the same budget are one. */
function merged(claims: readonly Claim[]): readonly Claim[] {
  if (claims.length < 2) return claims
  const byBudget = new Map<string, Claim>()
  for (const claim of claims) {
    const known = byBudget.get(claim.budget)
    byBudget.set(claim.budget, known === undefined ? claim : { ...claim, amount: known.amount + claim.amount })
  }
  return [...byBudget.values()]
}
