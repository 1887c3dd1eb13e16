// What is dangerous about a request, as badges; what each means is read on hover and by assistive technology.
import { CircleHelp, EyeOff, Hourglass, Languages, Rows4, Sparkles, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { Badge } from '../ui/Badge.tsx'
import type { Flag } from './risk.ts'

const flagIcons: Readonly<Record<Flag['kind'], ReactNode>> = {
  unfiltered: <TriangleAlert aria-hidden size={13} />,
  schema: <TriangleAlert aria-hidden size={13} />,
  several: <TriangleAlert aria-hidden size={13} />,
  production: <TriangleAlert aria-hidden size={13} />,
  hidden: <EyeOff aria-hidden size={13} />,
  lookalike: <Languages aria-hidden size={13} />,
  scan: <Rows4 aria-hidden size={13} />,
  claimed: <CircleHelp aria-hidden size={13} />,
  first: <Sparkles aria-hidden size={13} />,
  everything: <TriangleAlert aria-hidden size={13} />,
  long: <Hourglass aria-hidden size={13} />,
}

export function Flags({ flags }: { readonly flags: readonly Flag[] }) {
  if (flags.length === 0) return null
  return (
    <ul aria-label="Warnings" className="mt-2 flex flex-wrap gap-1.5">
      {flags.map((flag) => (
        <li key={flag.kind} title={flag.detail}>
          <Badge tone={flag.isHigh ? 'deny' : 'hold'} icon={flagIcons[flag.kind]}>
            {flag.word}
          </Badge>
          <span className="sr-only">{flag.detail}</span>
        </li>
      ))}
    </ul>
  )
}
