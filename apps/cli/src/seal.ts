// sallyport seal TARGET: encrypts a credential to the keys of the agents that serve the target, and prints what goes into its
// document. Nothing is sent anywhere; the control plane gets what it cannot open. The credential comes from stdin, never from
// the command line, which other users of the machine can read.
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { parseRecipient, seal } from '@sallyport/sealed/sealed'
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
    .action((target: string, options: Options) => app.run((session) => sealFor(session, target, options)))
}

async function sealFor(session: Session, target: string, options: Options): Promise<void> {
  const version = versionOf(options.credentialVersion)
  const recipients = options.to.map(parseRecipient)
  // One trailing newline is an editor's; anything else belongs to the credential.
  const secret = new Secret((await session.world.readStdin()).replace(/\r?\n$/, ''))
  const address = addressOf(options.address)
  const agents: Record<string, string> = {}
  for (const recipient of recipients)
    agents[recipient.agentId] = await seal(recipient, { target, address, version }, secret)
  const sealed = { version, agents }
  const lines = Object.entries(agents).map(([id, text]) => `    ${id}: ${text}`)
  session.out.result({ sealed }, () => ['sealed:', `  version: ${version}`, '  agents:', ...lines].join('\n'))
}

function versionOf(text: string): number {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text)
  throw usage(`"${text}" is no version`, 'a number from 1')
}

/** As agents have it from the document: `host:port`, or an origin. */
function addressOf(text: string): string {
  if (/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$/.test(text)) return text
  try {
    const url = new URL(text)
    if (url.protocol === 'http:' || url.protocol === 'https:') return url.origin
  } catch {}
  throw new SallyportError('REQUEST_INVALID', `"${text}" is no address`, {
    hint: 'host:port of a database, or the URL of an API or its token endpoint',
  })
}
