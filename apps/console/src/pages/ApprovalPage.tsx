// Approval.
import { PageHead } from '../ui/Frame.tsx'

export function ApprovalPage() {
  return <PageHead title="Approval" />
}
