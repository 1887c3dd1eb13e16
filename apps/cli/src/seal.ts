// sallyport seal TARGET: encrypts a credential to the keys of the agents that serve the target, and prints what goes into its
// document. Nothing is sent anywhere; the control plane gets what it cannot open. The credential comes from stdin, never from
// the command line, which other users of the machine can read.
import { Secret } from '@sallyport/base/secret'
import { sealedYaml, sealFor } from '@sallyport/sealed/reference'
import { type AddCommand, type Session, usage } from './app.ts'

interface Options {
  readonly address: string
  readonly to: readonly string[]
  readonly credentialVersion: string
}

export const addSeal: AddCommand = (parent, app) => {
  parent
    .command('seal <target>')
    .description('encrypt a credential from stdin for the agents of a target, and print it for the target document')
    .requiredOption(
      '--address <address>',
      'where the credential is shown: db.internal:5432, or https://api.example.com',
    )
    .requiredOption('--to <line...>', 'what "sealing-key" prints at each agent that serves the target')
    .option('--credential-version <n>', 'one more with each new credential', '1')
    .addHelpText(
      'after',
      '\nExample:\n  sallyport seal orders --address db.internal:5432 --to "$(cat eu-1.key)" --to "$(cat eu-2.key)" < password.txt',
    )
    .action((target: string, options: Options) => app.run((session) => sealed(session, target, options)))
}

async function sealed(session: Session, target: string, options: Options): Promise<void> {
  const version = versionOf(options.credentialVersion)
  // One trailing newline is an editor's; anything else belongs to the credential.
  const secret = new Secret((await session.world.readStdin()).replace(/\r?\n$/, ''))
  const reference = await sealFor({ target, address: options.address, version, to: options.to }, secret)
  session.out.result({ sealed: reference }, () => sealedYaml(reference))
}

function versionOf(text: string): number {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text)
  throw usage(`"${text}" is no version`, 'a number from 1')
}
