// Agents.
import { PageHead } from '../ui/Frame.tsx'

export function Agents() {
  return <PageHead title="Agents" />
}
