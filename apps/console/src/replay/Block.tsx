// Small parts of the inspector: a titled block, a note in a colour, and pairs that stay narrow.
import type { ReactNode } from 'react'
import type { Pair } from '../ui/Card.tsx'

export function Block({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section>
      <h3 className="mb-1.5 text-xs font-semibold tracking-wide text-ink-3 uppercase">{title}</h3>
      {children}
    </section>
  )
}

const tones = {
  deny: 'border-deny/40 bg-deny-soft text-deny',
  hold: 'border-hold/40 bg-hold-soft text-hold',
  allow: 'border-allow/40 bg-allow-soft text-allow',
  mask: 'border-mask/40 bg-mask-soft text-mask',
  neutral: 'border-line bg-surface-2 text-ink',
} as const

export function Note({
  tone,
  title,
  children,
}: {
  readonly tone: keyof typeof tones
  readonly title: string
  readonly children?: ReactNode
}) {
  return (
    <div className={`rounded-lg border px-3 py-2 ${tones[tone]}`}>
      <p className="font-semibold">{title}</p>
      {children === undefined ? null : <div className="mt-0.5 text-ink-2">{children}</div>}
    </div>
  )
}

export function NarrowPairs({ pairs }: { readonly pairs: readonly Pair[] }) {
  return (
    <dl className="grid grid-cols-[minmax(6.5rem,max-content)_1fr] gap-x-4 gap-y-1.5">
      {pairs.map(({ name, value }) => (
        <div key={name} className="contents">
          <dt className="text-ink-3">{name}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  )
}
