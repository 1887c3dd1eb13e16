// The state of a grant as a badge, and the time that is left of one that is live or waits.
import type { Grant, GrantState } from '@sallyport/api/grants'
import { Badge, type Tone } from '../ui/Badge.tsx'
import { ExpiryRing } from '../ui/ExpiryRing.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useNow } from '../ui/useNow.ts'
import { countdown } from '../util/expiry.ts'
import { momentTime } from '../util/format.ts'
import { endOf, stateAt, stateWords } from './words.ts'

const tones: Readonly<Record<GrantState, Tone>> = {
  pending: 'hold',
  approved: 'allow',
  denied: 'deny',
  expired: 'neutral',
  cancelled: 'neutral',
  ended: 'neutral',
  over: 'neutral',
  stale: 'hold',
}

export function GrantBadge({ grant }: { readonly grant: Grant }) {
  const state = stateAt(grant, useNow())
  return <Badge tone={tones[state]}>{stateWords[state]}</Badge>
}

/** From the moment that the quorum was reached. */
export const grantedMs = ({ until, seconds }: Pick<Grant, 'until' | 'seconds'>): number =>
  until === null ? 0 : Date.parse(until) - seconds * 1_000

/** Of a live one: ring, digits and the moment of its end. */
export function GrantLeft({ grant, size = 18 }: { readonly grant: Grant; readonly size?: number }) {
  const nowMs = useNow()
  const untilMs = Date.parse(grant.until ?? grant.createdAt)
  const ms = Math.max(0, untilMs - nowMs)
  return (
    <span className="inline-flex items-center gap-2 whitespace-nowrap tabular-nums">
      <ExpiryRing fromMs={grantedMs(grant)} untilMs={untilMs} size={size} />
      <span>
        <span role="timer" className="font-medium">
          {ms === 0 ? 'over' : countdown(ms)}
        </span>
        <span className="block text-xs text-ink-3">
          until <time dateTime={new Date(untilMs).toISOString()}>{momentTime(untilMs, nowMs)}</time>
        </span>
      </span>
    </span>
  )
}

/**
 * In lists: how long it lasts while it is live, how long it can be decided while it waits, else when it came to its end. `isLabelled`:
 * what the time is said of stands below it.
 */
export function GrantTime({ grant, isLabelled = false }: { readonly grant: Grant; readonly isLabelled?: boolean }) {
  const nowMs = useNow()
  const state = stateAt(grant, nowMs)
  if (state === 'approved') return <GrantLeft grant={grant} />
  if (state !== 'pending') return <TimeAgo at={endOf(grant, state)} />
  const untilMs = Date.parse(grant.expiresAt)
  return (
    <span className="inline-flex items-center gap-1.5 text-xs whitespace-nowrap text-ink-2 tabular-nums">
      <ExpiryRing fromMs={Date.parse(grant.createdAt)} untilMs={untilMs} size={16} />
      <span>
        {countdown(untilMs - nowMs)} <span className={isLabelled ? 'block text-ink-3' : 'sr-only'}>left to decide</span>
      </span>
    </span>
  )
}
