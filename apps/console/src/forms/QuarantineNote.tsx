// Where tools of MCP servers are kept from callers, a line that says so and leads to them.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ShieldAlert } from 'lucide-react'
import { quarantineQuery } from '../api/queries.ts'
import { plural } from '../util/format.ts'
import { paths } from '../util/paths.ts'

export function QuarantineNote() {
  const { data } = useQuery(quarantineQuery())
  const count = data === undefined ? 0 : data.items.length + data.more
  if (count === 0) return null
  return (
    <p className="mb-4 flex items-center gap-2 rounded-lg border border-line bg-hold-soft px-3 py-2 text-sm">
      <ShieldAlert aria-hidden size={16} className="shrink-0 text-hold" />
      <span>
        {plural(count, 'tool')} of MCP servers {count === 1 ? 'says' : 'say'} something else than what was approved, and{' '}
        {count === 1 ? 'is' : 'are'} kept from callers.{' '}
        <Link to={paths.quarantine()} className="link">
          Look and decide
        </Link>
      </span>
    </p>
  )
}
