// One grant that waits, in a list beside held statements.
import type { Grant } from '@sallyport/api/grants'
import { Timer } from 'lucide-react'
import { WaitingRow } from '../approvals/WaitingRow.tsx'
import { Badge } from '../ui/Badge.tsx'
import { ScopeLine } from './GrantScope.tsx'
import { GrantTime } from './GrantState.tsx'
import { lengthText, titleOf } from './words.ts'

/** How the list and the address name it, beside requests that are an id alone. */
export const grantKey = (id: string): string => `grant/${id}`
/** The id, if the key is of a grant. */
export const grantOf = (key: string | undefined): string | null =>
  key?.startsWith('grant/') === true ? key.slice('grant/'.length) : null

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
    <WaitingRow
      rowKey={grantKey(grant.id)}
      page="/grants/$id"
      id={grant.id}
      beside={beside}
      name={`Grant: ${titleOf(grant)}`}
      chips={<ScopeLine scope={grant} names={1} />}
      isOpen={isOpen}
      aside={<GrantTime grant={grant} />}
      who={grant.who.display}
      target={grant.target}
      targetLabels={grant.targetLabels}
    >
      <Badge tone="accent" icon={<Timer aria-hidden size={12} />}>
        grant for {lengthText(grant.seconds)}
      </Badge>
    </WaitingRow>
  )
}
