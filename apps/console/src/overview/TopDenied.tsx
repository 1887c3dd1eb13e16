// Whose statements were refused most today: often a policy that is too narrow, sometimes somebody who should be asked.
import type { Overview } from '@sallyport/api/live'
import { Link } from '@tanstack/react-router'
import { quoted } from '../replay/terms.ts'
import { Card } from '../ui/Card.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { count } from '../util/format.ts'

export function TopDenied({ rows }: { readonly rows: NonNullable<Overview['sessions']>['topDenied'] }) {
  const most = Math.max(1, ...rows.map((row) => row.denied))
  return (
    <Card title="Most denied" lead="Last 24 hours, by caller and target">
      {rows.length === 0 ? (
        <p className="text-ink-2">Nothing was denied.</p>
      ) : (
        <ol className="space-y-1">
          {rows.map((row) => (
            <li key={`${row.caller} ${row.target}`} className="relative rounded-md px-2 py-1.5 hover:bg-surface-2">
              <div className="flex items-baseline justify-between gap-3">
                <Link
                  to="/sessions"
                  search={{ q: `caller:${quoted(row.caller)} target:${row.target} decision:denied from:24h` }}
                  className="row-link min-w-0 truncate"
                >
                  <VisibleText text={row.caller} /> <span className="text-ink-3">on {row.target}</span>
                </Link>
                <b className="shrink-0 font-semibold text-deny tabular-nums">{count(row.denied)}</b>
              </div>
              <svg aria-hidden viewBox="0 0 100 3" preserveAspectRatio="none" className="mt-1 block h-[3px] w-full">
                <rect width="100" height="3" rx="1" className="fill-surface-2" />
                <rect width={(row.denied / most) * 100} height="3" rx="1" className="fill-deny" />
              </svg>
            </li>
          ))}
        </ol>
      )}
    </Card>
  )
}
