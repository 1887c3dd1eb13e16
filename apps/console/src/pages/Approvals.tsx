// Approvals.
import { PageHead } from '../ui/Frame.tsx'

export function Approvals() {
  return <PageHead title="Approvals" />
}
