// A moment, relative in the text and absolute on hover and for assistive technology. Ticks once in ten seconds.
import { absoluteTime, relativeTime } from '../util/format.ts'
import { useNow } from './useNow.ts'

const tickMs = 10_000

export function TimeAgo({ at }: { readonly at: string | number }) {
  const atMs = typeof at === 'number' ? at : Date.parse(at)
  const nowMs = useNow(tickMs)
  // Between two ticks, or by a clock a little ahead of ours: what has just happened must not speak of the future.
  const isJustNow = atMs > nowMs && atMs - nowMs < tickMs
  return (
    <time dateTime={new Date(atMs).toISOString()} title={absoluteTime(atMs)} className="whitespace-nowrap">
      {relativeTime(isJustNow ? nowMs : atMs, nowMs)}
    </time>
  )
}
