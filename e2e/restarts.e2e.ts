// Killed in mid-use: the agent and the control plane lose nothing that was acknowledged, and every statement in the
// target's own log has an intent in the record. Stopped or killed, an agent leaves nothing running at the target.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { fingerprintOf } from './demo/story.ts'
import { runCli } from './stack/cli.ts'
import { shopTarget } from './stack/documents.ts'
import { nextPending } from './stack/holds.ts'
import { clientOf } from './stack/people-api.ts'
import { reachable, readLog, type Stack } from './stack/stack.ts'
import { until } from './stack/until.ts'
import { useStack } from './stack/use.ts'

const stack = useStack({ targetSettings: { log_statement: 'all', log_line_prefix: '%m [%p] %u ' } })

interface Recorded {
  readonly kind: string
  readonly session: string
  readonly seq: number
  readonly statement?: number
  readonly text?: string
}

/** Every statement of the load is one of a kind: its number is how it is found again. */
const marked = (number: number): string => `SELECT id FROM orders WHERE id > ${1_000_000 + number}`
const numberOf = (text: string): number | null => {
  const found = /id > 1(\d{6})\b/.exec(text)
  return found === null ? null : Number(found[1])
}

interface Load {
  /** Numbers of statements whose result came back to the client. */
  readonly answered: Set<number>
  stop(): Promise<void>
}

/** Clients that go on asking, whatever happens; each connects anew when its connection is lost. */
function startLoad(token: Token, clients: number): Load {
  const answered = new Set<number>()
  let next = 0
  let isStopping = false
  const one = async () => {
    while (!isStopping) {
      const client = clientOf(token)
      client.on('error', () => {})
      try {
        await client.connect()
        while (!isStopping) {
          const number = next++
          await client.query(marked(number))
          answered.add(number)
        }
      } catch {
        // Killed in mid-use, or not up again yet: the loop connects anew.
      } finally {
        await client.end().catch(() => {})
      }
      if (!isStopping) await until('the agent listens again', () => isUp(token), 60_000)
    }
  }
  const running = Promise.all(Array.from({ length: clients }, one))
  return {
    answered,
    async stop() {
      isStopping = true
      await running
    },
  }
}

type Token = Awaited<ReturnType<typeof tokenOf>>
const tokenOf = async (from: Stack) => await (await from.as('ann')).token()

/** Lets in with the token that is there: the control plane may be down while the agent goes on. */
async function isUp(token: Token): Promise<boolean> {
  const client = clientOf(token)
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } finally {
    await client.end().catch(() => {})
  }
}

async function exportOf(from: Stack, name: string): Promise<{ file: string; entries: Recorded[] }> {
  const file = join(from.dir, 'people', `${name}.jsonl`)
  const ran = await runCli(['sessions', 'export', '-o', file], { home: await from.cliHome('adam') })
  expect(ran.status, ran.stderr).toBe(0)
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const entries = lines.flatMap((line): Recorded[] => {
    const parsed: { entry?: string } = JSON.parse(line)
    return parsed.entry === undefined ? [] : [JSON.parse(parsed.entry)]
  })
  return { file, entries }
}

const intents = (entries: readonly Recorded[]): Set<number> =>
  new Set(entries.flatMap((entry) => (entry.kind === 'intent' ? (numberOf(entry.text ?? '') ?? []) : [])))

/** Numbers of the statements that the target itself logged, however they came. */
const inTargetLog = (from: Stack): Set<number> =>
  new Set(
    readLog(from.logs.target)
      .split('\n')
      .flatMap((line) => (/app_rw LOG: {2}(statement|execute)/.test(line) ? (numberOf(line) ?? []) : [])),
  )

async function expectVerified(from: Stack, file: string): Promise<void> {
  const parameters = ['audit', 'verify', file, '--key', fingerprintOf(from), '--json']
  const ran = await runCli(parameters, { home: await from.cliHome('adam') })
  expect(ran.status, ran.stdout.slice(0, 2_000)).toBe(0)
}

/** All that the agent has was taken in: no session is live, and its spool has nothing left. */
async function settled(from: Stack): Promise<void> {
  const admin = await from.as('adam')
  await until('every session is over in the record', async () => {
    const { body } = await admin.get('/api/v1/sessions?state=live&limit=1')
    return body.items.length === 0
  })
}

test('kill -9 of agent and control plane in mid-use: nothing that was acknowledged is lost', async () => {
  const from = stack()
  const token = await tokenOf(from)
  const load = startLoad(token, 4)
  const more = async (count: number) => {
    const wanted = load.answered.size + count
    await until(`${count} more statements were answered`, () => load.answered.size >= wanted, 60_000)
  }
  try {
    await more(40)
    await from.agent.kill('SIGKILL')
    await from.startAgent()
    await more(40)
    const before = await exportOf(from, 'before')
    await from.controlPlane.kill('SIGKILL')
    // The agent decides by its snapshot and keeps its entries: traffic goes on without the control plane.
    await more(40)
    await from.startControlPlane()
    await more(40)
    const after = await exportOf(from, 'after')
    for (const number of intents(before.entries)) expect(intents(after.entries)).toContain(number)
    await from.agent.kill('SIGKILL')
    await from.controlPlane.kill('SIGKILL')
    await from.startControlPlane()
    await from.startAgent()
    await more(40)
  } finally {
    await load.stop()
  }
  await settled(from)
  const { file, entries } = await exportOf(from, 'all')
  const recorded = intents(entries)
  expect([...load.answered].filter((number) => !recorded.has(number))).toEqual([])
  const executed = inTargetLog(from)
  expect(executed.size).toBeGreaterThanOrEqual(200)
  expect([...executed].filter((number) => !recorded.has(number))).toEqual([])
  await expectVerified(from, file)
})

test('entries of a session have no gap and no double, also across the kills', async () => {
  const { entries } = await exportOf(stack(), 'gaps')
  const bySession = groupBy(entries)
  expect(bySession.size).toBeGreaterThan(4)
  for (const list of bySession.values()) expect(list.map((entry) => entry.seq)).toEqual(list.map((_, index) => index))
})

function groupBy(entries: readonly Recorded[]): Map<string, Recorded[]> {
  const groups = new Map<string, Recorded[]>()
  for (const entry of entries) groups.set(entry.session, [...(groups.get(entry.session) ?? []), entry])
  return groups
}

test('an agent that is stopped in order ends its sessions, and is back with the same key', async () => {
  const from = stack()
  const key = fingerprintOf(from)
  const client = clientOf(await tokenOf(from))
  const ended = new Promise<string>((done) =>
    client.on('error', (error) => done('code' in error ? String(error.code) : '')),
  )
  await client.connect()
  await client.query(marked(999_999))
  await from.agent.stop()
  expect(await ended).toBe('57P01')
  await from.startAgent()
  await reachable(from)
  expect(fingerprintOf(from)).toBe(key)
  await settled(from)
  const { entries, file } = await exportOf(from, 'stopped')
  expect(intents(entries)).toContain(999_999)
  await expectVerified(from, file)
})

const endings = (from: Stack): string => `${shopTarget({ name: 'endings', place: 'endings' }, from.places)}---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: endings }
spec:
  targets: { labels: { place: endings } }
  rules:
    - { name: all, effect: allow, callers: { any: true } }
    - { name: waits, effect: allow, callers: { any: true }, objects: ["pg_catalog.pg_sleep()"] }
    - name: a-person-looks
      effect: hold
      callers: { any: true }
      operations: [delete]
      approval: { reviewers: [{ group: dba, count: 1 }], expires: 15m, wait: 60s }
`

/** Of the target `endings`, as one client has it. */
interface Ending {
  readonly client: pg.Client
  /** The code with which the connection ended, or what the socket said. */
  readonly ended: Promise<string>
}

async function openEnding(from: Stack): Promise<Ending> {
  const client = clientOf(await (await from.as('ann')).token('endings'))
  const ended = new Promise<string>((done) => {
    client.on('error', (error) => done('code' in error ? String(error.code) : error.message))
  })
  await client.connect()
  return { client, ended }
}

/** SQLSTATE of what is refused. */
const codeOf = async (run: Promise<unknown>): Promise<string> =>
  await run.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
  )

/** The target itself, past the agent. */
async function withTarget<T>(from: Stack, run: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: from.target.url('shop') })
  await admin.connect()
  try {
    return await run(admin)
  } finally {
    await admin.end()
  }
}

const marks = async (admin: pg.Client): Promise<number[]> =>
  (await admin.query('SELECT id FROM endings ORDER BY id')).rows.map(({ id }) => id)

const backends = async (admin: pg.Client, state: string): Promise<number> =>
  (await admin.query("SELECT 1 FROM pg_stat_activity WHERE usename = 'app_rw' AND state = $1", [state])).rows.length

test('SIGTERM: what is idle or waits for a person ends at once, a transaction may finish, and what does not is undone', async () => {
  const from = stack()
  await withTarget(from, async (admin) => {
    await admin.query('CREATE TABLE endings (id integer PRIMARY KEY); GRANT ALL ON endings TO app_rw')
    await admin.query('INSERT INTO endings VALUES (0)')
    const applied = await (await from.as('adam')).post('/api/v1/apply', { yaml: endings(from) })
    expect(applied.status, applied.text).toBe(200)
    await from.agent.stop()
    await from.startAgent({ SALLYPORT_DRAIN_SECONDS: '3' })
    const idle = await until('the agent serves the target', () => openEnding(from))
    const [finishing, forgotten, asleep, held] = [
      await openEnding(from),
      await openEnding(from),
      await openEnding(from),
      await openEnding(from),
    ]
    await until('the new table is known', () => idle.client.query('SELECT id FROM endings'))
    await finishing.client.query('BEGIN; INSERT INTO endings VALUES (1)')
    await forgotten.client.query('BEGIN; INSERT INTO endings VALUES (2)')
    const slept = codeOf(asleep.client.query('SELECT pg_sleep(600)'))
    const deleted = codeOf(held.client.query('DELETE FROM endings WHERE id = 0'))
    await nextPending(await from.as('bob'))
    await until('the statement runs', async () => (await backends(admin, 'active')) === 1)
    const stopped = from.agent.stop()
    expect(await idle.ended).toBe('57P01')
    expect(await deleted).toBe('SPH02')
    expect(await held.ended).toBe('57P01')
    expect(await codeOf(openEnding(from))).toBe('ECONNREFUSED')
    await finishing.client.query('INSERT INTO endings VALUES (3); COMMIT')
    expect(await finishing.ended).toBe('57P01')
    // The drain is over.
    expect([await forgotten.ended, await slept]).toEqual(['57P01', '57P01'])
    await stopped
    expect(await from.agent.exited).toBe(0)
    await until('no backend is left', async () => (await backends(admin, 'active')) === 0)
    expect(await marks(admin)).toEqual([0, 1, 3])
  })
  await from.startAgent()
})

test('SIGKILL: what the agent ran ends at the target soon after, and its transaction is undone', async () => {
  const from = stack()
  const running = await until('the agent serves the target', () => openEnding(from))
  await running.client.query('BEGIN; INSERT INTO endings VALUES (4)')
  const slept = codeOf(running.client.query('SELECT pg_sleep(600)'))
  await withTarget(from, async (admin) => {
    await until('the statement runs', async () => (await backends(admin, 'active')) === 1)
    await from.agent.kill('SIGKILL')
    expect(await slept).not.toBe('no error')
    await until('the target has noticed', async () => (await backends(admin, 'active')) === 0)
    expect(await marks(admin)).not.toContain(4)
  })
  await from.startAgent()
})
