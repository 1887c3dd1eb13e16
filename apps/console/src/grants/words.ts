// Grants in words: how long, in which state, over what, when. Pure.
import type { Grant, GrantState } from '@sallyport/api/grants'
import { plural } from '../util/format.ts'

const minute = 60
const hour = 3_600
const day = 86_400

/** `2 hours`, `1 hour 30 minutes`, `2 days`. */
export function lengthText(seconds: number): string {
  const parts = [
    [Math.floor(seconds / day), 'day'],
    [Math.floor((seconds % day) / hour), 'hour'],
    [Math.floor((seconds % hour) / minute), 'minute'],
    [seconds % minute, 'second'],
  ] as const
  return parts.flatMap(([value, name]) => (value === 0 ? [] : [plural(value, name)])).join(' ')
}

/** Lengths to choose from, the shortest first; the longest that the rule permits is always one of them. */
const steps: readonly number[] = [15 * minute, 30 * minute, hour, 2 * hour, 4 * hour, 8 * hour, day, 3 * day, 7 * day]
export const choicesFor = (longestSeconds: number): readonly number[] => [
  ...steps.filter((seconds) => seconds < longestSeconds),
  longestSeconds,
]

/** Enough for most and no more: an hour, or the longest where that is less. */
export const usualFor = (longestSeconds: number): number => Math.min(hour, longestSeconds)

/** Times run out between two answers of the server: the clock of the page says so at once. */
export function stateAt(grant: Pick<Grant, 'state' | 'until' | 'expiresAt'>, nowMs: number): GrantState {
  if (grant.state === 'pending' && Date.parse(grant.expiresAt) <= nowMs) return 'expired'
  const isOver = grant.until !== null && Date.parse(grant.until) <= nowMs
  return isOver && (grant.state === 'approved' || grant.state === 'stale') ? 'over' : grant.state
}

export const stateWords: Readonly<Record<GrantState, string>> = {
  pending: 'waiting',
  approved: 'granted',
  denied: 'denied',
  expired: 'expired',
  cancelled: 'withdrawn',
  ended: 'ended',
  over: 'over',
  stale: 'rule changed',
}

/** `update, delete on public.orders`. */
export function scopeText({ operations, objects }: Pick<Grant, 'operations' | 'objects'>): string {
  const what = operations?.join(', ') ?? 'everything'
  return objects === null ? what : `${what} on ${objects.join(', ')}`
}

/** `Repair on orders for Ana`, for titles and announcements. */
export const titleOf = ({ rule, target, who }: Pick<Grant, 'rule' | 'target' | 'who'>): string =>
  `${rule} on ${target} for ${who.display}`

/** When it came to its end, or will: what lists show beside a state. */
export function endOf(grant: Grant, state: GrantState): string {
  switch (state) {
    case 'pending':
    case 'expired':
      return grant.expiresAt
    case 'approved':
    case 'over':
    case 'stale':
      return grant.until ?? grant.createdAt
    case 'denied':
    case 'cancelled':
    case 'ended':
      return grant.endedAt ?? grant.createdAt
  }
}
