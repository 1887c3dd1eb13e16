// An address that is no page of the console.
import { Link } from '@tanstack/react-router'
import { Compass } from 'lucide-react'
import { useTitle } from '../ui/Frame.tsx'
import { Panel } from '../ui/States.tsx'
import { paths } from '../util/paths.ts'

export function NotFound() {
  useTitle('Not found')
  return (
    <Panel
      icon={<Compass size={22} />}
      heading="h1"
      title="There is no such page"
      action={
        <Link to={paths.overview()} className="link">
          Go to the overview
        </Link>
      }
    >
      <p>The address may be from an older version, or mistyped.</p>
    </Panel>
  )
}
