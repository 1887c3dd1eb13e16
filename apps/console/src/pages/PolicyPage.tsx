// Policy.
import { PageHead } from '../ui/Frame.tsx'

export function PolicyPage() {
  return <PageHead title="Policy" />
}
