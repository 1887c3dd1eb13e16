// What became of a request: decided, by whom and why; whether it ran and what came of it; and that nothing ran.
import type { Approval } from '@sallyport/api/approvals'
import { rowsOf } from '@sallyport/ledger/rows'
import { Ban, CircleCheck, CircleX, Hourglass, LoaderCircle, TimerOff, Undo2 } from 'lucide-react'
import type { ReactNode } from 'react'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { duration, plural } from '../util/format.ts'
import { nounOf } from './words.ts'

export type Shade = 'allow' | 'deny' | 'hold' | 'neutral'
const shades: Readonly<Record<Shade, string>> = {
  allow: 'bg-allow-soft text-allow',
  deny: 'bg-deny-soft text-deny',
  hold: 'bg-hold-soft text-hold',
  neutral: 'bg-surface-2 text-ink-2',
}

/** News above a card. */
export function Banner({
  shade,
  icon,
  title,
  children,
}: {
  readonly shade: Shade
  readonly icon: ReactNode
  readonly title: ReactNode
  readonly children?: ReactNode
}) {
  return (
    <div role="status" className={`flex items-start gap-2.5 px-4 py-2.5 ${shades[shade]}`}>
      <span className="mt-0.5 shrink-0">{icon}</span>
      <div className="min-w-0">
        <p className="font-semibold">{title}</p>
        {children === undefined ? null : <div className="text-[13px]">{children}</div>}
      </div>
    </div>
  )
}

export function Verdicts({
  approval,
  verdict,
}: {
  readonly approval: Pick<Approval, 'verdicts'>
  readonly verdict: 'approved' | 'denied'
}) {
  return approval.verdicts
    .filter((given) => given.verdict === verdict)
    .map((given) => (
      <p key={`${given.by} ${given.at}`} className="[overflow-wrap:anywhere]">
        <VisibleText text={given.by} />, <TimeAgo at={given.at} />
        {given.reason === '' ? null : (
          <>
            : “<VisibleText text={given.reason} />”
          </>
        )}
      </p>
    ))
}

function Ran({ approval }: { readonly approval: Approval }) {
  const result = approval.result
  if (result === null)
    return (
      <Banner shade="allow" icon={<CircleCheck aria-hidden size={18} />} title="Approved, and it ran">
        <p>The outcome has not arrived yet.</p>
        <Verdicts approval={approval} verdict="approved" />
      </Banner>
    )
  const took = `${duration(result.durationUs)}, ${plural(rowsOf(result), 'row')}`
  const failed = result.sqlstate !== '' && result.sqlstate !== '00000'
  if (failed || result.result === 'failed')
    return (
      <Banner shade="deny" icon={<CircleX aria-hidden size={18} />} title={`Ran and failed after ${took}`}>
        <p>SQLSTATE {result.sqlstate}. The approval is used up.</p>
        <Verdicts approval={approval} verdict="approved" />
      </Banner>
    )
  if (result.result !== 'done')
    return (
      <Banner shade="hold" icon={<Hourglass aria-hidden size={18} />} title="It started; how it ended is not known">
        <p>The connection to the target ended first. The approval is used up.</p>
        <Verdicts approval={approval} verdict="approved" />
      </Banner>
    )
  return (
    <Banner shade="allow" icon={<CircleCheck aria-hidden size={18} />} title={`Ran in ${took}`}>
      {result.tag === '' ? null : (
        <p className="font-mono">
          <VisibleText text={result.tag} />
        </p>
      )}
      <Verdicts approval={approval} verdict="approved" />
    </Banner>
  )
}

/** Somebody was faster: the news, not an error. */
export function Overtaken({
  approval,
}: {
  readonly approval: Pick<Approval, 'verdicts'> & { readonly state: string }
}) {
  const last = approval.verdicts.at(-1)
  return (
    <p role="status" className="bg-hold-soft px-4 py-2 text-[13px] font-medium text-hold">
      {approval.state === 'pending' ? (
        'This request changed while you looked. Your verdict was not taken; read it again.'
      ) : (
        <>
          {last === undefined ? 'It was decided' : <VisibleText text={`${last.by} decided`} />} before your press
          arrived. Your verdict was not taken.
        </>
      )}
    </p>
  )
}

/** Null while it is pending. */
export function Outcome({ approval }: { readonly approval: Approval }) {
  switch (approval.state) {
    case 'pending':
      return null
    case 'approved':
      return (
        <Banner
          shade="allow"
          icon={
            approval.waiting > 0 ? (
              <LoaderCircle aria-hidden size={18} className="animate-spin" />
            ) : (
              <CircleCheck aria-hidden size={18} />
            )
          }
          title={approval.waiting > 0 ? 'Approved, running now' : 'Approved, not run yet'}
        >
          {approval.waiting > 0 ? null : <p>It runs once, when the caller sends the {nounOf(approval)} again.</p>}
          <Verdicts approval={approval} verdict="approved" />
        </Banner>
      )
    case 'run':
      return <Ran approval={approval} />
    case 'denied':
      return (
        <Banner shade="deny" icon={<Ban aria-hidden size={18} />} title="Denied; nothing ran">
          <Verdicts approval={approval} verdict="denied" />
        </Banner>
      )
    case 'expired':
      return (
        <Banner shade="neutral" icon={<TimerOff aria-hidden size={18} />} title="Expired; nothing ran">
          <p>
            Nobody decided before <TimeAgo at={approval.expiresAt} />. The caller may ask again.
          </p>
        </Banner>
      )
    case 'cancelled':
      return (
        <Banner shade="neutral" icon={<Undo2 aria-hidden size={18} />} title="Withdrawn; nothing ran">
          <p>The caller took it back{approval.decidedAt === null ? '' : ' before it was decided'}.</p>
        </Banner>
      )
  }
}
