// Small facts with a word, an icon and a colour: never colour alone.
import { BadgeCheck, Ban, Check, CircleHelp, EyeOff, Hourglass, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'

export type Tone = 'neutral' | 'allow' | 'deny' | 'hold' | 'mask' | 'accent'
const tones: Readonly<Record<Tone, string>> = {
  neutral: 'bg-surface-2 text-ink-2',
  allow: 'bg-allow-soft text-allow',
  deny: 'bg-deny-soft text-deny',
  hold: 'bg-hold-soft text-hold',
  mask: 'bg-mask-soft text-mask',
  accent: 'bg-accent-soft text-accent',
}
const icons: Readonly<Partial<Record<Tone, ReactNode>>> = {
  allow: <Check aria-hidden size={13} />,
  deny: <Ban aria-hidden size={13} />,
  hold: <Hourglass aria-hidden size={13} />,
  mask: <EyeOff aria-hidden size={13} />,
}

export function Badge({
  tone = 'neutral',
  icon,
  children,
}: {
  readonly tone?: Tone
  readonly icon?: ReactNode
  readonly children: ReactNode
}) {
  return (
    <span
      className={`inline-flex items-center gap-1 rounded-md px-1.5 py-0.5 align-middle text-xs font-medium tracking-normal whitespace-nowrap ${tones[tone]}`}
    >
      {icon ?? icons[tone]}
      {children}
    </span>
  )
}

/** Every identity says whether it was proven or only told. */
export function Assurance({ assurance }: { readonly assurance: 'verified' | 'claimed' }) {
  return assurance === 'verified' ? (
    <Badge tone="allow" icon={<BadgeCheck aria-hidden size={13} />}>
      verified
    </Badge>
  ) : (
    <Badge tone="hold" icon={<CircleHelp aria-hidden size={13} />}>
      claimed
    </Badge>
  )
}

/** Production always differs in word and shape, not only in colour. */
export function Environment({ labels }: { readonly labels: Readonly<Record<string, string>> }) {
  const env = labels['env']
  if (env === undefined) return null
  const isProduction = /^prod/.test(env)
  return (
    <Badge
      tone={isProduction ? 'deny' : 'neutral'}
      icon={isProduction ? <TriangleAlert aria-hidden size={13} /> : undefined}
    >
      {env}
    </Badge>
  )
}
