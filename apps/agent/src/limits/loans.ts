// What this agent has lent to others of its budgets, and borrowed from them. Pure: the time comes in.
// INVARIANT: what one agent borrows, another does not spend: it is lent before it is borrowed, and comes back only when whatever
// was spent of it has left the window. So the agents of a target together never pass a limit, whoever is cut off meanwhile.
import { limits } from '@sallyport/base/limits'

/** A question of another agent. */
export interface Wanted {
  readonly borrower: string
  readonly budget: string
}

/** What the lender's own policies say of a budget: nobody else's word counts. */
export interface Terms {
  /** What each agent may spend by itself. */
  readonly share: number
  readonly everyMs: number
}

interface Loan {
  amount: number
  untilMs: number
}

/** Answers about one budget that are remembered. */
const answersMax = 16

/** Kept back of a share, so that an agent that wakes up is not refused at once: one in so many parts. */
const keptPart = 4
const kept = (share: number): number => Math.ceil(share / keptPart)

export interface Loans {
  /**
   * What more than its share may be spent of a budget here; below zero: less. Policies may have been others when it was lent: also
   * then a part is kept of what is the share here.
   */
  change(budget: string, share: number, nowMs: number): number
  /** Lends what is not spent. Gives how much the borrower has in all. */
  lend(wanted: Wanted, terms: Terms, spent: number, nowMs: number): number
  borrow(budget: string, amount: number, untilMs: number): void
  /** Nothing that was borrowed counts any more. What was lent stays lent: whoever has it may still spend it. */
  cutOff(): void
}

export function createLoans(budgetsMax: number = limits.budgetsPerAgentMax): Loans {
  // By budget, and there by borrower.
  const lent = new Map<string, Map<string, Loan>>()
  const borrowed = new Map<string, Loan[]>()
  const lentOf = (budget: string, nowMs: number): number => {
    const loans = lent.get(budget)
    if (loans === undefined) return 0
    let sum = 0
    for (const [borrower, { amount, untilMs }] of loans) {
      if (untilMs > nowMs) sum += amount
      else loans.delete(borrower)
    }
    if (loans.size === 0) lent.delete(budget)
    return sum
  }
  const borrowedOf = (budget: string, nowMs: number): number => {
    const loans = borrowed.get(budget)?.filter(({ untilMs }) => untilMs > nowMs)
    if (loans === undefined) return 0
    if (loans.length === 0) borrowed.delete(budget)
    else borrowed.set(budget, loans)
    // Each answer says what is borrowed in all: an older one that still holds is part of the newer.
    return Math.max(0, ...loans.map(({ amount }) => amount))
  }
  return {
    change: (budget, share, nowMs) =>
      lent.size === 0 && borrowed.size === 0
        ? 0
        : borrowedOf(budget, nowMs) - Math.min(lentOf(budget, nowMs), share - kept(share)),
    lend({ borrower, budget }, { share, everyMs }, spent, nowMs) {
      const all = lentOf(budget, nowMs)
      const before = lent.get(budget)?.get(borrower)?.amount ?? 0
      if (before === 0 && lent.size >= budgetsMax && !forget(lent, nowMs)) return 0
      const free = share - kept(share) - spent - (all - before)
      const amount = Math.max(before, Math.floor(free))
      if (amount <= 0) return 0
      const loans = lent.get(budget) ?? new Map<string, Loan>()
      lent.set(budget, loans)
      // One window in which it may be spent, and one in which it counts.
      loans.set(borrower, { amount, untilMs: nowMs + 2 * everyMs })
      return amount
    },
    borrow(budget, amount, untilMs) {
      if (amount <= 0) return
      // What is less and ends earlier says nothing beside it.
      const larger = (borrowed.get(budget) ?? []).filter((one) => one.amount > amount)
      borrowed.set(budget, [...larger.slice(1 - answersMax), { amount, untilMs }])
    },
    cutOff: () => borrowed.clear(),
  }
}

/** Takes out what has come back; false when nothing has. */
function forget(lent: Map<string, Map<string, Loan>>, nowMs: number): boolean {
  const before = lent.size
  for (const [budget, loans] of lent)
    if ([...loans.values()].every(({ untilMs }) => untilMs <= nowMs)) lent.delete(budget)
  return lent.size < before
}
