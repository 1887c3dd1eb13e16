// A moment, relative in the text and absolute on hover and for assistive technology. Ticks once in ten seconds.
import { absoluteTime, relativeTime } from '../util/format.ts'
import { useNow } from './useNow.ts'

const tickMs = 10_000

export function TimeAgo({ at }: { readonly at: string | number }) {
  const atMs = typeof at === 'number' ? at : Date.parse(at)
  const nowMs = useNow(tickMs)
  return (
    <time dateTime={new Date(atMs).toISOString()} title={absoluteTime(atMs)} className="whitespace-nowrap">
      {/* A clock a little behind the server's must not speak of the future. */}
      {relativeTime(Math.min(atMs, Math.max(nowMs, atMs - 1)), nowMs)}
    </time>
  )
}
