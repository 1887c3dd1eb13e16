// Demo of deploy/compose.yaml: gives the sample function what callers verify the agent with, the certificate of the
// installation's authority. It is public; whoever may reach the target gets it with a token.
import { signedIn } from './person.ts'
import { fail, replaceFile, variable } from './place.ts'

async function main(): Promise<void> {
  const { connection } = await (await signedIn('ann')).token('shop')
  replaceFile(variable('AUTHORITY_FILE'), 0o644, connection.ca)
  process.stdout.write('the function has the authority of the agents\n')
}

main().catch(fail('handout'))
