// Four databases that are the same, one for each way to a target: direct, and through the agent under three policies.
// Each is put back to where it was between two scripts, by an administrator who goes to the target directly.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { Places } from '../stack/documents.ts'
import { createDatabase } from '../stack/shop.ts'
import { agentName, root, type Stack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'
import type { Place } from './driver.ts'
import { type RouteName, routeNames, type Script } from './script.ts'

export const wayNames = ['direct', ...routeNames] as const
export type WayName = (typeof wayNames)[number]

export interface Way {
  readonly place: Place
  /** Everything that scripts change, as it was. */
  startOver(script: Script): Promise<void>
  readonly admin: pg.Client
}

export type Ways = Readonly<Record<WayName, Way>>

export const databaseOf = (way: WayName): string => `diff_${way}`

export async function openWays(stack: Stack): Promise<Ways> {
  await createDatabase(stack.target, databaseOf('direct'))
  const fixture = readFileSync(join(root, 'e2e', 'differential', 'fixture.sql'), 'utf8')
  await as(stack.target.url(databaseOf('direct')), async (admin) => {
    await admin.query(`ALTER DATABASE ${databaseOf('direct')} OWNER TO app_rw; ALTER SCHEMA public OWNER TO app_rw`)
    await admin.query(`SET ROLE app_rw; ${fixture}`)
  })
  await as(stack.target.url('postgres'), async (admin) => {
    // Copies have the same object numbers.
    for (const route of routeNames)
      await admin.query(
        `CREATE DATABASE ${databaseOf(route)} TEMPLATE ${databaseOf('direct')} OWNER app_rw STRATEGY file_copy`,
      )
  })
  const applied = await (await stack.as('adam')).post('/api/v1/apply', { yaml: documents(stack.places) })
  if (applied.status !== 200) throw new Error(applied.text)
  const entries: [WayName, Way][] = []
  for (const way of wayNames) entries.push([way, await openWay(stack, way)])
  return Object.fromEntries(entries) as unknown as Ways
}

export async function closeWays(ways: Ways): Promise<void> {
  for (const way of wayNames) await ways[way].admin.end().catch(() => {})
}

async function as(url: string, run: (admin: pg.Client) => Promise<void>): Promise<void> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  try {
    await run(admin)
  } finally {
    await admin.end()
  }
}

async function openWay(stack: Stack, way: WayName): Promise<Way> {
  const admin = new pg.Client({ connectionString: stack.target.url(databaseOf(way)) })
  admin.on('error', () => {})
  await admin.connect()
  const running = (text: string) =>
    until(`the target runs "${text}"`, async () => {
      const { rows } = await admin.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query = $1
         AND (wait_event_type IS NULL OR wait_event_type IN ('Timeout', 'Lock', 'IPC'))`,
        [text],
      )
      return rows.length > 0
    }).then(() => {})
  let isDirty = false
  const place = await (way === 'direct' ? directPlace(stack, running) : agentPlace(stack, way, running))
  return {
    place,
    admin,
    async startOver(script) {
      const texts = script.steps.flatMap(({ text, statements }) => [text, ...statements.map((one) => one.text)])
      const makesObjects = texts.some((text) => text.includes('scratch'))
      if (makesObjects || isDirty)
        await admin.query(
          'DROP SCHEMA IF EXISTS scratch, scratch_two CASCADE; CREATE SCHEMA scratch AUTHORIZATION app_rw',
        )
      isDirty = makesObjects
      await admin.query('CALL public.start_over()')
    },
  }
}

async function directPlace(stack: Stack, running: Place['running']): Promise<Place> {
  const caFile = join(stack.dir, 'secrets', 'target-ca.pem')
  writeFileSync(caFile, stack.places.TARGET_CA)
  return {
    host: 'localhost',
    port: stack.ports.target,
    database: databaseOf('direct'),
    user: 'app_rw',
    password: stack.credential,
    ca: stack.places.TARGET_CA,
    caFile,
    running,
  }
}

async function agentPlace(stack: Stack, route: RouteName, running: Place['running']): Promise<Place> {
  const person = await stack.as('ann')
  const issued = await until(`the target ${databaseOf(route)} is there`, () => person.token(targetOf(route)))
  const { host, port, database, user, ca } = issued.connection
  const caFile = join(stack.dir, 'secrets', `${route}-ca.pem`)
  writeFileSync(caFile, ca)
  const place = { host, port, database, user, password: issued.token, ca, caFile, running }
  await until('the agent serves it', async () => {
    const client = new pg.Client({ host, port, database, user, password: issued.token, ssl: { ca } })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('SELECT id FROM people')
      return true
    } finally {
      await client.end().catch(() => {})
    }
  })
  return place
}

const targetOf = (route: RouteName): string => databaseOf(route).replace('_', '-')

const target = (route: RouteName, places: Places): string => `apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${targetOf(route)}, labels: { differential: "yes" } }
spec:
  protocol: postgres
  agents: [${agentName}]
  host: localhost
  port: ${places.TARGET_PORT}
  database: ${databaseOf(route)}
  recording: ${route === 'strict' ? 'strict' : 'spool'}
  tls:
    mode: verify-full
    ca: |
      ${places.TARGET_CA.trim().replaceAll('\n', '\n      ')}
  roles:
    - name: app_rw
      password: { file: "${places.CREDENTIAL_FILE}" }
`

/** Everything is allowed on all three; on one of them columns are masked and a table is denied. None holds. */
const policies = `apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: differential-all }
spec:
  targets: { labels: { differential: "yes" } }
  rules:
    - { name: everything, effect: allow, callers: { any: true } }
    - { name: system, effect: allow, callers: { any: true }, objects: ["pg_catalog.*", "information_schema.*"] }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: differential-masks }
spec:
  targets: { names: [diff-masks] }
  rules:
    - { name: vault-is-shut, effect: deny, objects: ["public.vault"] }
  masks:
    - { columns: ["public.people.email"], method: email }
    - { columns: ["public.people.born"], method: year }
`

const documents = (places: Places): string =>
  [...routeNames.map((route) => target(route, places)), policies].join('---\n')
