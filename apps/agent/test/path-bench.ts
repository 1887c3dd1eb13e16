// What one statement costs inside the agent, without sockets: real machine, gate, policies and spool between two streams in
// memory. Prints CPU microseconds of this process for each statement, cold and warm; the two ends cost about one of them.
//   npx tsx apps/agent/test/path-bench.ts [--statements N] [--only simple|prepared|masked]
import { createHmac, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { parseArgs } from 'node:util'
import { systemClock } from '@sallyport/base/clock'
import type { SqlParser } from '@sallyport/sql/facts'
import { encodeBackend, encodeFrontend } from '@sallyport/wire/postgres/encode'
import type { BackendMessage, FrontendMessage } from '@sallyport/wire/postgres/messages'
import { createBudgets } from '../src/limits/budgets.ts'
import { countStatement, createMetrics } from '../src/metrics.ts'
import { loadParser } from '../src/parser.ts'
import { Departures } from '../src/postgres/departures.ts'
import { LentConnection } from '../src/postgres/lent.ts'
import { createMachine } from '../src/postgres/machine.ts'
import { runSession } from '../src/postgres/run.ts'
import { OwnConnection } from '../src/postgres/target-link.ts'
import { scanTokens } from '../src/postgres/tokens.ts'
import { loadRecordKey } from '../src/record/key.ts'
import { openRecorder } from '../src/record/recorder.ts'
import { createAnalyser, factsCache } from '../src/session/analysis.ts'
import { createGate } from '../src/session/gate.ts'
import { snapshotOf, testSnapshots } from './data-path.ts'
import { fakeHolds } from './fake-holds.ts'
import { holdDepsOf, noInitiators } from './hold-deps.ts'
import { noOwnCatalog, testCatalog } from './small-catalog.ts'

const yaml = (masks: string): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop }
spec: { protocol: postgres, agents: [a], host: h, database: d, roles: [{ name: app, password: { env: P } }] }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: p }
spec:
  targets: { any: true }
  rules: [{ name: everything, effect: allow, callers: { any: true } }]
  masks: ${masks}
`

/** One end: what the agent writes is looked at, what the end says is read at once. */
class End extends Duplex {
  onBytes: (chunk: Buffer) => void = () => {}
  override _read(): void {}
  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    done()
    this.onBytes(chunk)
  }
  say(bytes: Buffer): void {
    this.push(bytes)
  }
}

const toTarget = (...all: FrontendMessage[]): Buffer => Buffer.concat(all.map(encodeFrontend))
const toClient = (...all: BackendMessage[]): Buffer => Buffer.concat(all.map(encodeBackend))
const column = (name: string, attributeNumber: number, typeOid: number) =>
  ({ name, tableOid: 20_000, attributeNumber, typeOid, typeSize: -1, typeModifier: -1, format: 0 }) as const
const columns = [column('ssn', 2, 25)]
const row: BackendMessage = { type: 'dataRow', values: [Buffer.from('1234567890')] }
const ready: BackendMessage = { type: 'readyForQuery', status: 'I' }
const done: BackendMessage = { type: 'commandComplete', tag: 'SELECT 1' }
/** The answer to the machine's own question at the start. */
const path = toClient(
  { type: 'parseComplete' },
  { type: 'bindComplete' },
  { type: 'dataRow', values: [Buffer.from('[["pg_catalog","public"],"public","app","on","UTF8"]')] },
  done,
  { type: 'closeComplete' },
  { type: 'closeComplete' },
  ready,
)

/** Long enough for a question and its answer. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((settle) => setImmediate(settle))
}

interface Way {
  readonly prelude: Buffer | null
  readonly preludeAnswer: Buffer
  ask(at: number): Buffer
  readonly answer: Buffer
}

const simple: Way = {
  prelude: null,
  preludeAnswer: Buffer.alloc(0),
  ask: (at) => toTarget({ type: 'query', text: `SELECT ssn FROM people WHERE id = ${at % 90_000};` }),
  answer: toClient({ type: 'rowDescription', columns }, row, done, ready),
}
const prepared: Way = {
  prelude: toTarget(
    { type: 'parse', name: 'P0', text: 'SELECT ssn FROM people WHERE id = $1;', parameterTypes: [] },
    { type: 'sync' },
  ),
  preludeAnswer: toClient({ type: 'parseComplete' }, ready),
  ask: (at) =>
    toTarget(
      {
        type: 'bind',
        portal: '',
        statement: 'P0',
        parameterFormats: [],
        parameters: [Buffer.from(String(at % 90_000))],
        resultFormats: [],
      },
      { type: 'describe', what: 'portal', name: '' },
      { type: 'execute', portal: '', rowsMax: 0 },
      { type: 'sync' },
    ),
  answer: toClient({ type: 'bindComplete' }, { type: 'rowDescription', columns }, row, done, ready),
}

async function measure(name: string, way: Way, masks: string, statements: number, parser: SqlParser): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-path-'))
  const log = { debug() {}, info() {}, warn: console.error, error: console.error }
  const monotonicUs = () => performance.now() * 1_000
  const recorder = openRecorder({
    directory: join(dir, 'spool'),
    agent: '0'.repeat(32),
    key: loadRecordKey(join(dir, 'record.key')),
    clock: systemClock,
    monotonicUs,
    log,
  })
  const record = recorder.open('1'.repeat(32) as never, 'spool')
  const chain = {
    initiator: {
      kind: 'user',
      issuer: 'https://idp.test',
      subject: 'ann',
      groups: ['engineering'],
      claims: {},
      display: 'Ann',
      assurance: 'verified',
    },
    actors: [],
  } as const
  const session = {
    id: '1'.repeat(32),
    upstreamRole: 'app',
    database: 'd',
    clientAddress: '127.0.0.1',
    applicationName: 'bench',
    tls: true,
    authentication: 'jwt-password',
  }
  record.append({
    kind: 'session-opened',
    agent: '0'.repeat(32),
    agentName: 'a',
    target: 'shop',
    protocol: 'postgres',
    upstreamRole: 'app',
    database: 'd',
    initiator: { kind: 'user', issuer: 'i', subject: 's', display: 's', groups: [], assurance: 'verified' },
    actors: [],
    clientAddress: '127.0.0.1',
    applicationName: '',
    tls: true,
    authentication: 'jwt-password',
    tokenIds: [],
    snapshotVersion: 1,
  })
  const known = testCatalog()
  const gate = createGate({
    initiators: noInitiators,
    snapshots: testSnapshots(snapshotOf(yaml(masks), {})),
    target: 'shop',
    chain,
    session,
    catalog: { fresh: () => known, read: async () => known, renewed: async () => known, own: noOwnCatalog },
    analyser: createAnalyser(parser, { preset: 'none' }, factsCache(), 'shop'),
    record,
    scan: scanTokens,
    clock: systemClock,
    monotonicUs,
    hold: holdDepsOf(fakeHolds().holds),
    budgets: createBudgets(systemClock),
    onRefused: (error) => console.error(error),
  })
  const key = randomBytes(32)
  const client = new End()
  const target = new End()
  const counts = createMetrics().countsOf('shop')
  target.onBytes = () => void setImmediate(() => target.say(path))
  const run = runSession({
    client,
    link: new OwnConnection({ target, cancelTarget: async () => true, releaseTarget() {} }),
    machine: createMachine({
      serverVersion: 180_004,
      hash: (value) => createHmac('sha256', key).update(value).digest(),
      settings: [],
    }),
    gate,
    record,
    lent: new LentConnection(),
    deadlines: { messageMsMax: 60_000, stalledMsMax: 60_000, idleInTransactionMsMax: 60_000 },
    departures: new Departures(),
    monotonicUs,
    log,
    onCatalogChanged: () => undefined,
    isTokenExpired: () => false,
    onOutcome(running, outcome) {
      countStatement(counts, outcome)
      counts.rows += running.rows
      counts.maskedValues += running.maskedValues
    },
  })
  await turns()
  if (way.prelude !== null) {
    target.onBytes = () => setImmediate(() => target.say(way.preludeAnswer))
    client.say(way.prelude)
    await turns()
  }
  const marks = [100, 1_000, 5_000, statements / 2, statements]
  let at = 0
  let finish: () => void = () => {}
  target.onBytes = () => setImmediate(() => target.say(way.answer))
  client.onBytes = () => {
    at += 1
    if (at === goal) finish()
    else setImmediate(() => client.say(way.ask(at)))
  }
  let goal = 0
  const shown: string[] = []
  let before = 0
  for (const mark of marks) {
    goal = mark
    const start = process.cpuUsage()
    const ended = new Promise<void>((settle) => {
      finish = settle
    })
    client.say(way.ask(at))
    await ended
    const { user, system } = process.cpuUsage(start)
    shown.push(`to ${mark}: ${((user + system) / (mark - before)).toFixed(1)}`)
    before = mark
  }
  console.log(`${name.padEnd(16)} ${shown.join('   ')}`)
  run.end('done')
  await run.ended
  await recorder.close()
  rmSync(dir, { recursive: true, force: true })
}

const { values } = parseArgs({ options: { statements: { type: 'string' }, only: { type: 'string' } } })
const statements = Number(values.statements ?? '40000')
const parser = await loadParser()
const masks = '[{ columns: [public.people.ssn], method: { partial: { keepLast: 4 } } }]'
const all = { simple: [simple, '[]'], prepared: [prepared, '[]'], masked: [simple, masks] } as const
for (const [name, [way, rules]] of Object.entries(all))
  if (values.only === undefined || values.only === name) await measure(name, way, rules, statements, parser)
process.exit(0)
