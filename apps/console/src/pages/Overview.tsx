// Is anything wrong, or waiting for me? Alarms first, then what waits, then how the day went. Parts that the person's roles
// do not open are left out.
import type { Overview as OverviewAnswer } from '@sallyport/api/live'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowRight, CircleCheck, OctagonAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { approvalsQuery, meQuery, overviewQuery } from '../api/queries.ts'
import { arranged, ItemList } from '../approvals/ItemList.tsx'
import { grantsQuery } from '../grants/queries.ts'
import { DayChart } from '../overview/DayChart.tsx'
import { FirstSteps } from '../overview/FirstSteps.tsx'
import { LatestSessions } from '../overview/LatestSessions.tsx'
import { TopDenied } from '../overview/TopDenied.tsx'
import { Card } from '../ui/Card.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { ErrorState, Skeleton } from '../ui/States.tsx'
import { count, duration, plural } from '../util/format.ts'
import { waitingForMe } from '../util/waiting.ts'

export function Overview() {
  const overview = useQuery(overviewQuery())
  const me = useQuery(meQuery())
  const name = me.data?.display.split(/[\s@]/)[0] ?? ''
  return (
    <div className="mx-auto max-w-6xl">
      <PageHead title="Overview" lead={name === '' ? undefined : leadOf(name, overview.data)}>
        <AsOf query={overview} />
      </PageHead>
      {overview.data !== undefined ? (
        <Parts overview={overview.data} />
      ) : overview.isPending ? (
        <Skeleton label="Loading the overview" rows={5} />
      ) : (
        <ErrorState error={overview.error} retry={() => void overview.refetch()} />
      )}
    </div>
  )
}

function leadOf(name: string, overview: OverviewAnswer | undefined): string {
  if (overview === undefined) return `Hello ${name}.`
  const waiting = waitingForMe(overview)
  if (waiting > 0) return `Hello ${name}. ${plural(waiting, 'request')} ${waiting === 1 ? 'waits' : 'wait'} for you.`
  return `Hello ${name}. Nothing waits for you.`
}

function Parts({ overview }: { readonly overview: OverviewAnswer }) {
  const { approvals, sessions, agents, firstSteps } = overview
  return (
    <div className="space-y-5">
      <div className="space-y-2 empty:hidden">
        <Alarms overview={overview} />
      </div>
      {firstSteps === null ? null : <FirstSteps steps={firstSteps} />}
      {sessions === null && agents === null ? null : <Figures overview={overview} />}
      <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="grid min-w-0 gap-5">
          {approvals === null ? null : <Waiting approvals={approvals} grants={overview.grants} />}
          {sessions === null ? null : <LatestSessions />}
        </div>
        <div className="grid min-w-0 gap-5 empty:hidden">
          {sessions === null ? null : <DayChart hours={sessions.hours} />}
          {sessions === null ? null : <TopDenied rows={sessions.topDenied} />}
        </div>
        {approvals === null && sessions === null && agents === null ? <MemberHint /> : null}
      </div>
    </div>
  )
}

function Alarm({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div
      role="alert"
      className="flex items-start gap-3 rounded-xl border border-deny/40 bg-deny-soft px-4 py-3 text-deny"
    >
      <OctagonAlert aria-hidden size={20} className="mt-0.5 shrink-0" />
      <div>
        <p className="font-semibold">{title}</p>
        <p className="text-[13px]">{children}</p>
      </div>
    </div>
  )
}

function Alarms({ overview }: { readonly overview: OverviewAnswer }) {
  const broken = overview.sessions?.alarms ?? 0
  const offline = overview.agents?.offline ?? 0
  return (
    <>
      {broken === 0 ? null : (
        <Alarm title={`${plural(broken, 'session')} did not verify`}>
          The record that arrived does not fit its chain or signature. Open the{' '}
          <Link to="/sessions" search={{ q: 'state:interrupted' }} className="underline underline-offset-2">
            sessions
          </Link>{' '}
          and look at the integrity badge before you trust them.
        </Alarm>
      )}
      {offline === 0 ? null : (
        <Alarm title={`${plural(offline, 'agent')} offline`}>
          Allowed traffic goes on until the snapshot runs out; holds are refused meanwhile. See the{' '}
          <Link to="/agents" className="underline underline-offset-2">
            agents
          </Link>
          .
        </Alarm>
      )}
    </>
  )
}

function Figure({
  name,
  value,
  note,
  to,
  search = {},
  tone = 'text-ink',
}: {
  readonly name: string
  readonly value: string
  readonly note: string
  readonly to: '/approvals' | '/sessions' | '/agents'
  /** Of the page that it leads to: what is counted is what shows there. */
  readonly search?: { readonly q?: string }
  readonly tone?: string
}) {
  return (
    <li className="relative rounded-xl border border-line bg-surface px-4 py-3 shadow-card hover:border-line-strong">
      <Link to={to} search={search} className="row-link text-[13px] text-ink-2">
        {name}
      </Link>
      <p className={`text-[26px] leading-8 font-semibold tracking-tight tabular-nums ${tone}`}>{value}</p>
      <p className="text-xs text-ink-3">{note}</p>
    </li>
  )
}

function Figures({ overview }: { readonly overview: OverviewAnswer }) {
  const { approvals, sessions, agents } = overview
  const median = approvals?.medianWaitMs ?? null
  const waiting = waitingForMe(overview)
  return (
    <ul aria-label="Today" className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      {approvals === null ? null : (
        <Figure
          name="Waiting for you"
          to="/approvals"
          value={count(waiting)}
          tone={waiting > 0 ? 'text-hold' : undefined}
          note={
            median === null
              ? `${count(approvals.pending + (overview.grants?.pending ?? 0))} in all`
              : `median wait ${duration(median * 1_000)}`
          }
        />
      )}
      {sessions === null ? null : (
        <>
          <Figure
            name="Statements, 24 h"
            to="/sessions"
            search={{ q: 'from:24h' }}
            value={count(sessions.statements)}
            note={`${plural(sessions.live, 'live session')}, ${count(sessions.today)} today`}
          />
          <Figure
            name="Denied, 24 h"
            to="/sessions"
            search={{ q: 'decision:denied from:24h' }}
            value={count(sessions.denied)}
            tone={sessions.denied > 0 ? 'text-deny' : undefined}
            note={`${count(sessions.held)} held, ${count(sessions.maskedValues)} values masked`}
          />
        </>
      )}
      {agents === null ? null : (
        <Figure
          name="Agents online"
          to="/agents"
          value={`${count(agents.online)} of ${count(agents.online + agents.offline)}`}
          tone={agents.offline > 0 ? 'text-deny' : undefined}
          note={`${plural(overview.targets ?? 0, 'target')}, ${plural(overview.policies ?? 0, 'policy', 'policies')}`}
        />
      )}
    </ul>
  )
}

/** Rows of the list; requests that look alike are one row. */
const shownMax = 6

/** What waits for the signed-in person; where nothing does, what waits for others. */
function Waiting({
  approvals,
  grants,
}: {
  readonly approvals: NonNullable<OverviewAnswer['approvals']>
  readonly grants: OverviewAnswer['grants']
}) {
  const { medianWaitMs } = approvals
  const pending = approvals.pending + (grants?.pending ?? 0)
  const list = useInfiniteQuery(approvalsQuery({ view: 'pending' }))
  const asked = useInfiniteQuery(grantsQuery('pending'))
  const { mine, others } = arranged(list.data?.pages[0]?.items ?? [], 'pending')
  const isMine = waitingForMe({ approvals, grants }) > 0
  const items = (isMine ? mine : others).slice(0, shownMax).flatMap((group) => group.items)
  const waitingGrants = (asked.data?.pages[0]?.items ?? [])
    .filter((grant) => grant.mayDecide.ok === isMine)
    .slice(0, shownMax)
  const all = (
    <Link to="/approvals" search={{ view: 'pending' }} className="link inline-flex items-center gap-1 text-[13px]">
      All {count(pending)}
      <ArrowRight aria-hidden size={14} />
    </Link>
  )
  return (
    <Card
      title={isMine || pending === 0 ? 'Waiting for you' : 'Waiting for others'}
      lead={medianWaitMs === null ? undefined : `Median wait of the last 24 hours: ${duration(medianWaitMs * 1_000)}`}
      actions={pending > 0 ? all : undefined}
      flush
    >
      {list.isPending || asked.isPending ? (
        <div className="px-4">
          <Skeleton label="Loading requests" rows={3} />
        </div>
      ) : items.length + waitingGrants.length > 0 ? (
        <ItemList items={items} grants={waitingGrants} view="pending" open={undefined} beside={false} plain />
      ) : (
        <p className="flex items-center gap-2 px-4 pb-5 text-ink-2">
          <CircleCheck aria-hidden size={17} className="text-allow" />
          {pending > 0 ? 'They are further down the list.' : 'Nothing. A held statement shows up here within a second.'}
        </p>
      )}
    </Card>
  )
}

function MemberHint() {
  return (
    <Card title="Your access">
      <p className="text-ink-2">
        You can use the targets that a policy opens to your groups, and follow your own requests.{' '}
        <Link to="/me" className="link">
          Show my access
        </Link>
      </p>
    </Card>
  )
}
