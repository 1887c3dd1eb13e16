// An address that is no page of the console.
import { Link } from '@tanstack/react-router'
import { EmptyState } from '../ui/States.tsx'
import { paths } from '../util/paths.ts'

export function NotFound() {
  return (
    <EmptyState title="There is no such page" action={<Link to={paths.overview()}>Go to the overview</Link>}>
      The address may be from an older version, or mistyped.
    </EmptyState>
  )
}
