// What stands in place of a page that broke. The frame around it keeps working.
import { useRouter } from '@tanstack/react-router'
import { TriangleAlert } from 'lucide-react'
import { RequestError } from '../api/errors.ts'
import { Button } from './Button.tsx'
import { ErrorState, Panel } from './States.tsx'

/** A page's file that is gone: a newer console was installed while this one was open. */
const isGoneFile = (error: unknown): boolean =>
  error instanceof TypeError && /dynamically imported module|module script/i.test(error.message)

export function RouteError({ error, reset }: { readonly error: unknown; readonly reset: () => void }) {
  const router = useRouter()
  if (isGoneFile(error))
    return (
      <Panel
        icon={<TriangleAlert size={22} />}
        title="The console was updated"
        action={
          <Button kind="primary" onClick={() => window.location.reload()}>
            Reload
          </Button>
        }
      >
        <p>This tab runs the version before. Reload it to go on; the address stays the same.</p>
      </Panel>
    )
  const again = () => {
    reset()
    void router.invalidate()
  }
  if (error instanceof RequestError) return <ErrorState error={error} retry={again} />
  return (
    <Panel
      icon={<TriangleAlert size={22} />}
      title="This page broke"
      action={<Button onClick={again}>Try again</Button>}
    >
      <p>It is a fault of the console, not of what you did. Nothing was decided or changed by it.</p>
    </Panel>
  )
}
