// The program as one tree of commands, and the one place where a failure becomes a message and an exit status.
import { asSallyportError, errorCodes, SallyportError, surfacesOf } from '@sallyport/base/errors'
import { Command, CommanderError } from 'commander'
import { addAgent } from './agent.ts'
import { type AddCommand, type App, createSession, type GlobalOptions } from './app.ts'
import { addApply } from './apply.ts'
import { addApprovals } from './approvals.ts'
import { addAudit } from './audit.ts'
import { addDoctor } from './doctor.ts'
import { addPolicy } from './explain.ts'
import { addGrants, addRequest } from './grants.ts'
import { addLogin } from './login.ts'
import { addMcp } from './mcp.ts'
import { addOpenapi } from './openapi.ts'
import { renderFailure } from './output.ts'
import { addQuery } from './query.ts'
import { addScan } from './scan.ts'
import { addSeal } from './seal.ts'
import { addRevoke, addServiceAccount } from './service-account.ts'
import { addSessions } from './sessions.ts'
import { addTicket } from './ticket.ts'
import { addToken } from './token.ts'
import { version } from './version.ts'
import type { World } from './world.ts'

/** After Ctrl-C, as shells have it: 128 + SIGINT. */
export const interruptedStatus = 130

const commands: readonly AddCommand[] = [
  addLogin,
  addToken,
  addTicket,
  addServiceAccount,
  addRevoke,
  addQuery,
  addMcp,
  addApply,
  addSeal,
  addScan,
  addOpenapi,
  addPolicy,
  addApprovals,
  addRequest,
  addGrants,
  addSessions,
  addAudit,
  addAgent,
  addDoctor,
]

const footer = `
Examples:
  sallyport login --url https://sallyport.example.com
  sallyport query shop "select name from customers limit 3"
  sallyport connect shop -- psql
  sallyport policy explain shop "delete from orders"
  sallyport approvals list

Exit status: 0 ok, 1 error, 2 usage, 3 not found, 4 login needed, 5 denied by policy, 6 approval pending,
7 unreachable or unhealthy, 8 verification failed, 130 interrupted. docs/cli.md has more.`

/** Runs one command line (without node and script) and gives the exit status. Never throws. */
export async function runCli(parameters: readonly string[], world: World): Promise<number> {
  let status = 0
  let help = ''
  const program = createProgram(world, (text) => {
    help += text
  })
  const app: App = {
    options: () => program.opts<GlobalOptions>(),
    run: (body) =>
      body(
        createSession(world, app.options(), (next) => {
          status = next
        }),
      ),
  }
  for (const add of commands) add(program, app)
  try {
    await program.parseAsync([...parameters], { from: 'user' })
    return status
  } catch (thrown) {
    return fail(thrown, world, isJson(parameters), help)
  }
}

/** Known before parsing, because a failure to parse is an answer for a program, too. */
function isJson(parameters: readonly string[]): boolean {
  const end = parameters.indexOf('--')
  return parameters.slice(0, end === -1 ? undefined : end).includes('--json')
}

/** `onError` gets what commander would print as an error: the help, when a command is missing. */
function createProgram(world: World, onError: (text: string) => void): Command {
  const program = new Command('sallyport')
  program
    .description('The command line of Sallyport: reach databases without their credentials.')
    .version(version, '-V, --version')
    .option('--url <url>', 'address of the control plane (else SALLYPORT_URL, else that of the login)')
    .option('--json', 'print one JSON envelope on stdout, for a failure too')
    .option('-q, --quiet', 'no messages, only the result')
    .option('--no-color', 'no colours (also: NO_COLOR)')
    .addHelpText('after', footer)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, helpWidth: helpWidth(world) })
    .configureOutput({ writeOut: (text) => world.stdout.write(text), writeErr: onError })
  return program
}

const helpWidth = (world: World): number => (world.stdout.isTty ? Math.min(world.stdout.columns, 120) : 100)

function fail(thrown: unknown, world: World, json: boolean, help: string): number {
  if (world.interrupted.aborted) {
    world.stderr.write('interrupted\n')
    return interruptedStatus
  }
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return 0
    if (thrown.code === 'commander.help' && !json) {
      world.stderr.write(help)
      return errorCodes.REQUEST_INVALID.exit
    }
    renderFailure(usageError(thrown), json, world.stdout, world.stderr)
    return errorCodes.REQUEST_INVALID.exit
  }
  const error = asSallyportError(thrown)
  renderFailure(error, json, world.stdout, world.stderr)
  if (error.code === 'INTERNAL' && !json && thrown instanceof Error && !(thrown instanceof SallyportError))
    world.stderr.write(`${thrown.stack ?? thrown.message}\n`)
  return surfacesOf(error.code).exit
}

/** Commander's own words, which hold what the person typed and at times "(Did you mean …?)". */
function usageError(thrown: CommanderError): SallyportError {
  if (thrown.code === 'commander.help')
    return new SallyportError('REQUEST_INVALID', 'a command is missing', { hint: 'see: sallyport --help' })
  const message = thrown.message.replace(/^error: /, '').replaceAll('\n', ' ')
  return new SallyportError('REQUEST_INVALID', message, { hint: 'see: sallyport COMMAND --help' })
}
