// Policies.
import { PageHead } from '../ui/Frame.tsx'

export function Policies() {
  return <PageHead title="Policies" />
}
