// What became of what was asked for: granted and until when, denied and why, ended and by whom.
import type { GrantDetail, GrantState } from '@sallyport/api/grants'
import { Ban, CircleCheck, CircleStop, FilePen, TimerOff, Undo2 } from 'lucide-react'
import { Banner, Verdicts } from '../approvals/Outcome.tsx'
import { By } from '../forms/By.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useNow } from '../ui/useNow.ts'
import { countdown } from '../util/expiry.ts'
import { clockTime } from '../util/format.ts'
import { endOf, lengthText } from './words.ts'

/** Null while it waits. */
export function GrantOutcome({ grant, state }: { readonly grant: GrantDetail; readonly state: GrantState }) {
  const nowMs = useNow()
  const untilMs = Date.parse(grant.until ?? grant.createdAt)
  switch (state) {
    case 'pending':
      return null
    case 'approved':
      return (
        <Banner
          shade="allow"
          icon={<CircleCheck aria-hidden size={18} />}
          title={
            <>
              Granted until {clockTime(untilMs)}, <span role="timer">{countdown(Math.max(0, untilMs - nowMs))}</span>{' '}
              left
            </>
          }
        >
          <Verdicts approval={grant} verdict="approved" />
        </Banner>
      )
    case 'stale':
      return (
        <Banner shade="hold" icon={<FilePen aria-hidden size={18} />} title="It no longer counts: its rule was changed">
          <p>A grant is for the rule as it was asked for. Whoever still needs it asks anew.</p>
          <Verdicts approval={grant} verdict="approved" />
        </Banner>
      )
    case 'denied':
      return (
        <Banner shade="deny" icon={<Ban aria-hidden size={18} />} title="Denied; nothing was granted">
          <Verdicts approval={grant} verdict="denied" />
        </Banner>
      )
    case 'expired':
      return (
        <Banner shade="neutral" icon={<TimerOff aria-hidden size={18} />} title="Expired; nothing was granted">
          <p>
            The quorum was not reached before <TimeAgo at={grant.expiresAt} />.
          </p>
        </Banner>
      )
    case 'cancelled':
      return (
        <Banner shade="neutral" icon={<Undo2 aria-hidden size={18} />} title="Withdrawn; nothing was granted">
          <Ended grant={grant} state={state} />
        </Banner>
      )
    case 'ended':
      return (
        <Banner shade="neutral" icon={<CircleStop aria-hidden size={18} />} title="Ended before its time">
          <Ended grant={grant} state={state} />
        </Banner>
      )
    case 'over':
      return (
        <Banner
          shade="neutral"
          icon={<TimerOff aria-hidden size={18} />}
          title={`Over after ${lengthText(grant.seconds)}`}
        >
          <Verdicts approval={grant} verdict="approved" />
        </Banner>
      )
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
