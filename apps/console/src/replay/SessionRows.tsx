// Sessions as rows that the keyboard walks: caller and target, a small bar of what was decided, counts, time.
import type { Session } from '@sallyport/api/recordings'
import { Link, useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { Assurance, Badge } from '../ui/Badge.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { type Column, Table } from '../ui/Table.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { count } from '../util/format.ts'
import { paths } from '../util/paths.ts'
import { span } from './format.ts'
import { Served } from './Served.tsx'
import { StateBadge } from './StateBadge.tsx'

export function SessionRows({ rows }: { readonly rows: readonly Session[] }) {
  const [current, setCurrent] = useState(-1)
  const navigate = useNavigate()
  const move = (by: number) => {
    const to = Math.max(0, Math.min(rows.length - 1, current + by))
    setCurrent(to)
    document
      .querySelector(`[data-session="${rows[to]?.id ?? ''}"]`)
      ?.closest('tr')
      ?.scrollIntoView({ block: 'nearest' })
  }
  useKeys('List', [
    { keys: 'j', label: 'Next session', run: () => move(1) },
    { keys: 'k', label: 'Previous session', run: () => move(-1) },
    {
      keys: 'Enter',
      label: 'Open the session',
      run: () => {
        const session = rows[current]
        if (session !== undefined) void navigate({ to: '/sessions/$id', params: { id: session.id }, search: {} })
      },
    },
  ])
  return (
    <Table
      caption="Sessions, newest first"
      columns={columns}
      rows={rows}
      rowKey={(session) => session.id}
      isCurrent={(session) => session === rows[current]}
    />
  )
}

const columns: readonly Column<Session>[] = [
  { name: 'caller', head: 'Caller', cell: (session) => <Caller session={session} />, grow: true },
  { name: 'target', head: 'Target', cell: (session) => <Target session={session} /> },
  { name: 'opened', head: 'Opened', cell: (session) => <Opened session={session} /> },
  { name: 'statements', head: 'Statements', cell: (session) => <Statements session={session} />, align: 'right' },
  {
    name: 'denied',
    head: 'Denied',
    cell: (session) => <Count value={session.denied} tone="deny" />,
    align: 'right',
    isSpare: (session) => session.denied === 0,
  },
  {
    name: 'held',
    head: 'Held',
    cell: (session) => <Count value={session.held} tone="hold" />,
    align: 'right',
    isSpare: (session) => session.held === 0,
  },
  {
    name: 'masked',
    head: 'Masked',
    cell: (session) => <Count value={session.maskedValues} tone="mask" />,
    align: 'right',
    isSpare: (session) => session.maskedValues === 0,
  },
]

function Caller({ session }: { readonly session: Session }) {
  const { initiator, actors, applicationName, initiators, initiatorCount } = session
  return (
    <div className="min-w-0">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-0.5">
        <Link
          to={paths.session(session.id)}
          data-session={session.id}
          className="row-link font-medium break-all"
          title={`${initiator.issuer} ${initiator.subject}`}
        >
          <VisibleText text={initiator.display} />
        </Link>
        <Assurance assurance={initiator.assurance} />
      </div>
      <div className="text-xs font-normal text-ink-3 empty:hidden">
        {actors.length === 0 ? null : 'through '}
        {[...actors].reverse().map((actor, index) => (
          <span key={`${actor.issuer} ${actor.subject}`}>
            {index === 0 ? '' : ', '}
            <VisibleText text={actor.display} />
            {` (${actor.assurance})`}
          </span>
        ))}
        {applicationName === '' ? null : (
          <span title="The client says this about itself">
            {actors.length === 0 ? '' : ' · '}
            <VisibleText text={applicationName} />
          </span>
        )}
      </div>
      {initiatorCount === 0 ? null : (
        <div className="text-xs font-normal text-ink-3">
          for <Served initiators={initiators} count={initiatorCount} shown={2} />
        </div>
      )}
    </div>
  )
}

function Target({ session }: { readonly session: Session }) {
  return (
    <span className="whitespace-nowrap max-md:text-right">
      <VisibleText text={session.target} />
      {session.upstreamRole === '' ? null : (
        <span className="block text-xs text-ink-3">
          as <VisibleText text={session.upstreamRole} />
        </span>
      )}
    </span>
  )
}

function Opened({ session }: { readonly session: Session }) {
  const { state, openedAt, closedAt } = session
  return (
    <span className="whitespace-nowrap max-md:text-right">
      <TimeAgo at={openedAt} />
      <span className="block text-xs text-ink-3 tabular-nums">
        {state === 'closed' && closedAt !== null ? (
          `for ${span(Date.parse(closedAt) - Date.parse(openedAt))}`
        ) : (
          <StateBadge state={state} />
        )}
      </span>
    </span>
  )
}

function Count({ value, tone }: { readonly value: number; readonly tone: 'deny' | 'hold' | 'mask' }): ReactNode {
  return value === 0 ? <span className="text-ink-3">–</span> : <Badge tone={tone}>{count(value)}</Badge>
}

/** The number, and a bar of its parts: what passed, what was held, what was denied. */
function Statements({ session }: { readonly session: Session }) {
  const { statements, denied, held } = session
  const passed = Math.max(0, statements - denied - held)
  const parts = [
    { name: 'passed', value: passed, paint: 'bg-line-strong' },
    { name: 'held', value: held, paint: 'bg-hold' },
    { name: 'denied', value: denied, paint: 'bg-deny' },
  ]
  return (
    <span className="inline-flex flex-col items-end gap-1">
      <span>{count(statements)}</span>
      <span aria-hidden className="flex h-1 w-16 gap-px overflow-hidden rounded-full bg-surface-2">
        {parts.map((part) =>
          part.value === 0 ? null : (
            <span key={part.name} style={{ flexGrow: part.value }} className={`min-w-[3px] ${part.paint}`} />
          ),
        )}
      </span>
    </span>
  )
}
