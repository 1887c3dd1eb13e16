// One request on one surface: the eight facts in their fixed order (who, what, statement, impact, rule, history, scope,
// expiry) and the buttons under them. Two columns where there is room.
import type { Approval } from '@sallyport/api/approvals'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { meQuery } from '../api/queries.ts'
import { Environment } from '../ui/Badge.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { count } from '../util/format.ts'
import { Chain } from './Chain.tsx'
import { DecisionBar } from './DecisionBar.tsx'
import { Effects } from './Effects.tsx'
import { Expiry, Fact, History, Impact, Quorum, RuleFact, Scope } from './Facts.tsx'
import { Flags } from './Flags.tsx'
import { across, columns, fitting } from './layout.ts'
import { Outcome, Overtaken } from './Outcome.tsx'
import { Parameters } from './Parameters.tsx'
import { linesOf, tallyOf } from './pieces.ts'
import { type Flag, flagsOf, isHighRisk } from './risk.ts'
import { Statement } from './Statement.tsx'
import { useVerdict } from './useVerdict.ts'
import { isHttp, nounOf } from './words.ts'

const noTally = { hidden: 0, foreign: 0 }

function useFlags(approval: Approval): readonly Flag[] {
  return useMemo(() => {
    const { statement } = approval
    const tally = statement === null ? noTally : tallyOf(statement.text, linesOf(statement.text, statement.spans))
    return flagsOf(approval, tally)
  }, [approval])
}

function Place({ approval }: { readonly approval: Approval }) {
  return (
    <p className="mt-1 text-[13px] leading-5 text-ink-2">
      on{' '}
      <b className="text-sm font-semibold text-ink">
        <VisibleText text={approval.target} />
      </b>{' '}
      <Environment labels={approval.targetLabels} />{' '}
      <span className="text-xs text-ink-3">
        via agent {approval.agentName} from <VisibleText text={approval.clientAddress} />
        {isHttp(approval) ? null : (
          <>
            {' '}
            · <VisibleText text={approval.database} /> as <VisibleText text={approval.upstreamRole} />
          </>
        )}
        {approval.applicationName === '' ? null : (
          <>
            {' '}
            · claims to be <VisibleText text={approval.applicationName} />
          </>
        )}
        {isHttp(approval) || isUsualPath(approval.statement?.searchPath) ? null : (
          <>
            {' '}
            · looks up names in <VisibleText text={approval.statement?.searchPath.join(', ') || 'no schema'} />
          </>
        )}
      </span>
    </p>
  )
}

/** What every session has unless it asked for something else; anything else is worth a reviewer's look. */
const isUsualPath = (path: readonly string[] | undefined): boolean =>
  path === undefined || (path.length === 1 && path[0] === 'public')

const waitingText = ({ waiting }: Approval): string =>
  waiting > 0
    ? `The caller waits in ${waiting === 1 ? 'a live connection' : `${count(waiting)} live connections`}.`
    : 'No connection waits; the caller sends it again.'

/** Too much for its place in any case: it gives way to the other facts, but never all of its room. */
const isLong = (text: string): boolean => text.length > 400 || text.split('\n').length > 5

function StatementFact({
  approval,
  isOpen,
  onOpen,
}: {
  readonly approval: Approval
  readonly isOpen: boolean
  readonly onOpen: (open: boolean) => void
}) {
  const { statement } = approval
  const name = isHttp(approval) ? 'Request' : 'Statement'
  if (statement === null)
    return (
      <Fact name={name} className={across}>
        <p className="rounded-lg border border-line bg-canvas px-3 py-4 text-ink-2">
          The text was shredded at the end of its retention. The facts and the verdict stay.
        </p>
      </Fact>
    )
  return (
    <Fact
      name={name}
      className={`${across} ${isOpen ? '' : `@2xl:flex @2xl:flex-col ${isLong(statement.text) ? '@2xl:min-h-40' : '@2xl:shrink-0'}`}`}
    >
      <Statement
        text={statement.text}
        spans={statement.spans}
        statements={approval.statements}
        noun={nounOf(approval)}
        isOpen={isOpen}
        onOpen={onOpen}
        closedClass="max-h-28"
        fill
      />
      <Parameters values={statement.parameters} />
    </Fact>
  )
}

export function DecisionCard({ approval }: { readonly approval: Approval }) {
  const [isOpen, setOpen] = useState(false)
  const me = useQuery(meQuery())
  const flags = useFlags(approval)
  const verdict = useVerdict(approval, isHighRisk(flags))
  const mayRead = me.data?.roles.some((role) => role === 'admin' || role === 'auditor') === true
  const isPending = approval.state === 'pending'
  return (
    <div className="@container max-md:mb-20">
      <article
        aria-label="Request"
        className={`rounded-xl border border-line bg-surface shadow-card ${isOpen ? '' : fitting}`}
      >
        <div className="shrink-0 overflow-hidden rounded-t-xl">
          <Outcome approval={approval} />
          {verdict.raced ? <Overtaken approval={approval} /> : null}
        </div>
        <div className="shrink-0 border-b border-line px-4 py-2.5">
          <Fact name="Who asks" quiet>
            <Chain initiator={approval.initiator} actors={approval.actors} />
            <Place approval={approval} />
          </Fact>
        </div>
        <div className={columns}>
          <div className="flex min-h-0 min-w-0 flex-col gap-3 @max-2xl:contents @2xl:px-4 @2xl:py-3">
            <Fact name="What it does" className={`${across} shrink-0`}>
              <Effects approval={approval} />
              <Flags flags={flags} />
            </Fact>
            <StatementFact approval={approval} isOpen={isOpen} onOpen={setOpen} />
            <Impact estimate={approval.estimate} />
          </div>
          <div className="flex min-w-0 flex-col gap-3 border-line @max-2xl:contents @2xl:border-l @2xl:px-4 @2xl:py-3">
            <RuleFact approval={approval} mayRead={mayRead} />
            <History history={approval.history} noun={nounOf(approval)} />
            <Scope approval={approval} />
            {isPending ? <Expiry {...approval}>{waitingText(approval)}</Expiry> : null}
            <Quorum {...approval} isPending={isPending} />
          </div>
        </div>
        <DecisionBar {...verdict} approval={approval} flags={flags} onExpand={() => setOpen(!isOpen)} />
      </article>
    </div>
  )
}
