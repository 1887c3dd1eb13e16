// A surface with a title, and pairs of name and value.
import type { ReactNode } from 'react'

export function Card({
  title,
  lead,
  actions,
  flush = false,
  children,
}: {
  readonly title?: ReactNode
  readonly lead?: ReactNode
  readonly actions?: ReactNode
  /** Without padding: a table or list brings its own. */
  readonly flush?: boolean
  readonly children: ReactNode
}) {
  return (
    <section className="min-w-0 rounded-xl border border-line bg-surface shadow-card">
      {title === undefined ? null : (
        <header className="flex min-h-12 flex-wrap items-center justify-between gap-x-4 gap-y-1 px-4 pt-2.5 pb-1.5">
          <div className="min-w-0">
            <h2 className="font-semibold">{title}</h2>
            {lead === undefined ? null : <p className="text-xs text-ink-3">{lead}</p>}
          </div>
          {actions}
        </header>
      )}
      <div className={flush ? 'overflow-hidden rounded-b-xl' : `px-4 pb-4 ${title === undefined ? 'pt-4' : 'pt-1'}`}>
        {children}
      </div>
    </section>
  )
}

export interface Pair {
  readonly name: string
  readonly value: ReactNode
}

/** Name and value in two columns, one above the other where it is narrow. */
export function Pairs({ pairs }: { readonly pairs: readonly Pair[] }) {
  return (
    <dl className="grid gap-x-6 gap-y-0.5 sm:gap-y-2 sm:grid-cols-[max-content_1fr]">
      {pairs.map((pair) => (
        <div key={pair.name} className="contents">
          <dt className="text-ink-3">{pair.name}</dt>
          <dd className="min-w-0 break-words max-sm:mb-2">{pair.value}</dd>
        </div>
      ))}
    </dl>
  )
}
