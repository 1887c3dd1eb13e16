// How the last day went: statements an hour as bars, denied ones in their own colour and pattern on top. The same numbers
// stand in a table for those who do not see the drawing.
import type { Overview } from '@sallyport/api/live'
import { useId } from 'react'
import { Card } from '../ui/Card.tsx'
import { absoluteTime, count } from '../util/format.ts'
import { barsOf } from './bars.ts'

type Hours = NonNullable<Overview['sessions']>['hours']

const width = 480
const height = 96
const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })

export function DayChart({ hours }: { readonly hours: Hours }) {
  const pattern = useId()
  const bars = barsOf(hours, width, height)
  const total = hours.reduce((sum, each) => sum + each.statements, 0)
  const denied = hours.reduce((sum, each) => sum + each.denied, 0)
  const [first, last] = [hours[0], hours.at(-1)]
  if (total === 0)
    return (
      <Card title="Last 24 hours">
        <p className="text-ink-2">No statement yet. The hours fill in as soon as a caller connects.</p>
      </Card>
    )
  return (
    <Card title="Last 24 hours" lead={`${count(total)} statements, ${count(denied)} denied`}>
      <svg viewBox={`0 0 ${width} ${height}`} aria-hidden className="block h-24 w-full" preserveAspectRatio="none">
        <defs>
          <pattern id={pattern} width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width="4" height="4" className="fill-deny" />
            <rect width="1.4" height="4" className="fill-surface" />
          </pattern>
        </defs>
        <line x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} className="stroke-line" />
        {bars.map((bar) => (
          <g key={bar.x}>
            <rect x={bar.x} y={bar.top} width={bar.width} height={bar.height} rx="1.5" className="fill-accent/70" />
            <rect x={bar.x} y={bar.deniedTop} width={bar.width} height={bar.deniedHeight} fill={`url(#${pattern})`} />
          </g>
        ))}
      </svg>
      <div aria-hidden className="mt-1 flex justify-between text-xs text-ink-3 tabular-nums">
        <span>{first === undefined ? '' : hour.format(Date.parse(first.at))}</span>
        <span className="flex gap-3">
          <span className="inline-flex items-center gap-1.5">
            <span className="size-2.5 rounded-xs bg-accent/70" /> let through
          </span>
          <span className="inline-flex items-center gap-1.5">
            <span className="size-2.5 rounded-xs bg-deny" /> denied
          </span>
        </span>
        <span>{last === undefined ? '' : 'now'}</span>
      </div>
      <HoursTable hours={hours} />
    </Card>
  )
}

function HoursTable({ hours }: { readonly hours: Hours }) {
  return (
    <details className="mt-2 text-xs">
      <summary className="inline-block min-h-6 text-ink-3 hover:text-ink">As a table</summary>
      <div className="mt-1 max-h-56 overflow-y-auto">
        <table className="w-full text-left tabular-nums">
          <thead className="text-ink-3">
            <tr>
              <th scope="col" className="py-1 font-medium">
                Hour
              </th>
              <th scope="col" className="py-1 text-right font-medium">
                Statements
              </th>
              <th scope="col" className="py-1 text-right font-medium">
                Denied
              </th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {hours.map((each) => (
              <tr key={each.at}>
                <th scope="row" className="py-1 font-normal">
                  {absoluteTime(Date.parse(each.at))}
                </th>
                <td className="py-1 text-right">{count(each.statements)}</td>
                <td className="py-1 text-right">{count(each.denied)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
