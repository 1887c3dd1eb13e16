// Sessions.
import { PageHead } from '../ui/Frame.tsx'

export function Sessions() {
  return <PageHead title="Sessions" />
}
