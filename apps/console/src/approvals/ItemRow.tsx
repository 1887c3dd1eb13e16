// One request in a list: parsed facts and no text that could hide anything. The whole row is the link.
import type { ApprovalItem } from '@sallyport/api/approvals'
import { Link } from '@tanstack/react-router'
import { Layers, TriangleAlert } from 'lucide-react'
import { Badge, Environment, type Tone } from '../ui/Badge.tsx'
import { ExpiryRing } from '../ui/ExpiryRing.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useNow } from '../ui/useNow.ts'
import { VisibleText } from '../ui/VisibleText.tsx'
import { countdown } from '../util/expiry.ts'
import { ItemEffects } from './Effects.tsx'
import type { Group } from './groups.ts'
import { flagsOfItem } from './risk.ts'
import { callerOf, stateWords, titleOf } from './words.ts'

const tones: Readonly<Record<ApprovalItem['state'], Tone>> = {
  pending: 'hold',
  approved: 'allow',
  run: 'allow',
  denied: 'deny',
  expired: 'neutral',
  cancelled: 'neutral',
}

export const StateBadge = ({ state }: { readonly state: ApprovalItem['state'] }) => (
  <Badge tone={tones[state]}>{stateWords[state]}</Badge>
)

/** Time left of a pending request, as a ring and as digits. */
export function TimeLeft({ item }: { readonly item: ApprovalItem }) {
  const nowMs = useNow()
  const untilMs = Date.parse(item.expiresAt)
  const ms = Math.max(0, untilMs - nowMs)
  return (
    <span className="inline-flex items-center gap-1.5 text-xs text-ink-2 tabular-nums">
      <ExpiryRing fromMs={Date.parse(item.createdAt)} untilMs={untilMs} size={16} />
      {ms === 0 ? 'expired' : countdown(ms)}
      <span className="sr-only"> left</span>
    </span>
  )
}

/** On a wide window the request opens beside the list, else on its own page. */
export function ItemLink({ item, beside }: { readonly item: ApprovalItem; readonly beside: boolean }) {
  const name = (
    <>
      <span className="sr-only">
        {titleOf(item)}, {callerOf(item)}
      </span>
      <span aria-hidden>
        <ItemEffects item={item} />
      </span>
    </>
  )
  return beside ? (
    <Link
      from="/approvals"
      to="/approvals"
      search={(search) => ({ ...search, open: item.id })}
      replace
      resetScroll={false}
      className="row-link block min-w-0"
    >
      {name}
    </Link>
  ) : (
    <Link to="/approvals/$id" params={{ id: item.id }} className="row-link block min-w-0">
      {name}
    </Link>
  )
}

export function ItemRow({
  group,
  isOpen,
  beside,
}: {
  readonly group: Group
  readonly isOpen: boolean
  readonly beside: boolean
}) {
  const { first, items } = group
  const risks = flagsOfItem(first).filter((flag) => flag.isHigh && flag.kind !== 'production')
  return (
    <li
      data-request={first.id}
      aria-current={isOpen ? 'true' : undefined}
      className="relative border-l-3 border-l-transparent px-3 py-2.5 hover:bg-surface-2 aria-[current]:border-l-accent aria-[current]:bg-accent-soft"
    >
      <div className="flex items-start justify-between gap-3">
        <ItemLink item={first} beside={beside} />
        <span className="shrink-0">
          {first.state === 'pending' ? <TimeLeft item={first} /> : <StateBadge state={first.state} />}
        </span>
      </div>
      <p className="mt-1 truncate text-[13px] text-ink-2">
        <VisibleText text={callerOf(first)} />
      </p>
      <p className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-ink-3">
        <span className="inline-flex items-center gap-1.5">
          <VisibleText text={first.target} />
          <Environment labels={first.targetLabels} />
        </span>
        {items.length > 1 ? (
          <Badge tone="accent" icon={<Layers aria-hidden size={12} />}>
            {items.length} alike
          </Badge>
        ) : null}
        {risks.map((flag) => (
          <Badge key={flag.kind} tone="deny" icon={<TriangleAlert aria-hidden size={12} />}>
            {flag.word}
          </Badge>
        ))}
        {first.state === 'pending' && items.some((item) => item.waiting > 0) ? <span>caller waits</span> : null}
        {first.decidedAt === null ? null : (
          <span>
            {first.decidedBy.length === 0 ? '' : <VisibleText text={`${first.decidedBy.join(', ')}, `} />}
            <TimeAgo at={first.decidedAt} />
          </span>
        )}
      </p>
    </li>
  )
}
