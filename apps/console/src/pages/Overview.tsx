// Overview.
import { PageHead } from '../ui/Frame.tsx'

export function Overview() {
  return <PageHead title="Overview" />
}
