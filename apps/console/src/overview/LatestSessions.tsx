// The newest sessions in a few lines: who, where, how much, and what was stopped. The way into the whole list.
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ArrowRight } from 'lucide-react'
import { sessionsQuery } from '../api/queries.ts'
import { Badge } from '../ui/Badge.tsx'
import { Card } from '../ui/Card.tsx'
import { Skeleton } from '../ui/States.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { count, plural } from '../util/format.ts'

const shownMax = 5

export function LatestSessions() {
  const list = useInfiniteQuery(sessionsQuery({}))
  const rows = (list.data?.pages[0]?.items ?? []).slice(0, shownMax)
  return (
    <Card
      title="Latest sessions"
      actions={
        <Link to="/sessions" search={{ q: '' }} className="link inline-flex items-center gap-1 text-[13px]">
          All
          <ArrowRight aria-hidden size={14} />
        </Link>
      }
      flush
    >
      {list.isPending ? (
        <div className="px-4">
          <Skeleton label="Loading sessions" rows={3} />
        </div>
      ) : rows.length === 0 ? (
        <p className="px-4 pb-5 text-ink-2">
          {list.isError ? 'They could not be loaded.' : 'None yet. Every connection through an agent shows here.'}
        </p>
      ) : (
        <ul className="divide-y divide-line border-t border-line">
          {rows.map((session) => (
            <li
              key={session.id}
              className="relative flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 hover:bg-surface-2"
            >
              <Link
                to="/sessions/$id"
                params={{ id: session.id }}
                search={{}}
                className="row-link min-w-0 grow truncate font-medium"
              >
                <VisibleText text={session.initiator.display} />{' '}
                <span className="font-normal text-ink-3">
                  on <VisibleText text={session.target} />
                </span>
              </Link>
              {session.denied === 0 ? null : <Badge tone="deny">{count(session.denied)} denied</Badge>}
              {session.held === 0 ? null : <Badge tone="hold">{count(session.held)} held</Badge>}
              <span className="text-xs text-ink-3 tabular-nums">
                {plural(session.statements, 'statement')}, <TimeAgo at={session.openedAt} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
