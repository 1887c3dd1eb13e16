// My access.
import { PageHead } from '../ui/Frame.tsx'

export function MyAccess() {
  return <PageHead title="My access" />
}
