// Where the clients of the matrix connect to: one database behind the agent with masks, a deny rule and recording, the same
// one under preset `tooling` without them, and a server of Debian's version that its pg_dump accepts.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { Place } from '../differential/driver.ts'
import type { Places } from '../stack/documents.ts'
import { type PostgresServer, startPostgres } from '../stack/postgres.ts'
import { createDatabase } from '../stack/shop.ts'
import { agentName, root, type Stack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'
import { serverFolder } from './tools.ts'

export interface ClientPlaces {
  /** Masks, a deny rule, recording on. */
  readonly masked: Place
  /** Everything is allowed, preset `tooling`. */
  readonly open: Place
  readonly direct: Place
  /** An empty database, open as well. */
  readonly empty: Place
  /** Undefined without Debian's server. */
  readonly old: { readonly agent: Place; readonly direct: Place } | undefined
  close(): Promise<void>
}

const fixture = (): string => readFileSync(join(root, 'e2e', 'differential', 'fixture.sql'), 'utf8')

export async function openClientPlaces(stack: Stack): Promise<ClientPlaces> {
  await prepare(stack.target, 'clients', stack.credential)
  await createDatabase(stack.target, 'empty')
  await own(stack.target, 'empty')
  const bin = serverFolder()
  const old = bin === undefined ? undefined : await startPostgres({ bin, settings: { autovacuum: 'off' } })
  if (old !== undefined) await prepare(old, 'clients', stack.credential)
  const yaml = [
    targetOf({ name: 'clients-masked', port: Number(stack.places.TARGET_PORT), preset: 'none' }, stack.places),
    targetOf({ name: 'clients-open', port: Number(stack.places.TARGET_PORT), preset: 'tooling' }, stack.places),
    targetOf(
      { name: 'clients-empty', port: Number(stack.places.TARGET_PORT), preset: 'tooling', database: 'empty' },
      stack.places,
    ),
    ...(old === undefined
      ? []
      : [targetOf({ name: 'clients-old', port: old.port, preset: 'tooling', isOld: true }, stack.places)]),
    policies,
  ].join('---\n')
  const applied = await (await stack.as('adam')).post('/api/v1/apply', { yaml })
  if (applied.status !== 200) throw new Error(applied.text)
  const admin = new pg.Client({ connectionString: stack.target.url('postgres') })
  admin.on('error', () => {})
  await admin.connect()
  const running = (text: string) =>
    until(`the target runs "${text}"`, async () => {
      const { rows } = await admin.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = 'clients' AND state = 'active' AND query = $1`,
        [text],
      )
      return rows.length > 0
    }).then(() => {})
  return {
    masked: await agentPlace(stack, 'clients-masked', running),
    open: await agentPlace(stack, 'clients-open', running),
    empty: await agentPlace(stack, 'clients-empty', running),
    direct: { ...directPlace(stack), running },
    old:
      old === undefined
        ? undefined
        : { agent: await agentPlace(stack, 'clients-old', running), direct: oldPlace(stack, old) },
    async close() {
      await admin.end()
      await old?.stop()
    },
  }
}

/** The role of the stack, a database that it owns, and the tables of the differential corpus in it. */
async function prepare(server: PostgresServer, database: string, password: string): Promise<void> {
  await createDatabase(server, database)
  const admin = new pg.Client({ connectionString: server.url(database) })
  await admin.connect()
  try {
    const { rows } = await admin.query("SELECT 1 FROM pg_roles WHERE rolname = 'app_rw'")
    if (rows.length === 0) await admin.query(`CREATE ROLE app_rw LOGIN PASSWORD ${admin.escapeLiteral(password)}`)
  } finally {
    await admin.end()
  }
  await own(server, database)
  await fill(server, database)
}

async function fill(server: PostgresServer, database: string): Promise<void> {
  const admin = new pg.Client({ connectionString: server.url(database) })
  await admin.connect()
  try {
    await admin.query(`SET ROLE app_rw; ${fixture()}`)
  } finally {
    await admin.end()
  }
}

async function own(server: PostgresServer, database: string): Promise<void> {
  const admin = new pg.Client({ connectionString: server.url(database) })
  await admin.connect()
  try {
    await admin.query(`ALTER DATABASE ${database} OWNER TO app_rw; ALTER SCHEMA public OWNER TO app_rw`)
  } finally {
    await admin.end()
  }
}

async function agentPlace(stack: Stack, name: string, running: Place['running']): Promise<Place> {
  const ann = await stack.as('ann')
  const issued = await until(`a token for ${name}`, () => ann.token(name))
  const { host, port, database, user, ca } = issued.connection
  const caFile = join(stack.dir, 'secrets', `${name}.pem`)
  writeFileSync(caFile, ca)
  await until(`the agent serves ${name}`, async () => {
    const client = new pg.Client({ host, port, database, user, password: issued.token, ssl: { ca } })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('SELECT 1')
      return true
    } finally {
      await client.end().catch(() => {})
    }
  })
  return { host, port, database, user, password: issued.token, ca, caFile, running }
}

function directPlace(stack: Stack): Omit<Place, 'running'> {
  const caFile = join(stack.dir, 'secrets', 'clients-target.pem')
  writeFileSync(caFile, stack.places.TARGET_CA)
  const { ports, credential: password } = stack
  return {
    host: 'localhost',
    port: ports.target,
    database: 'clients',
    user: 'app_rw',
    password,
    ca: stack.places.TARGET_CA,
    caFile,
  }
}

const oldPlace = (stack: Stack, old: PostgresServer): Place => ({
  host: '127.0.0.1',
  port: old.port,
  database: 'clients',
  user: 'app_rw',
  password: stack.credential,
  ca: '',
  caFile: '',
  running: async () => {},
})

interface Wanted {
  readonly name: string
  readonly port: number
  readonly preset: 'none' | 'tooling'
  /** On this host and without TLS. */
  readonly isOld?: boolean
  readonly database?: string
}

const targetOf = (
  { name, port, preset, isOld = false, database = 'clients' }: Wanted,
  places: Places,
): string => `apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${name}, labels: { clients: "yes" } }
spec:
  protocol: postgres
  agents: [${agentName}]
  host: ${isOld ? '127.0.0.1' : 'localhost'}
  port: ${port}
  database: ${database}
  preset: ${preset}
  tls:
    ${
      isOld
        ? 'mode: disable'
        : `mode: verify-full
    ca: |
      ${places.TARGET_CA.trim().replaceAll('\n', '\n      ')}`
    }
  roles:
    - name: app_rw
      password: { file: "${places.CREDENTIAL_FILE}" }
`

const policies = `apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: clients }
spec:
  targets: { labels: { clients: "yes" } }
  rules:
    - { name: everything, effect: allow, callers: { any: true } }
    - { name: system, effect: allow, callers: { any: true }, objects: ["pg_catalog.*", "information_schema.*"] }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: clients-masked }
spec:
  targets: { names: [clients-masked] }
  rules:
    - { name: vault-is-shut, effect: deny, objects: ["public.vault"] }
    - name: a-person-looks
      effect: hold
      callers: { any: true }
      operations: [truncate]
      approval: { reviewers: [{ group: dba, count: 1 }], expires: 15m, wait: 60s }
  masks:
    - { columns: ["public.people.email"], method: email }
    - { columns: ["public.people.born"], method: year }
`
