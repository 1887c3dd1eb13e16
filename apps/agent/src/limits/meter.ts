// Counts the rows and bytes of one statement while they pass, against every limit that concerns it. A row that would pass a
// limit does not go: the protocol ends the result in its place (postgres/overrun.ts).
import type { SallyportError } from '@sallyport/base/errors'
import type { EntryShadow } from '@sallyport/ledger/entry'
import type { AppliedLimit, CompiledLimit } from '@sallyport/policy/limits'
import type { Budgets, Claim } from './budgets.ts'
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
  budgets: Budgets,
): Meter | null {
  const bounds = applied.filter(({ limit }) => limit.rows !== null || limit.bytes !== null).map(boundOf)
  if (bounds.length === 0) return null
  const shadow = new Set<CompiledLimit>()
  let stopped: Stopped | null = null
  const stop = (limit: CompiledLimit, error: SallyportError): boolean => {
    if (!limit.shadow) {
      stopped = { limit, error }
      return false
    }
    shadow.add(limit)
    return true
  }
  return {
    take(bytes) {
      const all = tallies()
      for (const one of bounds) {
        const error = one.limit.everyMs === null ? fits(one.limit, all, bytes) : room(one, budgets, bytes)
        if (error !== null && !stop(one.limit, error)) return false
      }
      for (const one of bounds) count(one, all, budgets, bytes)
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

function room({ limit, claims }: Bound, budgets: Budgets, bytes: number): SallyportError | null {
  const full = budgets.look(claims(bytes))
  return full === null ? null : limitReached(limit, full.retryMs)
}

function count({ limit, claims }: Bound, tallies: readonly Tally[], budgets: Budgets, bytes: number) {
  if (limit.everyMs !== null) {
    budgets.take(claims(bytes))
    return
  }
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
