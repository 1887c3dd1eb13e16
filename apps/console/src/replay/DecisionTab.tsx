// Why it was let through, stopped or held: the rule, and then step by step what people and the agent did.
import type { EntryRule, EntryShadow } from '@sallyport/ledger/entry'
import { rowsOf } from '@sallyport/ledger/rows'
import { Link } from '@tanstack/react-router'
import { Ban, Check, CircleAlert, CornerDownRight, Hourglass, UserCheck, UserX } from 'lucide-react'
import type { ReactNode } from 'react'
import { Chain } from '../approvals/Chain.tsx'
import { Badge } from '../ui/Badge.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { absoluteTime, clockTime, duration, plural } from '../util/format.ts'
import { paths } from '../util/paths.ts'
import { Block } from './Block.tsx'
import { offset } from './format.ts'
import { type EntryOf, type Story, shadowsOf } from './story.ts'

export function DecisionTab({ story, openedAtMs }: { readonly story: Story; readonly openedAtMs: number }) {
  const rule = story.held?.rule ?? story.intent?.rule ?? story.denied?.rule ?? null
  const shadows = shadowsOf(story)
  const { chain } = story.begun
  return (
    <div className="space-y-5">
      {chain === undefined ? null : (
        <Block title="On behalf of">
          <Chain initiator={chain.initiator} actors={chain.actors} />
          <p className="mt-1.5 text-xs text-ink-3">
            {chain.tokenId === ''
              ? 'A name that nobody has verified.'
              : `By token ${chain.tokenId}, for this statement.`}
          </p>
        </Block>
      )}
      <Block title="Rule">
        <RuleLine rule={rule} isDenied={story.denied !== null} />
      </Block>
      {shadows.length === 0 ? null : (
        <Block title="In shadow mode">
          <ul className="space-y-1.5">
            {shadows.map((shadow) => (
              <li key={`${shadow.policy}/${shadow.rule} ${shadow.effect}`}>
                <Badge tone={shadow.effect === 'limit' ? 'deny' : shadow.effect}>{shadowWords[shadow.effect]}</Badge>{' '}
                <RuleLink rule={shadow} />
              </li>
            ))}
          </ul>
          <p className="mt-1.5 text-xs text-ink-3">Recorded and not enforced: the decision below came without them.</p>
        </Block>
      )}
      <Block title="Step by step">
        <ol className="space-y-0">
          {story.entries.map((entry) => (
            <Step key={entry.seq} at={offset(entry.atMs - openedAtMs)} title={absoluteTime(entry.atMs)}>
              <StepBody entry={entry} />
            </Step>
          ))}
        </ol>
      </Block>
    </div>
  )
}

function RuleLine({ rule, isDenied }: { readonly rule: EntryRule | null; readonly isDenied: boolean }) {
  if (rule === null || rule.policy === '')
    return (
      <p className="text-ink-2">
        {isDenied
          ? 'No rule allows it. What no rule allows is denied.'
          : 'The baseline: transaction control, harmless settings and the catalog reads that drivers need pass without a rule.'}
      </p>
    )
  return (
    <p className="flex flex-wrap items-center gap-x-2">
      <RuleLink rule={rule} />
      <span className="text-xs text-ink-3">version {rule.version}, as it was then</span>
    </p>
  )
}

const RuleLink = ({ rule: { policy, version, rule } }: { readonly rule: EntryRule }) => (
  <Link
    to="/policies/$name"
    params={{ name: policy }}
    search={{ tab: 'read', version }}
    className="link font-mono text-[13px] break-all"
  >
    {policy}/{rule}
  </Link>
)

const shadowWords: Readonly<Record<EntryShadow['effect'], string>> = {
  allow: 'would allow',
  deny: 'would deny',
  hold: 'would hold',
  limit: 'limit would end it',
}

function Step({ at, title, children }: { readonly at: string; readonly title: string; readonly children: ReactNode }) {
  return (
    <li className="relative flex gap-3 pb-4 before:absolute before:top-6 before:bottom-0 before:left-[0.6875rem] before:w-px before:bg-line last:pb-0 last:before:hidden">
      {children}
      <time title={title} className="ml-auto shrink-0 pt-0.5 font-mono text-xs text-ink-3 tabular-nums">
        {at}
      </time>
    </li>
  )
}

function Mark({ ink, icon }: { readonly ink: string; readonly icon: ReactNode }) {
  return (
    <span aria-hidden className={`flex size-[1.375rem] shrink-0 items-center justify-center rounded-full ${ink}`}>
      {icon}
    </span>
  )
}

function Told({
  ink,
  icon,
  title,
  children,
}: {
  readonly ink: string
  readonly icon: ReactNode
  readonly title: string
  readonly children?: ReactNode
}) {
  return (
    <>
      <Mark ink={ink} icon={icon} />
      <div className="min-w-0">
        <p className="font-medium">{title}</p>
        {children === undefined ? null : <div className="text-ink-2">{children}</div>}
      </div>
    </>
  )
}

const inks = {
  allow: 'bg-allow-soft text-allow',
  deny: 'bg-deny-soft text-deny',
  hold: 'bg-hold-soft text-hold',
  plain: 'bg-surface-2 text-ink-2',
} as const

function StepBody({ entry }: { readonly entry: Story['entries'][number] }) {
  switch (entry.kind) {
    case 'held':
      return <Held entry={entry} />
    case 'hold-ended':
      return <HoldEnded entry={entry} />
    case 'denied':
      return (
        <Told ink={inks.deny} icon={<Ban size={13} />} title="Denied by the agent">
          <VisibleText text={entry.message} />
          <p className="font-mono text-xs text-ink-3">{entry.code}</p>
        </Told>
      )
    case 'intent':
      return (
        <Told
          ink={inks.allow}
          icon={<Check size={13} />}
          title={entry.decision === 'approved' ? 'Sent, by that approval' : 'Allowed and sent'}
        >
          Recorded before anything of it went to the target.
        </Told>
      )
    case 'outcome':
      return (
        <Told
          ink={entry.result === 'done' ? inks.plain : inks.deny}
          icon={entry.result === 'done' ? <CornerDownRight size={13} /> : <CircleAlert size={13} />}
          title={entry.result === 'done' ? 'Finished' : `Ended: ${entry.result}`}
        >
          {plural(rowsOf(entry), 'row')} in {duration(entry.durationUs)}
        </Told>
      )
    case 'session-opened':
    case 'session-closed':
      return null
  }
}

function Held({ entry }: { readonly entry: EntryOf<'held'> }) {
  return (
    <Told ink={inks.hold} icon={<Hourglass size={13} />} title="Held for a person">
      {entry.waits ? 'The caller waited in its connection.' : 'The caller did not wait.'} Open until{' '}
      {clockTime(entry.expiresAtMs)}.
      <p>
        <RequestLink request={entry.request} />
      </p>
    </Told>
  )
}

const RequestLink = ({ request }: { readonly request: string }) => (
  <Link to={paths.approval(request)} className="link">
    See the request
  </Link>
)

const endings: Readonly<Record<EntryOf<'hold-ended'>['result'], string>> = {
  approved: 'Approved',
  denied: 'Denied by a reviewer',
  expired: 'Expired before anyone decided',
  pending: 'The wait ended, the request went on',
  cancelled: 'The caller gave up',
  lost: 'Approved, but used elsewhere or not confirmed',
}

function HoldEnded({ entry }: { readonly entry: EntryOf<'hold-ended'> }) {
  const isApproved = entry.result === 'approved'
  const isDenied = entry.result === 'denied'
  const by = entry.by.length === 0 ? '' : ` by ${entry.by.join(', ')}`
  return (
    <Told
      ink={isApproved ? inks.allow : isDenied ? inks.deny : inks.hold}
      icon={isApproved ? <UserCheck size={13} /> : isDenied ? <UserX size={13} /> : <Hourglass size={13} />}
      title={isDenied && by !== '' ? `Denied${by}` : `${endings[entry.result]}${by}`}
    >
      {entry.reason === '' ? null : (
        <blockquote className="mt-0.5 border-l-2 border-line-strong pl-2">
          <VisibleText text={entry.reason} />
        </blockquote>
      )}
      {entry.result === 'pending' ? <RequestLink request={entry.request} /> : null}
    </Told>
  )
}
