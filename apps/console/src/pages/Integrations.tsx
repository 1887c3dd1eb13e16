// Integrations.
import { PageHead } from '../ui/Frame.tsx'

export function Integrations() {
  return <PageHead title="Integrations" />
}
