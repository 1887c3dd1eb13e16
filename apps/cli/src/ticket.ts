// sallyport ticket TARGET: a credential for clients that cannot be given a token, good for a while, for one target and role.
// Its secret is printed once. list and revoke are for what was issued.
import { TicketPage, TicketResponse } from '@sallyport/api/tickets'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { type AddCommand, type Session, usage } from './app.ts'
import { durationSeconds } from './duration.ts'
import { addressOf, writeAuthority } from './token.ts'

interface IssueOptions {
  readonly role?: string
  readonly ttl: string
  readonly uses?: string
  readonly source?: readonly string[]
  readonly fast?: boolean
}

/** Tickets that the CLI lists. */
const ticketsListed = 500

export const addTicket: AddCommand = (parent, app) => {
  const ticket = parent.command('ticket').description('make a ticket for a target: user and password for SCRAM-SHA-256')
  ticket
    .command('issue <target>', { isDefault: true })
    .description('make a ticket and print how to connect with it; its secret is shown once')
    .option('--role <role>', 'the upstream role, when you may choose')
    .option('--ttl <duration>', 'how long it is good: 60s, 30m, 24h at most, and never longer than your login', '1h')
    .option('--uses <n>', 'for so many logins')
    .option('--source <network...>', 'good from these addresses or networks only: 10.0.0.0/8')
    .option('--fast', 'logs in with a fraction of the work, for clients that connect for each query; not for pgjdbc')
    .addHelpText(
      'after',
      '\nExamples:\n  sallyport ticket shop --ttl 15m\n  psql "$(sallyport ticket shop --json | jq -r .result.url)"',
    )
    .action((target: string, options: IssueOptions) => app.run((session) => issue(session, target, options)))
  ticket
    .command('list')
    .description('list your tickets')
    .option('--all', 'those of everybody, for administrators and auditors')
    .action((options: { all?: boolean }) => app.run((session) => list(session, options.all === true)))
  ticket
    .command('revoke <ticket>')
    .description('end a ticket and the sessions that it opened; give its id or its user name')
    .action((wanted: string) => app.run((session) => revoke(session, wanted)))
}

function usesOf(text: string): number {
  if (/^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= limits.ticketUsesMax) return Number(text)
  throw usage(`"${text}" is no number of logins`, `1 to ${limits.ticketUsesMax}`)
}

async function issue(session: Session, target: string, options: IssueOptions): Promise<void> {
  const { role, ttl, uses, source, fast } = options
  const body = {
    target,
    seconds: durationSeconds(ttl, 'a ticket'),
    ...(role === undefined ? {} : { role }),
    ...(uses === undefined ? {} : { uses: usesOf(uses) }),
    ...(source === undefined ? {} : { sources: source }),
    ...(fast === true ? { fast } : {}),
  }
  const issued = await session.api().call('ticketIssue', TicketResponse, { body })
  const { host, port, database, user, ca } = issued.connection
  // They become parts of connection strings and lines of files.
  if ([host, database, user, issued.secret].some((text) => !/^[\x21-\x7e]+$/.test(text)))
    throw new SallyportError('INTERNAL', 'the control plane sent a connection that no client can use')
  const sslrootcert = writeAuthority(session, ca)
  const query = new URLSearchParams({ sslmode: 'verify-full', sslrootcert })
  const url = `postgresql://${user}:${issued.secret}@${addressOf(issued.connection)}/${encodeURIComponent(database)}?${query}`
  const pgpass = [host, String(port), database, user, issued.secret].map(pgpassWord).join(':')
  const { ticket, secret } = issued
  session.out.message(`good until ${ticket.expiresAt}; the secret is not shown again`)
  session.out.result({ ...ticket, host, port, database, password: secret, sslrootcert, url, pgpass }, () =>
    [
      `host      ${host}`,
      `port      ${port}`,
      `database  ${database}`,
      `user      ${user}`,
      `password  ${secret}`,
      `role      ${ticket.role}`,
      `tls       verify-full, authority in ${sslrootcert}`,
      '',
      url,
      '',
      '# a line of ~/.pgpass',
      pgpass,
    ].join('\n'),
  )
}

/** libpq splits the line at colons (manual, "The Password File"). */
const pgpassWord = (text: string): string => text.replace(/[\\:]/g, (character) => `\\${character}`)

async function list(session: Session, isAll: boolean): Promise<void> {
  const query = { limit: String(ticketsListed) }
  const { items } = await session.api().call(isAll ? 'tickets' : 'myTickets', TicketPage, { query })
  if (items.length === 0) session.out.message('no ticket was issued; make one with: sallyport ticket TARGET')
  session.out.result(items, () => {
    if (items.length === 0) return ''
    const names = ['ticket', 'state', 'target', 'role', 'expires', 'uses left', 'sources', ...(isAll ? ['owner'] : [])]
    const rows = items.map((item) => [
      item.id,
      item.state,
      item.target,
      item.role,
      item.expiresAt,
      item.usesLeft === null ? '' : String(item.usesLeft),
      item.sources.join(' '),
      ...(isAll ? [item.owner] : []),
    ])
    return session.out.table({ columns: names.map((name) => ({ name })), rows })
  })
}

async function revoke(session: Session, wanted: string): Promise<void> {
  const id = wanted.replace(/^tk[tf]_/, '')
  await session.api().send('ticketRevoke', { path: { id }, body: {} })
  session.out.message('the ticket is revoked; sessions that it opened end within seconds')
  session.out.result({ id, state: 'revoked' }, () => '')
}
