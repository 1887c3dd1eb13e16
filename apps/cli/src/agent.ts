// sallyport agent join, token, list and revoke: for whoever runs agents. A join token works once and is shown once.
import { AgentPage, JoinTokenResponse } from '@sallyport/api/resources'
import { SallyportError } from '@sallyport/base/errors'
import { type AddCommand, type Session, usage } from './app.ts'
import { durationSeconds } from './duration.ts'
import { escapeText } from './escape.ts'

interface JoinOptions {
  readonly expires: string
}

/** Agents of one installation that the CLI lists. */
const agentsListed = 500

export const addAgent: AddCommand = (parent, app) => {
  const agent = parent.command('agent').description('add agents, list and revoke them')
  agent
    .command('join <name>')
    .description('make a join token and print what to run on the host of the agent')
    .option('--expires <duration>', 'how long the token is good: 60s, 30m, 24h at most', '1h')
    .addHelpText('after', '\nExample:\n  sallyport agent join eu-1')
    .action((name: string, options: JoinOptions) => app.run((session) => join(session, name, options)))
  agent
    .command('token <name>')
    .description('make a join token and print it alone')
    .option('--expires <duration>', 'how long the token is good: 60s, 30m, 24h at most', '1h')
    .addHelpText('after', '\nExample:\n  sallyport agent token eu-1 > join-token')
    .action((name: string, options: JoinOptions) => app.run((session) => token(session, name, options)))
  agent
    .command('list')
    .description('list agents: state, version, key fingerprint for audit verify --key')
    .action(() => app.run(list))
  agent
    .command('revoke <agent>')
    .description('cut an agent off for good; give its id or its name')
    .action((wanted: string) => app.run((session) => revoke(session, wanted)))
}

async function newToken(session: Session, agentName: string, options: JoinOptions): Promise<JoinTokenResponse> {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(agentName))
    throw usage(`"${agentName}" is no name of an agent`, 'lowercase letters, digits and hyphens')
  const body = { agentName, expiresInSeconds: durationSeconds(options.expires, 'a join token') }
  return await session.api().call('joinToken', JoinTokenResponse, { body })
}

async function token(session: Session, agentName: string, options: JoinOptions): Promise<void> {
  const made = await newToken(session, agentName, options)
  session.out.message(`good once, until ${made.expiresAt}`)
  session.out.result(made, () => made.token)
}

async function join(session: Session, agentName: string, options: JoinOptions): Promise<void> {
  const made = await newToken(session, agentName, options)
  session.out.message(
    `run this on the host of the agent, beside the target; the token is good once, until ${made.expiresAt}\nthe agent prints the fingerprint of its record key: keep it for "sallyport audit verify --key"`,
  )
  session.out.result(made, () => joinCommand(made))
}

/** The variables of docs/operations.md, "agent"; the program is the one that the release ships. */
export const joinCommand = (made: Pick<JoinTokenResponse, 'token' | 'agentName'>): string =>
  [
    `SALLYPORT_JOIN_TOKEN='${made.token}' \\`,
    `SALLYPORT_DATA_DIR=/var/lib/sallyport-agent \\`,
    `node apps/agent/dist/main.js`,
  ].join('\n')

async function readAgents(session: Session) {
  return (await session.api().call('agents', AgentPage, { query: { limit: String(agentsListed) } })).items
}

async function list(session: Session): Promise<void> {
  const items = await readAgents(session)
  if (items.length === 0) session.out.message('no agent has joined; make a token with: sallyport agent join NAME')
  session.out.result(items, () => {
    if (items.length === 0) return ''
    const rows = items.map((item) => [
      item.name,
      item.state,
      item.version,
      item.advertise,
      item.targets.join(', '),
      item.lastSeenAt,
      item.recordKeyFingerprint,
      item.id,
    ])
    const names = ['agent', 'state', 'version', 'address', 'targets', 'last seen', 'record key', 'id']
    return session.out.table({ columns: names.map((name) => ({ name })), rows })
  })
}

async function revoke(session: Session, wanted: string): Promise<void> {
  const found = (await readAgents(session)).filter((item) => item.id === wanted || item.name === wanted)
  const alive = found.filter((item) => item.state !== 'revoked')
  const [only] = alive.length > 0 ? alive : found
  if (only === undefined)
    throw new SallyportError('NOT_FOUND', `there is no agent "${wanted}"`, { hint: 'see: sallyport agent list' })
  if (alive.length > 1)
    throw usage(`there are ${alive.length} agents "${wanted}"`, 'give the id; see: sallyport agent list')
  await session.api().send('agentRevoke', { path: { id: only.id } })
  session.out.message(`agent ${escapeText(only.name)} is revoked; it is cut off within seconds`)
  session.out.result({ id: only.id, name: only.name, state: 'revoked' }, () => '')
}
