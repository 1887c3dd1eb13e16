// Whether a session goes on: live pulses, closed is quiet, interrupted says that its end is missing.
import type { Session } from '@sallyport/api/recordings'
import { Unplug } from 'lucide-react'
import { Badge } from '../ui/Badge.tsx'

export function StateBadge({ state }: { readonly state: Session['state'] }) {
  switch (state) {
    case 'live':
      return (
        <Badge
          tone="accent"
          icon={
            <span aria-hidden className="relative flex size-2">
              <span className="absolute inline-flex size-full animate-ping rounded-full bg-accent opacity-60 motion-reduce:hidden" />
              <span className="relative inline-flex size-2 rounded-full bg-accent" />
            </span>
          }
        >
          live
        </Badge>
      )
    case 'interrupted':
      return (
        <Badge tone="hold" icon={<Unplug aria-hidden size={13} />}>
          interrupted
        </Badge>
      )
    case 'closed':
      return <Badge>closed</Badge>
  }
}
