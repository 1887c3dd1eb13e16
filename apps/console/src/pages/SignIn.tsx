// Sign in.
import { PageHead } from '../ui/Frame.tsx'

export function SignIn() {
  return <PageHead title="Sign in" />
}
