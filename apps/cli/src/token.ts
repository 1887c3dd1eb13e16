// sallyport token TARGET: a short-lived token for one target, alone on stdout. sallyport connect TARGET: runs any
// client with it, by environment variables (libpq's, or those of HTTP clients); the token is in no argument and in no file.
import { ExchangeResponse, exchangeGrant, jwtTokenType } from '@sallyport/api/exchange'
import { MyTargets } from '@sallyport/api/resources'
import { TokenResponse } from '@sallyport/api/signin'
import { SallyportError } from '@sallyport/base/errors'
import { type AddCommand, type Session, usage } from './app.ts'
import { readFile } from './apply.ts'
import { type CertificateLogin, certificateLogin, removeLogin } from './certificate.ts'
import { escapeText } from './escape.ts'
import { configFolder } from './settings.ts'

export const addToken: AddCommand = (parent, app) => {
  parent
    .command('token <target>')
    .description('print a short-lived token for a target: the password of a database, the bearer token of an HTTP API')
    .option('--role <role>', 'the upstream role, when you may choose')
    .option('--actor-file <path>', 'for a function that acts for you: its own token; prints one that names both')
    .option('--single-use', 'with --actor-file: good for one login or one statement')
    .addHelpText('after', '\nExample:\n  PGPASSWORD=$(sallyport token shop) psql "host=… dbname=shop user=sallyport"')
    .action((target: string, options: TokenOptions) => app.run((session) => token(session, target, options)))
  parent
    .command('connect <target> [command...]')
    .description('run a client connected to a target; without a command, show how to connect')
    .option('--role <role>', 'the upstream role, when you may choose')
    .option('--certificate', 'log in at a database by a key that is made here, and a certificate for it')
    .addHelpText(
      'after',
      '\nExamples:\n  sallyport connect shop -- psql\n  sallyport connect shop --certificate -- psql\n  sallyport connect shop\n  sallyport connect crm -- sh -c \'curl -H "Authorization: Bearer $SALLYPORT_TOKEN" "$SALLYPORT_URL/v1/orders"\'',
    )
    .action((target: string, command: string[], { role, certificate }: { role?: string; certificate?: boolean }) =>
      app.run(async (session) => await (certificate ? connectByKey : connect)(session, target, command, role)),
    )
  parent
    .command('targets')
    .description('list the targets that are open to you')
    .action(() => app.run(targets))
}

/** Asks for a token and for where an agent serves the target. */
export async function requestToken(session: Session, target: string, role: string | undefined): Promise<TokenResponse> {
  const body = { target, ...(role === undefined ? {} : { role }) }
  const issued = await session.api().call('token', TokenResponse, { body })
  // They become environment variables and parts of connection strings.
  const { host, database, user, url } = issued.connection
  if ([host, database, user, url ?? 'https'].some((text) => !/^[\x20-\x7e]+$/.test(text)))
    throw new SallyportError('INTERNAL', 'the control plane sent a connection that no client can use')
  return issued
}

interface TokenOptions {
  readonly role?: string
  readonly actorFile?: string
  readonly singleUse?: boolean
}

async function token(session: Session, target: string, options: TokenOptions): Promise<void> {
  const { actorFile, singleUse } = options
  if (singleUse === true && actorFile === undefined)
    throw usage('--single-use is for tokens of functions', 'add --actor-file with the token of the function')
  const issued = await requestToken(session, target, options.role)
  const given = actorFile === undefined ? issued : await delegated(session, target, issued.token, options)
  session.out.result({ token: given.token, expiresAt: given.expiresAt, target }, () => given.token)
}

/** The token that says for whom the function acts (RFC 8693). */
async function delegated(session: Session, audience: string, own: string, { actorFile = '', singleUse }: TokenOptions) {
  const form = {
    grant_type: exchangeGrant,
    subject_token: own,
    subject_token_type: jwtTokenType,
    actor_token: readFile(session, actorFile).trim(),
    actor_token_type: jwtTokenType,
    audience,
    single_use: String(singleUse === true),
  }
  const { access_token, expires_in } = await session.api().call('tokenExchange', ExchangeResponse, { form })
  const expiresAt = new Date(session.world.clock.nowMs() + expires_in * 1_000).toISOString()
  return { token: access_token, expiresAt }
}

/** Variables of libpq that would send the client elsewhere, or weaken the connection. */
const clearedVariables = [
  'PGHOSTADDR',
  'PGSERVICE',
  'PGSERVICEFILE',
  'PGPASSFILE',
  'PGOPTIONS',
  'PGREQUIRESSL',
  'PGSSLNEGOTIATION',
  'PGSSLCERT',
  'PGSSLKEY',
  'PGSSLCERTMODE',
  'PGPASSWORD',
  'PGSSLCRL',
  'PGSSLCRLDIR',
  'PGREQUIREAUTH',
  'PGCHANNELBINDING',
  'PGTARGETSESSIONATTRS',
  'PGLOADBALANCEHOSTS',
]

/** libpq's environment for a login; what the person has set for other servers is left out. */
export function libpqEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  { host, port, database, user }: Omit<TokenResponse['connection'], 'url' | 'ca' | 'mcp'>,
  caPath: string,
  login: { readonly PGPASSWORD: string } | { readonly PGSSLCERT: string; readonly PGSSLKEY: string },
): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]) =>
    value === undefined || clearedVariables.includes(name) ? [] : [[name, value]],
  )
  return {
    ...Object.fromEntries(kept),
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database,
    ...login,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: caPath,
    PGGSSENCMODE: 'disable',
  }
}

/** The authority's certificate as a file, because libpq reads it from one. It is public; its name says which it is. */
export function writeAuthority(session: Session, ca: string): string {
  const digest = Buffer.from(session.world.sha256(Buffer.from(ca))).toString('hex')
  const path = `${configFolder(session.world.env)}/authority-${digest.slice(0, 16)}.pem`
  if (session.world.files.readText(path) !== ca) session.world.files.writePrivate(path, ca)
  return path
}

async function connect(
  session: Session,
  target: string,
  command: readonly string[],
  role: string | undefined,
): Promise<void> {
  const issued = await requestToken(session, target, role)
  const caPath = writeAuthority(session, issued.connection.ca)
  const [program, ...parameters] = command
  const { url } = issued.connection
  if (program === undefined) {
    if (url === null) showConnection(session, target, issued, caPath)
    else if (issued.connection.mcp) showMcp(session, target, url, caPath)
    else showHttp(session, target, url, caPath)
    return
  }
  const { env } = session.world
  const environment =
    url === null
      ? libpqEnvironment(env, issued.connection, caPath, { PGPASSWORD: issued.token })
      : httpEnvironment(env, url, issued.token, caPath)
  session.exit(await session.world.run(program, parameters, environment))
}

/** The files of a client that we run go with it; without a command they stay, for other clients. */
async function connectByKey(
  session: Session,
  target: string,
  command: readonly string[],
  role: string | undefined,
): Promise<void> {
  const [program, ...parameters] = command
  const name = program === undefined ? target : `${target}-${session.world.clock.nowMs()}`
  const login = await certificateLogin(session, target, { role, name, isForAny: program === undefined })
  const { issued, certificatePath, keyPath } = login
  const caPath = writeAuthority(session, issued.connection.ca)
  if (program === undefined) return showKeyed(session, target, login, caPath)
  const files = { PGSSLCERT: certificatePath, PGSSLKEY: keyPath }
  const environment = libpqEnvironment(session.world.env, issued.connection, caPath, files)
  try {
    session.exit(await session.world.run(program, parameters, environment))
  } finally {
    removeLogin(session, login)
  }
}

function showKeyed(
  session: Session,
  target: string,
  { issued, certificatePath: sslcert, keyPath: sslkey, derKeyPath }: CertificateLogin,
  sslrootcert: string,
): void {
  const { id, role, expiresAt } = issued
  const { host, port, database, user } = issued.connection
  const tls = { sslmode: 'verify-full', sslrootcert, sslcert }
  const place = `${addressOf(issued.connection)}/${encodeURIComponent(database)}`
  const url = `postgresql://${encodeURIComponent(user)}@${place}?${new URLSearchParams({ ...tls, sslkey })}`
  const jdbc = `jdbc:postgresql://${place}?${new URLSearchParams({ user, ...tls, sslkey: derKeyPath ?? sslkey })}`
  session.out.message(`good until ${expiresAt}; whoever has the key until then is you`)
  const shown = { target, certificate: id, role, expiresAt, host, port, database, user, sslmode: 'verify-full' }
  session.out.result({ ...shown, sslrootcert, sslcert, sslkey, url, jdbc }, () =>
    [
      `host      ${host}`,
      `port      ${port}`,
      `database  ${database}`,
      `user      ${user}`,
      `role      ${escapeText(role)}`,
      `sslcert   ${sslcert}`,
      `sslkey    ${sslkey}`,
      `tls       verify-full, authority in ${sslrootcert}`,
      '',
      url,
      jdbc,
    ].join('\n'),
  )
}

/** An IPv6 address stands in brackets (RFC 3986, 3.2.2). */
export const addressOf = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

/** For clients of an HTTP target: where it is, the token, and the authority as the usual clients look for it. */
export function httpEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  url: string,
  token: string,
  caPath: string,
): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return {
    ...Object.fromEntries(kept),
    SALLYPORT_URL: url,
    SALLYPORT_TOKEN: token,
    CURL_CA_BUNDLE: caPath,
    NODE_EXTRA_CA_CERTS: caPath,
    REQUESTS_CA_BUNDLE: caPath,
    SSL_CERT_FILE: caPath,
  }
}

function showHttp(session: Session, target: string, url: string, caPath: string): void {
  session.out.result({ target, url, ca: caPath }, () =>
    [
      `url       ${url}`,
      `token     the output of: sallyport token ${escapeText(target)}`,
      `tls       authority in ${caPath}`,
      '',
      `curl --cacert ${caPath} -H "Authorization: Bearer $(sallyport token ${escapeText(target)})" ${url}/`,
      '',
      `With everything in the environment (SALLYPORT_URL, SALLYPORT_TOKEN, CURL_CA_BUNDLE …):`,
      `sallyport connect ${escapeText(target)} -- sh -c 'curl -H "Authorization: Bearer $SALLYPORT_TOKEN" "$SALLYPORT_URL/"'`,
    ].join('\n'),
  )
}

/** As the usual clients of MCP read it; the token comes from the environment, since it lives for minutes and the file for years. */
function showMcp(session: Session, target: string, url: string, ca: string): void {
  const server = { type: 'http', url, headers: { Authorization: `Bearer \${SALLYPORT_TOKEN}` } }
  const config = { mcpServers: { [target]: server } }
  session.out.result({ target, url, ca, config }, () =>
    [
      `url       ${url}`,
      `token     the output of: sallyport token ${escapeText(target)}`,
      `tls       authority in ${ca}`,
      '',
      JSON.stringify(config, undefined, 2),
      '',
      'For mcp.json. Start the client with token and authority in its environment (SALLYPORT_TOKEN, NODE_EXTRA_CA_CERTS …):',
      `sallyport connect ${escapeText(target)} -- CLIENT`,
    ].join('\n'),
  )
}

/** How to connect with anything; the token is not part of it, so that it can be pasted anywhere. */
function showConnection(session: Session, target: string, issued: TokenResponse, caPath: string): void {
  const { host, port, database, user } = issued.connection
  const query = new URLSearchParams({ sslmode: 'verify-full', sslrootcert: caPath })
  const address = addressOf(issued.connection)
  const url = `postgresql://${encodeURIComponent(user)}@${address}/${encodeURIComponent(database)}?${query}`
  session.out.result({ target, host, port, database, user, sslmode: 'verify-full', sslrootcert: caPath, url }, () =>
    [
      `host      ${host}`,
      `port      ${port}`,
      `database  ${database}`,
      `user      ${user}`,
      `password  the output of: sallyport token ${escapeText(target)}`,
      `tls       verify-full, authority in ${caPath}`,
      '',
      url,
      '',
      `psql:     sallyport connect ${escapeText(target)} -- psql`,
    ].join('\n'),
  )
}

async function targets(session: Session): Promise<void> {
  const { items } = await session.api().call('myTargets', MyTargets)
  if (items.length === 0)
    session.out.message(
      'no target is open to you; an administrator writes a policy that names one of your groups, and what you may ask for yourself is listed by: sallyport request',
    )
  session.out.result(items, () => {
    if (items.length === 0) return ''
    const rows = items.map((item) => [
      item.name,
      item.protocol,
      item.connection === null ? 'no agent yet' : `${item.connection.host}:${item.connection.port}`,
      item.roles.join(', '),
      item.description,
    ])
    return session.out.table({
      columns: ['target', 'protocol', 'agent', 'roles', 'description'].map((name) => ({ name })),
      rows,
    })
  })
}
