// Table: how each lane looks – word, glyph, colour – in the list, the map, the switches and the inspector.
import type { Lane } from '@sallyport/api/recordings'
import { Ban, Check, CircleAlert, EyeOff, Hourglass, UserCheck } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Tone } from '../ui/Badge.tsx'

export interface LaneLook {
  readonly word: string
  /** What it means, for the inspector and titles. */
  readonly meaning: string
  readonly tone: Tone
  readonly icon: ReactNode
  readonly ink: string
  /** The custom property that the canvas paints with. */
  readonly paint: string
}

const size = 14
export const laneLooks: Readonly<Record<Lane, LaneLook>> = {
  allowed: {
    word: 'Allowed',
    meaning: 'A rule allowed it and it ran.',
    tone: 'neutral',
    icon: <Check aria-hidden size={size} />,
    ink: 'text-ink-2',
    paint: '--ink-3',
  },
  masked: {
    word: 'Masked',
    meaning: 'It ran, and values of its result were masked.',
    tone: 'mask',
    icon: <EyeOff aria-hidden size={size} />,
    ink: 'text-mask',
    paint: '--mask',
  },
  approved: {
    word: 'Approved',
    meaning: 'It was held, somebody approved this one run, and it ran.',
    tone: 'allow',
    icon: <UserCheck aria-hidden size={size} />,
    ink: 'text-allow',
    paint: '--allow',
  },
  held: {
    word: 'Held',
    meaning: 'It waited for a person. Nothing of it ran under this entry.',
    tone: 'hold',
    icon: <Hourglass aria-hidden size={size} />,
    ink: 'text-hold',
    paint: '--hold',
  },
  denied: {
    word: 'Denied',
    meaning: 'It was refused. Nothing of it reached the target.',
    tone: 'deny',
    icon: <Ban aria-hidden size={size} />,
    ink: 'text-deny',
    paint: '--deny',
  },
  failed: {
    word: 'Failed',
    meaning: 'It was let through and the target did not finish it.',
    tone: 'deny',
    icon: <CircleAlert aria-hidden size={size} />,
    ink: 'text-deny',
    paint: '--deny',
  },
}
