// Targets.
import { PageHead } from '../ui/Frame.tsx'

export function Targets() {
  return <PageHead title="Targets" />
}
