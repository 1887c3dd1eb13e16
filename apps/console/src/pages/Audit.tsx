// Audit.
import { PageHead } from '../ui/Frame.tsx'

export function Audit() {
  return <PageHead title="Audit" />
}
