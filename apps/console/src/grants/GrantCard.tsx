// One grant on one surface, laid out as a held statement is: who asks, what it lets them do, why, for how long, the rule, what they asked for
// before, and the buttons under it.
import type { GrantDetail, GrantState } from '@sallyport/api/grants'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { meQuery } from '../api/queries.ts'
import { Chain } from '../approvals/Chain.tsx'
import { DecisionControls, useWhyNot } from '../approvals/DecisionControls.tsx'
import { Expiry, Fact, History, Quorum } from '../approvals/Facts.tsx'
import { Flags } from '../approvals/Flags.tsx'
import { across, columns, fitting } from '../approvals/layout.ts'
import { Overtaken } from '../approvals/Outcome.tsx'
import { type Flag, isHighRisk } from '../approvals/risk.ts'
import { useDecision, type VerdictState } from '../approvals/useVerdict.ts'
import { Environment } from '../ui/Badge.tsx'
import { useNow } from '../ui/useNow.ts'
import { VisibleText } from '../ui/VisibleText.tsx'
import { momentTime } from '../util/format.ts'
import { EndGrant } from './EndGrant.tsx'
import { GrantOutcome } from './GrantOutcome.tsx'
import { ScopeFacts } from './GrantScope.tsx'
import { GrantLeft } from './GrantState.tsx'
import { decideGrant, staleAfter, useAskAtEnd } from './queries.ts'
import { flagsOfGrant } from './risk.ts'
import { lengthText, stateAt } from './words.ts'

function Place({ grant }: { readonly grant: GrantDetail }) {
  const { target, targetLabels, roles } = grant
  return (
    <p className="mt-1 text-[13px] leading-5 text-ink-2">
      for themselves, on{' '}
      <b className="text-sm font-semibold text-ink">
        <VisibleText text={target} />
      </b>{' '}
      <Environment labels={targetLabels} />{' '}
      <span className="text-xs text-ink-3">
        {roles.length === 0 ? (
          'over HTTP'
        ) : (
          <>
            as <VisibleText text={roles.join(' or ')} />
          </>
        )}
      </span>
    </p>
  )
}

function Why({ grant }: { readonly grant: GrantDetail }) {
  return (
    <Fact name="Why" className={`${across} shrink-0`}>
      {grant.reason === '' ? (
        <p className="text-ink-2">They gave no reason.</p>
      ) : (
        <blockquote className="border-l-3 border-line pl-3 whitespace-pre-wrap [overflow-wrap:anywhere]">
          <VisibleText text={grant.reason} />
        </blockquote>
      )}
    </Fact>
  )
}

/** `from` is the moment of the approval: of what waits, the present one. */
function Length({ grant, state }: { readonly grant: GrantDetail; readonly state: GrantState }) {
  const nowMs = useNow(10_000)
  if (state === 'approved')
    return (
      <Fact name="Time left">
        <GrantLeft grant={grant} size={34} />
      </Fact>
    )
  return (
    <Fact name="For how long">
      <p className="text-base font-semibold">{lengthText(grant.seconds)}</p>
      {state === 'pending' ? (
        <p className="text-xs text-ink-3">granted now, until {momentTime(nowMs + grant.seconds * 1_000, nowMs)}</p>
      ) : null}
    </Fact>
  )
}

function RuleFact({ grant, mayRead }: { readonly grant: GrantDetail; readonly mayRead: boolean }) {
  const { policy, rule, message } = grant
  return (
    <Fact name="By rule">
      <p className="font-medium [overflow-wrap:anywhere]">
        {mayRead ? (
          <Link className="link" to="/policies/$name" params={{ name: policy }} search={{ tab: 'read' }}>
            {rule}
          </Link>
        ) : (
          rule
        )}
      </p>
      <p className="text-xs text-ink-3">policy {policy}</p>
      {message === '' ? null : (
        <p className="mt-0.5 text-[13px] text-ink-2">
          <VisibleText text={message} />
        </p>
      )}
    </Fact>
  )
}

function Allows({ isPending }: { readonly isPending: boolean }) {
  return (
    <Fact name={isPending ? 'What granting allows' : 'What the grant allows'} className={`${across} shrink-0`}>
      <p className="max-w-prose text-[13px]">
        <b className="font-semibold">Any number of such statements until its end</b>
        <span className="text-ink-2">
          , in every session of this person alone. Rules that deny or hold still win, and masks stay.
        </span>
      </p>
    </Fact>
  )
}

/** What a reviewer may think a signature of theirs would add (ADR 26). */
const unsignedNote =
  'No key signs a grant: agents take it on the word of the control plane. What an agent’s floor denies, holds or masks stays so.'

function GrantBar({
  grant,
  flags,
  deciding,
  act,
}: VerdictState & { readonly grant: GrantDetail; readonly flags: readonly Flag[] }) {
  const why = useWhyNot({ ...grant, isPending: true }, 'grant')
  return (
    <DecisionControls
      deciding={deciding}
      act={act}
      why={why}
      approveWord={`Grant ${lengthText(grant.seconds)}`}
      asker={grant.who.display}
      risks={flags.filter((flag) => flag.isHigh).map((flag) => flag.word)}
      note={`Any number of statements, for ${lengthText(grant.seconds)}.`}
      withdraw={<EndGrant grant={grant} className="ml-auto" />}
    >
      <p className="basis-full text-xs text-ink-3">{unsignedNote}</p>
    </DecisionControls>
  )
}

export function GrantCard({ grant }: { readonly grant: GrantDetail }) {
  const me = useQuery(meQuery())
  const flags = flagsOfGrant(grant)
  const state = stateAt(grant, useNow())
  const isPending = state === 'pending'
  const verdict = useDecision({
    // What was asked for never changes: its id says what was looked at.
    rules: { isHighRisk: isHighRisk(flags), reasonRequired: false, digest: grant.id },
    send: ({ verdict, reason }) => decideGrant(grant.id, verdict, reason),
    stale: staleAfter(grant.id),
  })
  useAskAtEnd([grant.until])
  const mayRead = me.data?.roles.some((role) => role === 'admin' || role === 'auditor') === true
  const { issuer, subject, display } = grant.who
  return (
    <div className="@container max-md:mb-20">
      <article aria-label="Grant" className={`rounded-xl border border-line bg-surface shadow-card ${fitting}`}>
        <div className="shrink-0 overflow-hidden rounded-t-xl">
          <GrantOutcome grant={grant} state={state} />
          {verdict.raced ? <Overtaken approval={grant} /> : null}
        </div>
        <div className="flex shrink-0 flex-wrap items-start justify-between gap-2 border-b border-line px-4 py-2.5">
          <Fact name="Who asks" quiet>
            <Chain initiator={{ kind: 'user', issuer, subject, display, assurance: 'verified' }} actors={[]} />
            <Place grant={grant} />
          </Fact>
          {isPending ? null : <EndGrant grant={grant} />}
        </div>
        <div className={columns}>
          <div className="flex min-h-0 min-w-0 flex-col gap-3 @max-2xl:contents @2xl:px-4 @2xl:py-3">
            <Fact name="What it lets them do" className={`${across} shrink-0`}>
              <ScopeFacts scope={grant} />
              <Flags flags={flags} />
            </Fact>
            <Why grant={grant} />
            {isPending || state === 'approved' ? <Allows isPending={isPending} /> : null}
          </div>
          <div className="flex min-w-0 flex-col gap-3 border-line @max-2xl:contents @2xl:border-l @2xl:px-4 @2xl:py-3">
            <Length grant={grant} state={state} />
            <RuleFact grant={grant} mayRead={mayRead} />
            <History history={grant.history} noun="grant" />
            {isPending ? <Expiry {...grant} then="to be asked for again" /> : null}
            <Quorum {...grant} isPending={isPending} />
          </div>
        </div>
        {isPending ? <GrantBar {...verdict} grant={grant} flags={flags} /> : null}
      </article>
    </div>
  )
}
