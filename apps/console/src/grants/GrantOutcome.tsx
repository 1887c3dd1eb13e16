// What became of what was asked for: granted and until when, denied and why, ended and by whom.
import type { GrantDetail, GrantState } from '@sallyport/api/grants'
import { Ban, CircleCheck, CircleStop, FilePen, TimerOff, Undo2 } from 'lucide-react'
import type { ReactNode } from 'react'
import { Banner, type Shade, Verdicts } from '../approvals/Outcome.tsx'
import { By } from '../forms/By.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useNow } from '../ui/useNow.ts'
import { countdown } from '../util/expiry.ts'
import { momentTime } from '../util/format.ts'
import { endOf, lengthText } from './words.ts'

/** Null while it waits. */
export function GrantOutcome({ grant, state }: { readonly grant: GrantDetail; readonly state: GrantState }) {
  if (state === 'pending') return null
  if (state === 'approved') return <Live grant={grant} />
  const { shade, icon, title } = settled[state]
  return (
    <Banner shade={shade} icon={icon} title={state === 'over' ? `Over after ${lengthText(grant.seconds)}` : title}>
      <Told grant={grant} state={state} />
    </Banner>
  )
}

function Live({ grant }: { readonly grant: GrantDetail }) {
  const nowMs = useNow()
  const untilMs = Date.parse(grant.until ?? grant.createdAt)
  return (
    <Banner
      shade="allow"
      icon={<CircleCheck aria-hidden size={18} />}
      title={
        <>
          Granted until {momentTime(untilMs, nowMs)},{' '}
          <span role="timer">{countdown(Math.max(0, untilMs - nowMs))}</span> left
        </>
      }
    >
      <Verdicts approval={grant} verdict="approved" />
    </Banner>
  )
}

type Settled = Exclude<GrantState, 'pending' | 'approved'>
const settled: Readonly<Record<Settled, { readonly shade: Shade; readonly icon: ReactNode; readonly title: string }>> =
  {
    stale: {
      shade: 'hold',
      icon: <FilePen aria-hidden size={18} />,
      title: 'It no longer counts: its rule was changed',
    },
    denied: { shade: 'deny', icon: <Ban aria-hidden size={18} />, title: 'Denied; nothing was granted' },
    expired: { shade: 'neutral', icon: <TimerOff aria-hidden size={18} />, title: 'Expired; nothing was granted' },
    cancelled: { shade: 'neutral', icon: <Undo2 aria-hidden size={18} />, title: 'Withdrawn; nothing was granted' },
    ended: { shade: 'neutral', icon: <CircleStop aria-hidden size={18} />, title: 'Ended before its time' },
    over: { shade: 'neutral', icon: <TimerOff aria-hidden size={18} />, title: 'Over' },
  }

function Told({ grant, state }: { readonly grant: GrantDetail; readonly state: Settled }) {
  switch (state) {
    case 'stale':
      return <p>A grant is for the rule as it was asked for. Whoever still needs it asks anew.</p>
    case 'denied':
      return <Verdicts approval={grant} verdict="denied" />
    case 'over':
      return <Verdicts approval={grant} verdict="approved" />
    case 'expired':
      return (
        <p>
          The quorum was not reached before <TimeAgo at={grant.expiresAt} />.
        </p>
      )
    case 'cancelled':
    case 'ended':
      return <Ended grant={grant} state={state} />
  }
}

function Ended({ grant, state }: { readonly grant: GrantDetail; readonly state: GrantState }) {
  return (
    <p>
      {grant.endedBy === null ? null : (
        <>
          By <By actor={grant.endedBy} />,{' '}
        </>
      )}
      <TimeAgo at={endOf(grant, state)} />
    </p>
  )
}
