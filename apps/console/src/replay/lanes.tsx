// Table: how each lane looks – word, glyph, colour – in the list, the map, the switches and the inspector. Glyphs are Lucide's,
// each as one path: a row of the list that shows another statement gets another path, not other elements.
import type { Lane } from '@sallyport/api/recordings'
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

const outlines: Readonly<Record<Lane, string>> = {
  allowed: 'M20 6 9 17l-5-5',
  masked:
    'M10.733 5.076a10.744 10.744 0 0 1 11.205 6.575 1 1 0 0 1 0 .696 10.747 10.747 0 0 1-1.444 2.49M14.084 14.158a3 3 0 0 1-4.242-4.242M17.479 17.499a10.75 10.75 0 0 1-15.417-5.151 1 1 0 0 1 0-.696 10.75 10.75 0 0 1 4.446-5.143M2 2l20 20',
  approved: 'm16 11 2 2 4-4M16 21v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2M5 7a4 4 0 1 0 8 0 4 4 0 1 0-8 0',
  held: 'M5 22h14M5 2h14M17 22v-4.172a2 2 0 0 0-.586-1.414L12 12l-4.414 4.414A2 2 0 0 0 7 17.828V22M7 2v4.172a2 2 0 0 0 .586 1.414L12 12l4.414-4.414A2 2 0 0 0 17 6.172V2',
  denied: 'M2 12a10 10 0 1 0 20 0 10 10 0 1 0-20 0M4.929 4.929 19.07 19.071',
  failed: 'M2 12a10 10 0 1 0 20 0 10 10 0 1 0-20 0M12 8v4M12 16h.01',
}

function LaneIcon({ lane }: { readonly lane: Lane }) {
  return (
    <svg
      aria-hidden
      width={14}
      height={14}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={2}
      strokeLinecap="round"
      strokeLinejoin="round"
      className="shrink-0"
    >
      <path d={outlines[lane]} />
    </svg>
  )
}

export const laneLooks: Readonly<Record<Lane, LaneLook>> = {
  allowed: {
    word: 'Allowed',
    meaning: 'A rule allowed it and it ran.',
    tone: 'neutral',
    icon: <LaneIcon lane="allowed" />,
    ink: 'text-ink-2',
    paint: '--ink-3',
  },
  masked: {
    word: 'Masked',
    meaning: 'It ran, and values of its result were masked.',
    tone: 'mask',
    icon: <LaneIcon lane="masked" />,
    ink: 'text-mask',
    paint: '--mask',
  },
  approved: {
    word: 'Approved',
    meaning: 'It was held, somebody approved this one run, and it ran.',
    tone: 'allow',
    icon: <LaneIcon lane="approved" />,
    ink: 'text-allow',
    paint: '--allow',
  },
  held: {
    word: 'Held',
    meaning: 'It waited for a person. Nothing of it ran under this entry.',
    tone: 'hold',
    icon: <LaneIcon lane="held" />,
    ink: 'text-hold',
    paint: '--hold',
  },
  denied: {
    word: 'Denied',
    meaning: 'It was refused. Nothing of it reached the target.',
    tone: 'deny',
    icon: <LaneIcon lane="denied" />,
    ink: 'text-deny',
    paint: '--deny',
  },
  failed: {
    word: 'Failed',
    meaning: 'It was let through and the target did not finish it.',
    tone: 'deny',
    icon: <LaneIcon lane="failed" />,
    ink: 'text-deny',
    paint: '--deny',
  },
}
