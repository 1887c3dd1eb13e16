// The clients that people use, through the agent with masks, a deny rule and recording on: each does all of the matrix that it
// can, and what one cannot do is said in the matrix and in docs/drivers.md. psql and pg_dump print what they print directly.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodePostgres } from './clients/node-postgres.ts'
import { type ClientPlaces, openClientPlaces } from './clients/places.ts'
import { postgresJs } from './clients/postgres-js.ts'
import { generate, prisma, runPrisma } from './clients/prisma.ts'
import { hasJdbc, hasPython, jdbcClient, python, pythonClient } from './clients/programs.ts'
import { backslashCommands, psql } from './clients/psql.ts'
import { PsqlTerminal } from './clients/psql-terminal.ts'
import { type Client, capabilities, type Report } from './clients/report.ts'
import { environmentOf, findProgram, type Printed, runTool, serverFolder } from './clients/tools.ts'
import type { Place } from './differential/driver.ts'
import { root } from './stack/stack.ts'
import { until } from './stack/until.ts'
import { hasPsql, useStack } from './stack/use.ts'

const stack = useStack({ targetSettings: { autovacuum: 'off' } })
let places: ClientPlaces
beforeAll(async () => {
  places = await openClientPlaces(stack())
}, 240_000)
afterAll(async () => {
  await places?.close()
})

const clients: readonly { readonly name: string; readonly client: Client; readonly isThere: boolean }[] = [
  { name: 'psql', client: psql, isThere: hasPsql },
  { name: 'node-postgres', client: nodePostgres, isThere: true },
  { name: 'postgres.js', client: postgresJs, isThere: true },
  { name: 'Prisma', client: prisma, isThere: true },
  { name: 'psycopg 3', client: pythonClient('psycopg3_client.py'), isThere: hasPython('psycopg') },
  { name: 'psycopg2', client: pythonClient('psycopg2_client.py'), isThere: hasPython('psycopg2') },
  { name: 'SQLAlchemy', client: pythonClient('sqlalchemy_client.py'), isThere: hasPython('sqlalchemy') },
  { name: 'pgjdbc', client: jdbcClient, isThere: hasJdbc },
]

/** Rows of the table in docs/drivers.md: client, capability, cell. */
const documented: ReadonlyMap<string, readonly string[]> = new Map(
  readFileSync(join(root, 'docs', 'drivers.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .map(([name = '', ...cells]) => [name, cells]),
)

describe.each(clients)('$name', ({ name, client, isThere }) => {
  let report: Report = {}
  beforeAll(async () => {
    if (!isThere) return
    if (name === 'Prisma') await generate()
    report = await client(places.masked)
  }, 120_000)

  test.runIf(isThere).each(capabilities)('%s', (capability) => {
    const outcome = report[capability] ?? 'missing'
    expect(/^(done|cannot: )/.test(outcome), outcome).toBe(true)
    const cell = documented.get(name)?.[capabilities.indexOf(capability)]
    expect(cell, `docs/drivers.md on ${name}`).toBe(outcome === 'done' ? 'yes' : 'no')
    if (outcome !== 'done')
      expect(readFileSync(join(root, 'docs', 'drivers.md'), 'utf8')).toContain(outcome.slice('cannot: '.length))
  })
})

test.runIf(process.env.SALLYPORT_TEST === 'full')('in the full run no client is missing', () => {
  expect(clients.filter(({ isThere }) => !isThere).map(({ name }) => name)).toEqual([])
  for (const program of ['pg_dump', 'pgbench']) expect(findProgram(program), program).toBeDefined()
})

test('every session of the matrix has its record', async () => {
  const admin = await stack().as('adam')
  const { body } = await until('the sessions are there', async () => {
    const answer = await admin.get('/api/v1/sessions?limit=100')
    return answer.body.items.length >= 20 ? answer : null
  })
  expect(body.items.filter(({ target }: { target: string }) => target === 'clients-masked').length).toBeGreaterThan(10)
})

test.runIf(hasPsql)('psql prints for each backslash command what it prints directly', async () => {
  const input = backslashCommands.map((command) => `\\echo ## ${command}\n${command}\n`).join('')
  const [agent, direct] = await Promise.all(
    [places.open, places.direct].map((place) => runTool('psql', ['-X', '-q'], place, input)),
  )
  expect(differing(agent!, direct!)).toEqual([])
})

/** Commands whose output is another one, with what the agent's side says. */
function differing(agent: Printed, direct: Printed): string[] {
  const left = commandsOf(agent.stdout)
  const right = commandsOf(direct.stdout)
  const found = backslashCommands.filter((command) => left.get(command) !== right.get(command))
  return found.map((command) => `${command}: ${left.get(command)?.slice(0, 300)} | ${agent.stderr.slice(0, 900)}`)
}

const commandsOf = (text: string): Map<string, string> =>
  new Map(
    text
      .replaceAll('clients-open', 'clients')
      .split('## ')
      .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)] as const),
  )

/** What is typed before the tab key, and what has to be on the line after it. */
const completions = [
  ['SELECT * FROM peo', 'people'],
  ['INSERT INTO not', 'notes'],
  ['\\d tick', 'tickets'],
  ['ALTER TABLE items DROP COLUMN gro', 'gross'],
  ['SELECT name FROM items WHERE pri', 'price'],
  ['SET TimeZone TO Europe/Berl', 'Europe/Berlin'],
  ['DROP VIEW cont', 'contacts'],
  ['CALL rename', 'rename_item'],
  ['\\dn scr', 'scratch'],
] as const

test.runIf(hasPsql)('psql completes names by the tab key', async () => {
  const done = spawnSync(python, [join(root, 'e2e', 'clients', 'psql_tab.py')], {
    env: environmentOf(places.open),
    input: JSON.stringify(completions),
    encoding: 'utf8',
    timeout: 100_000,
  })
  expect(done.status, done.stderr).toBe(0)
  const lines: Record<string, string> = JSON.parse(done.stdout)
  for (const [beginning, wanted] of completions) expect(lines[beginning]).toContain(wanted)
})

test.runIf(hasPsql && hasPython('pty'))(
  'Ctrl-C in psql ends what runs, waits or is watched, and the session goes on',
  async () => {
    const terminal = new PsqlTerminal(places.masked)
    const cancelled = /ERROR: +57014: [^\r\n]*/
    const goesOn = async () => {
      await terminal.isReady()
      terminal.type("SELECT 'it goes', 'on';")
      await terminal.sees(/it goes\|on/)
      await terminal.isReady()
    }
    try {
      await terminal.isReady()
      terminal.type('SELECT pg_backend_pid();')
      const session = await terminal.sees(/^\d+\r/m)
      await terminal.isReady()
      terminal.type('SELECT pg_sleep(600);')
      await places.masked.running('SELECT pg_sleep(600);')
      terminal.interrupt()
      await terminal.sees(cancelled)
      await goesOn()
      terminal.type('TRUNCATE notes;')
      await terminal.sees(/NOTICE: [^\r\n]*/)
      terminal.interrupt()
      await terminal.sees(cancelled)
      await goesOn()
      terminal.type("SELECT 'tick' \\watch 0.1")
      await terminal.sees(/tick\r\n[\s\S]*tick\r\n/)
      terminal.interrupt()
      await goesOn()
      terminal.type('SELECT pg_sleep(601) \\watch 1')
      await places.masked.running('SELECT pg_sleep(601) ')
      terminal.interrupt()
      await terminal.sees(cancelled)
      await goesOn()
      terminal.type('SELECT pg_backend_pid();')
      expect(await terminal.sees(/^\d+\r/m)).toBe(session)
    } finally {
      await terminal.quit()
    }
  },
)

const hasOld = serverFolder() !== undefined

test.runIf(hasOld)('pg_dump writes schema and rows as it does directly', async () => {
  const { old } = places
  const dump = findProgram('pg_dump') ?? ''
  const flags = ['--no-owner', '--no-acl']
  const [agent, direct] = await Promise.all([old!.agent, old!.direct].map((place) => runTool(dump, flags, place)))
  expect(agent!.stderr === direct!.stderr, agent!.stderr).toBe(true)
  expect(agent!.status).toBe(0)
  expect(agent!.stdout).toContain('COPY public.people')
  expect(withoutKey(agent!.stdout)).toBe(withoutKey(direct!.stdout))
})

/** Newer versions fence their output with a random key. */
const withoutKey = (text: string): string => text.replaceAll(/^\\(un)?restrict .*$/gm, '')

test.runIf(hasOld && findProgram('pgbench') !== undefined)('pgbench runs in each of its query modes', async () => {
  const pgbench = findProgram('pgbench') ?? ''
  const make = await runTool(pgbench, ['-i', '-s', '1', '-q'], places.direct)
  expect(make.status, make.stderr).toBe(0)
  for (const mode of ['simple', 'extended', 'prepared']) {
    const { status, stdout, stderr } = await until(`pgbench in mode ${mode}`, async () => {
      const ran = await runTool(pgbench, ['-n', '-c', '2', '-t', '50', '-M', mode], places.open)
      return ran.stderr.includes('STATEMENT_UNKNOWN') ? null : ran
    })
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(/number of transactions actually processed: 100\/100/)
    expect(stdout).toMatch(/number of failed transactions: 0/)
  }
})

const migrate = (place: Place) => runPrisma(['migrate', 'deploy'], place)

test('Prisma migrates through the agent, and once only', async () => {
  const first = await migrate(places.empty)
  expect(first.status, first.words).toBe(0)
  const second = await migrate(places.empty)
  expect(second.words.includes('No pending migrations'), second.words).toBe(true)
  const status = await runPrisma(['migrate', 'status'], places.empty)
  expect(status.words).toContain('Database schema is up to date')
}, 240_000)
