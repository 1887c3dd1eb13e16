// A moment, relative in the text and absolute on hover and for assistive technology. Ticks once in ten seconds.
import { useEffect, useState } from 'react'
import { absoluteTime, relativeTime } from '../util/format.ts'

const tickMs = 10_000

export function TimeAgo({ at }: { readonly at: string | number }) {
  const atMs = typeof at === 'number' ? at : Date.parse(at)
  const [nowMs, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), tickMs)
    return () => clearInterval(timer)
  }, [])
  return (
    <time dateTime={new Date(atMs).toISOString()} title={absoluteTime(atMs)} className="whitespace-nowrap">
      {relativeTime(atMs, nowMs)}
    </time>
  )
}
