// One grant that waits, in a list beside held statements. The whole row is the link.
import type { Grant } from '@sallyport/api/grants'
import { Link } from '@tanstack/react-router'
import { Timer } from 'lucide-react'
import { Badge, Environment } from '../ui/Badge.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { ScopeLine } from './GrantScope.tsx'
import { GrantTime } from './GrantState.tsx'
import { lengthText, titleOf } from './words.ts'

/** How the list and the address name it, beside requests that are an id alone. */
export const grantKey = (id: string): string => `grant/${id}`
/** The id, if the key is of a grant. */
export const grantOf = (key: string | undefined): string | null =>
  key?.startsWith('grant/') === true ? key.slice('grant/'.length) : null

function GrantLink({ grant, beside }: { readonly grant: Grant; readonly beside: boolean }) {
  const name = (
    <>
      <span className="sr-only">Grant: {titleOf(grant)}</span>
      <span aria-hidden>
        <ScopeLine scope={grant} names={1} />
      </span>
    </>
  )
  return beside ? (
    <Link
      from="/approvals"
      to="/approvals"
      search={(search) => ({ ...search, open: grantKey(grant.id) })}
      replace
      resetScroll={false}
      className="row-link block min-w-0"
    >
      {name}
    </Link>
  ) : (
    <Link to="/grants/$id" params={{ id: grant.id }} className="row-link block min-w-0">
      {name}
    </Link>
  )
}

export function GrantRow({
  grant,
  isOpen,
  beside,
}: {
  readonly grant: Grant
  readonly isOpen: boolean
  readonly beside: boolean
}) {
  return (
    <li
      data-request={grantKey(grant.id)}
      aria-current={isOpen ? 'true' : undefined}
      className="relative border-l-3 border-l-transparent px-3 py-2.5 hover:bg-surface-2 aria-[current]:border-l-accent aria-[current]:bg-accent-soft"
    >
      <div className="flex items-start justify-between gap-3">
        <GrantLink grant={grant} beside={beside} />
        <span className="shrink-0">
          <GrantTime grant={grant} />
        </span>
      </div>
      <p className="mt-1 truncate text-[13px] text-ink-2">
        <VisibleText text={grant.who.display} />
      </p>
      <p className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-ink-3">
        <span className="inline-flex items-center gap-1.5">
          <VisibleText text={grant.target} />
          <Environment labels={grant.targetLabels} />
        </span>
        <Badge tone="accent" icon={<Timer aria-hidden size={12} />}>
          grant for {lengthText(grant.seconds)}
        </Badge>
      </p>
    </li>
  )
}
