// One request on one surface: the eight facts in their fixed order (who, what, statement, impact, rule, history, scope,
// expiry) and the buttons under them. Two columns where there is room.
import type { Approval } from '@sallyport/api/approvals'
import { useQuery } from '@tanstack/react-query'
import { Database, RadioTower, TriangleAlert } from 'lucide-react'
import { useMemo, useState } from 'react'
import { meQuery } from '../api/queries.ts'
import { Badge, Environment } from '../ui/Badge.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { Chain } from './Chain.tsx'
import { DecisionBar } from './DecisionBar.tsx'
import { Effects } from './Effects.tsx'
import { Expiry, Fact, History, Impact, Quorum, RuleFact, Scope } from './Facts.tsx'
import { Outcome } from './Outcome.tsx'
import { Parameters } from './Parameters.tsx'
import { linesOf, tallyOf } from './pieces.ts'
import { type Flag, flagsOf, isHighRisk } from './risk.ts'
import { Statement } from './Statement.tsx'
import { useVerdict } from './useVerdict.ts'

const noTally = { hidden: 0, foreign: 0 }

function useFlags(approval: Approval): readonly Flag[] {
  return useMemo(() => {
    const { statement } = approval
    const tally = statement === null ? noTally : tallyOf(statement.text, linesOf(statement.text, statement.spans))
    return flagsOf(approval, tally)
  }, [approval])
}

function Flags({ flags }: { readonly flags: readonly Flag[] }) {
  if (flags.length === 0) return null
  return (
    <ul aria-label="Warnings" className="mt-2 flex flex-wrap gap-1.5">
      {flags.map((flag) => (
        <li key={flag.kind} title={flag.detail}>
          <Badge
            tone={flag.isHigh ? 'deny' : 'hold'}
            icon={flag.isHigh ? <TriangleAlert aria-hidden size={13} /> : undefined}
          >
            {flag.word}
          </Badge>
          <span className="sr-only">{flag.detail}</span>
        </li>
      ))}
    </ul>
  )
}

function Place({ approval }: { readonly approval: Approval }) {
  return (
    <p className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-ink-2">
      <span className="inline-flex items-center gap-1.5">
        <Database aria-hidden size={14} className="text-ink-3" />
        on{' '}
        <b className="font-semibold text-ink">
          <VisibleText text={approval.target} />
        </b>
        <Environment labels={approval.targetLabels} />
      </span>
      <span className="text-xs text-ink-3">
        database <VisibleText text={approval.database} /> as <VisibleText text={approval.upstreamRole} />
      </span>
      <span className="inline-flex items-center gap-1 text-xs text-ink-3">
        <RadioTower aria-hidden size={13} />
        via {approval.agentName} from <VisibleText text={approval.clientAddress} />
        {approval.applicationName === '' ? null : (
          <>
            , says it is “<VisibleText text={approval.applicationName} />”
          </>
        )}
      </span>
    </p>
  )
}

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
  if (statement === null)
    return (
      <Fact name="Statement">
        <p className="rounded-lg border border-line bg-canvas px-3 py-4 text-ink-2">
          The text was shredded at the end of its retention. The facts and the verdict stay.
        </p>
      </Fact>
    )
  return (
    <Fact name="Statement">
      <Statement
        text={statement.text}
        spans={statement.spans}
        statements={approval.statements}
        isOpen={isOpen}
        onOpen={onOpen}
        closedClass="max-h-[9.5rem] md:max-h-[max(8rem,calc(100dvh-31rem))]"
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
    <article aria-label="Request" className="@container rounded-xl border border-line bg-surface shadow-card">
      <div className="overflow-hidden rounded-t-xl">
        <Outcome approval={approval} />
        {verdict.raced && isPending ? (
          <p role="status" className="bg-hold-soft px-4 py-2.5 font-medium text-hold">
            This request changed while you looked. Your verdict was not taken; read it again.
          </p>
        ) : null}
      </div>
      <div className="border-b border-line px-4 py-3">
        <Fact name="Who asks">
          <Chain initiator={approval.initiator} actors={approval.actors} />
          <Place approval={approval} />
        </Fact>
      </div>
      <div className="grid @2xl:grid-cols-[minmax(0,1fr)_16rem]">
        <div className="flex min-w-0 flex-col gap-3 px-4 py-3">
          <Fact name="What it does">
            <Effects approval={approval} />
            <Flags flags={flags} />
          </Fact>
          <StatementFact approval={approval} isOpen={isOpen} onOpen={setOpen} />
          <Impact estimate={approval.estimate} />
        </div>
        <div className="flex min-w-0 flex-col gap-3.5 border-line px-4 py-3 max-@2xl:border-t max-@2xl:pb-24 @2xl:border-l">
          <RuleFact approval={approval} mayRead={mayRead} />
          <History history={approval.history} />
          <Scope approval={approval} />
          {isPending ? <Expiry approval={approval} /> : null}
          <Quorum quorum={approval.quorum} />
        </div>
      </div>
      <DecisionBar {...verdict} approval={approval} flags={flags} onExpand={() => setOpen(!isOpen)} />
    </article>
  )
}
