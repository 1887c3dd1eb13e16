// Counts the rows and bytes of one statement while they pass, against every limit that concerns it. A row that would pass a
// limit does not go: the protocol ends the result in its place (postgres/overrun.ts).
import type { SallyportError } from '@sallyport/base/errors'
import type { EntryShadow } from '@sallyport/ledger/entry'
import type { AppliedLimit, CompiledLimit } from '@sallyport/policy/limits'
import type { Claim, StatementBudgets } from './budgets.ts'
import { limitPassed, limitReached } from './words.ts'

/** Rows and bytes that have gone under limits for one statement, by limit. */
export type Tally = Map<string, { rows: number; bytes: number }>

export interface Stopped {
  readonly limit: CompiledLimit
  readonly error: SallyportError
}

export interface Meter {
  /** Counts one row of so many bytes, if it may go. */
  take(bytes: number): boolean
  /** Why the row that was taken last may not go. */
  readonly stopped: Stopped | null
  /** Limits in shadow mode that would have stopped the result. */
  readonly shadow: ReadonlySet<CompiledLimit>
}

/** `tallies`: those of the text, and of the portal or cursor whose rows these are. */
export function createMeter(
  applied: readonly AppliedLimit[],
  tallies: () => readonly Tally[],
  budgets: StatementBudgets,
): Meter | null {
  const bounds = applied.map(({ limit }) => limit).filter(({ rows, bytes }) => rows !== null || bytes !== null)
  if (bounds.length === 0) return null
  const ofStatement = bounds.filter(({ everyMs }) => everyMs === null)
  const overTime = applied.filter(({ limit }) => limit.everyMs !== null && bounds.includes(limit)).map(boundOf)
  const enforced = together(overTime.filter(({ limit }) => !limit.shadow))
  const inShadow = overTime.filter(({ limit }) => limit.shadow)
  const shadow = new Set<CompiledLimit>()
  let stopped: Stopped | null = null
  return {
    take(bytes) {
      const all = tallies()
      for (const limit of ofStatement) {
        const error = fits(limit, all, bytes)
        if (error === null) continue
        if (limit.shadow) shadow.add(limit)
        else {
          stopped = { limit, error }
          return false
        }
      }
      // INVARIANT: what is over time is looked at and taken at once: others, in other processes too, take from the same budgets.
      stopped = enforced === null ? null : enforced(budgets, bytes)
      if (stopped !== null) return false
      for (const { limit, claims } of inShadow) if (budgets.take(claims(bytes)) !== null) shadow.add(limit)
      for (const limit of ofStatement) count(limit, all, bytes)
      return true
    },
    get stopped() {
      return stopped
    },
    shadow,
  }
}

interface Bound {
  readonly limit: CompiledLimit
  readonly claims: (bytes: number) => readonly Claim[]
}

/** A limit of rows alone claims the same with each row. */
function boundOf({ limit, budgets: names }: AppliedLimit): Bound {
  const claims = (bytes: number): readonly Claim[] => names.flatMap((name) => rowClaims(limit, name, 1, bytes))
  const same = limit.bytes === null ? claims(0) : null
  return { limit, claims: same === null ? claims : () => same }
}

function fits(limit: CompiledLimit, tallies: readonly Tally[], bytes: number): SallyportError | null {
  for (const tally of tallies) {
    const gone = tally.get(keyOf(limit))
    if (limit.rows !== null && (gone?.rows ?? 0) + 1 > limit.rows) return limitPassed(limit)
    if (limit.bytes !== null && (gone?.bytes ?? 0) + bytes > limit.bytes) return limitPassed(limit)
  }
  return null
}

/** Takes what one row claims of all of them, or says which has no room for it. */
function together(bounds: readonly Bound[]): ((budgets: StatementBudgets, bytes: number) => Stopped | null) | null {
  const [first, ...more] = bounds
  if (first === undefined) return null
  const claimsOf = more.length === 0 ? first.claims : (bytes: number) => bounds.flatMap(({ claims }) => claims(bytes))
  return (budgets, bytes) => {
    const full = budgets.take(claimsOf(bytes))
    if (full === null) return null
    const isIts = ({ claims }: Bound): boolean => claims(bytes).some(({ budget }) => budget === full.claim.budget)
    const { limit } = bounds.find(isIts) ?? first
    return { limit, error: limitReached(limit, full.retryMs) }
  }
}

function count(limit: CompiledLimit, tallies: readonly Tally[], bytes: number): void {
  for (const tally of tallies) {
    const gone = tally.get(keyOf(limit))
    if (gone === undefined) tally.set(keyOf(limit), { rows: 1, bytes })
    else {
      gone.rows += 1
      gone.bytes += bytes
    }
  }
}

/** For an outcome: limits in shadow mode that its rows have passed. Nothing where there is none. */
export function shadowOf(meter: Meter | null): { readonly shadow?: readonly EntryShadow[] } {
  if (meter === null || meter.shadow.size === 0) return {}
  return {
    shadow: [...meter.shadow].map(({ policy, version, name }) => ({ policy, version, rule: name, effect: 'limit' })),
  }
}

const keyOf = ({ policy, name }: CompiledLimit): string => `${policy}/${name}`

/** Claims of so many rows and bytes on one budget of a limit over time. */
export function rowClaims(limit: CompiledLimit, budget: string, row: number, size: number): Claim[] {
  const { rows, bytes, everyMs, shared } = limit
  if (everyMs === null) return []
  return [
    ...(rows === null ? [] : [{ budget: `${budget}\u0000rows`, amount: row, max: rows, everyMs, shared }]),
    ...(bytes === null ? [] : [{ budget: `${budget}\u0000bytes`, amount: size, max: bytes, everyMs, shared }]),
  ]
}
