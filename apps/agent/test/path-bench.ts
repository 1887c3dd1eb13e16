// What one statement costs inside the agent, without sockets: real machine, gate, policies and spool between two streams in
// memory. Prints CPU microseconds of this process for each statement, cold and warm; the two ends cost about one of them.
//   npx tsx apps/agent/test/path-bench.ts [--statements N] [--only simple|prepared|masked]
import { Duplex } from 'node:stream'
import { parseArgs } from 'node:util'
import { encodeBackend, encodeFrontend } from '@sallyport/wire/postgres/encode'
import type { BackendMessage, FrontendMessage } from '@sallyport/wire/postgres/messages'
import { OwnConnection } from '../src/postgres/target-link.ts'
import { benchMasks, benchSessions } from './bench-session.ts'

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

async function measure(name: string, way: Way, masks: string, statements: number): Promise<void> {
  const sessions = await benchSessions(masks)
  const client = new End()
  const target = new End()
  target.onBytes = () => void setImmediate(() => target.say(path))
  const run = sessions.open(client, new OwnConnection({ target, cancelTarget: async () => true, releaseTarget() {} }))
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
  await sessions.stop()
}

const { values } = parseArgs({ options: { statements: { type: 'string' }, only: { type: 'string' } } })
const statements = Number(values.statements ?? '40000')
const all = { simple: [simple, '[]'], prepared: [prepared, '[]'], masked: [simple, benchMasks] } as const
for (const [name, [way, rules]] of Object.entries(all))
  if (values.only === undefined || values.only === name) await measure(name, way, rules, statements)
process.exit(0)
