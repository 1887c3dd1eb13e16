// Whether an agent is there, as a word with a shape.
import type { Agent } from '@sallyport/api/resources'
import { Ban, CircleDot, CloudOff } from 'lucide-react'
import { Badge } from '../ui/Badge.tsx'

export function AgentState({ state }: { readonly state: Agent['state'] }) {
  switch (state) {
    case 'online':
      return (
        <Badge tone="allow" icon={<CircleDot aria-hidden size={13} />}>
          online
        </Badge>
      )
    case 'offline':
      return (
        <Badge tone="hold" icon={<CloudOff aria-hidden size={13} />}>
          offline
        </Badge>
      )
    case 'revoked':
      return (
        <Badge tone="deny" icon={<Ban aria-hidden size={13} />}>
          revoked
        </Badge>
      )
  }
}
