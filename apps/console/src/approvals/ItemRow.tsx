// One request in a list: parsed facts and no text that could hide anything.
import type { ApprovalItem } from '@sallyport/api/approvals'
import { Layers, TriangleAlert } from 'lucide-react'
import { Badge, type Tone } from '../ui/Badge.tsx'
import { ExpiryRing } from '../ui/ExpiryRing.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useNow } from '../ui/useNow.ts'
import { VisibleText } from '../ui/VisibleText.tsx'
import { countdown } from '../util/expiry.ts'
import { ItemEffects } from './Effects.tsx'
import type { Group } from './groups.ts'
import { flagsOfItem } from './risk.ts'
import { WaitingRow } from './WaitingRow.tsx'
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
  const caller = callerOf(first)
  return (
    <WaitingRow
      rowKey={first.id}
      page="/approvals/$id"
      id={first.id}
      beside={beside}
      name={`${titleOf(first)}, ${caller}`}
      chips={<ItemEffects item={first} />}
      isOpen={isOpen}
      aside={first.state === 'pending' ? <TimeLeft item={first} /> : <StateBadge state={first.state} />}
      who={caller}
      target={first.target}
      targetLabels={first.targetLabels}
    >
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
    </WaitingRow>
  )
}
