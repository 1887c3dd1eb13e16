// A ring that empties until a moment. Decoration: the words beside it say the same.
import { leftOf } from '../util/expiry.ts'
import { useNow } from './useNow.ts'

const radius = 15
const around = 2 * Math.PI * radius
const tones = { calm: 'text-accent', soon: 'text-hold', last: 'text-deny', over: 'text-ink-3' } as const

export function ExpiryRing({
  fromMs,
  untilMs,
  size = 36,
}: {
  readonly fromMs: number
  readonly untilMs: number
  readonly size?: number
}) {
  const left = leftOf(fromMs, untilMs, useNow())
  return (
    <svg aria-hidden viewBox="0 0 36 36" width={size} height={size} className={`shrink-0 ${tones[left.urgency]}`}>
      <circle cx="18" cy="18" r={radius} fill="none" stroke="currentColor" strokeWidth="3.5" className="opacity-20" />
      <circle
        cx="18"
        cy="18"
        r={radius}
        fill="none"
        stroke="currentColor"
        strokeWidth="3.5"
        strokeLinecap="round"
        strokeDasharray={around}
        strokeDashoffset={around * (1 - left.share)}
        transform="rotate(-90 18 18)"
      />
    </svg>
  )
}
