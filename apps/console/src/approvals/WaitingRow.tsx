// One row of the list of what waits: a held statement or a grant. The whole row is the link; on a wide window it opens beside the list,
// else on a page of its own.
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Environment } from '../ui/Badge.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'

interface LinkProps {
  /** How the list and the address name it. */
  readonly rowKey: string
  readonly page: '/approvals/$id' | '/grants/$id'
  readonly id: string
  readonly beside: boolean
  /** What a screen reader says in the place of the chips. */
  readonly name: ReactNode
  readonly chips: ReactNode
}

function RowLink({ rowKey, page, id, beside, name, chips }: LinkProps) {
  const content = (
    <>
      <span className="sr-only">{name}</span>
      <span aria-hidden>{chips}</span>
    </>
  )
  return beside ? (
    <Link
      from="/approvals"
      to="/approvals"
      search={(search) => ({ ...search, open: rowKey })}
      replace
      resetScroll={false}
      className="row-link block min-w-0"
    >
      {content}
    </Link>
  ) : (
    <Link to={page} params={{ id }} className="row-link block min-w-0">
      {content}
    </Link>
  )
}

export function WaitingRow({
  isOpen,
  aside,
  who,
  target,
  targetLabels,
  children,
  ...link
}: LinkProps & {
  readonly isOpen: boolean
  /** The time that is left, or what became of it. */
  readonly aside: ReactNode
  readonly who: string
  readonly target: string
  readonly targetLabels: Readonly<Record<string, string>>
  /** Behind the target. */
  readonly children: ReactNode
}) {
  return (
    <li
      data-request={link.rowKey}
      aria-current={isOpen ? 'true' : undefined}
      className="relative border-l-3 border-l-transparent px-3 py-2.5 hover:bg-surface-2 aria-[current]:border-l-accent aria-[current]:bg-accent-soft"
    >
      <div className="flex items-start justify-between gap-3">
        <RowLink {...link} />
        <span className="shrink-0">{aside}</span>
      </div>
      <p className="mt-1 truncate text-[13px] text-ink-2">
        <VisibleText text={who} />
      </p>
      <p className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-ink-3">
        <span className="inline-flex items-center gap-1.5">
          <VisibleText text={target} />
          <Environment labels={targetLabels} />
        </span>
        {children}
      </p>
    </li>
  )
}
