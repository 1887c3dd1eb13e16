// Session.
import { PageHead } from '../ui/Frame.tsx'

export function SessionPage() {
  return <PageHead title="Session" />
}
