// A small agent for record-crash.int.test.ts: records sessions, "forwards" statements to a file, uploads over IPC, and
// ends itself with SIGKILL at a named step. What append has acknowledged is noted in a file before anything else happens.
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { systemClock } from '@sallyport/base/clock'
import type { EntryBody } from '@sallyport/ledger/entry'
import { testAgent, testBody } from '@sallyport/ledger/testing-record'
import {
  IngestRequestSchema,
  type IngestResponse,
  IngestResponseSchema,
} from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import { loadRecordKey } from '../src/record/key.ts'
import { openRecorder } from '../src/record/recorder.ts'
import type { RecordLog } from '../src/record/spool.ts'
import { type IngestStream, startUpload } from '../src/record/upload.ts'

interface Orders {
  readonly directory: string
  /** `step:n`: die at the n-th time of this step. Empty: live. */
  readonly dieAt: string
  readonly sessions: number
  readonly statements: number
  readonly mode: 'spool' | 'strict'
  readonly upload: boolean
}
const orders: Orders = JSON.parse(process.argv[2]!)
const [stepToDie, times] = orders.dieAt.split(':')
let passed = 0

const passedNames = new Set<string>()

function step(name: string): void {
  if (!passedNames.has(name)) note('steps', name)
  passedNames.add(name)
  if (name !== stepToDie || ++passed < Number(times)) return
  process.kill(process.pid, 'SIGKILL')
  // Nothing of ours may run while the signal is on its way.
  for (;;);
}

const note = (file: string, line: string) => appendFileSync(join(orders.directory, file), `${line}\n`)
const logLine = (fields: object, event: string) => note('log', JSON.stringify({ event, ...fields }))
const log: RecordLog = { info: logLine, warn: logLine, error: logLine }

const recorder = openRecorder({
  directory: join(orders.directory, 'spool'),
  agent: testAgent,
  key: loadRecordKey(join(orders.directory, 'record-key.pem')),
  clock: systemClock,
  monotonicUs: () => performance.now() * 1_000,
  log,
  spoolBytesMax: 65_536,
  step,
})

function ipcStream(): IngestStream {
  let listener: (response: IngestResponse) => void = () => {}
  process.on('message', (bytes: Uint8Array) => listener(fromBinary(IngestResponseSchema, Uint8Array.from(bytes))))
  return {
    send: (request) => {
      process.send!(toBinary(IngestRequestSchema, create(IngestRequestSchema, request)))
      return true
    },
    onResponse: (next) => {
      listener = next
    },
    onDrain: () => {},
    onEnd: () => {},
    close: () => {},
  }
}

const abort = new AbortController()
const uploading = orders.upload
  ? startUpload({ recorder, open: async () => ipcStream(), signal: abort.signal, log, lingerMs: 0 })
  : Promise.resolve()

type Recording = ReturnType<typeof recorder.open>

/** What append has acknowledged. */
async function append(session: string, record: Recording, body: EntryBody): Promise<void> {
  await record.append(body)
  acknowledge(session, body)
}

/** As the data path of PostgreSQL does it: noted, and written before any byte leaves. */
async function noteAndWrite(session: string, record: Recording, body: EntryBody): Promise<void> {
  const synced = record.note(body)
  record.write()
  step('after-write')
  await synced
  acknowledge(session, body)
}

const acknowledge = (session: string, body: EntryBody) =>
  note('acknowledged', `${session} ${body.kind}${'statement' in body ? ` ${body.statement}` : ''}`)

/** What the target would see. */
function forward(session: string, statement: number): void {
  note('forwarded', `${session} ${statement}`)
  step('after-forward')
}

/** One of each kind in turn: of HTTP, of PostgreSQL, denied, and held for a person. */
const ways: readonly ((session: string, record: Recording, statement: number) => Promise<void>)[] = [
  async (session, record, statement) => {
    await append(session, record, testBody.intent(statement))
    forward(session, statement)
    await append(session, record, testBody.outcome(statement))
  },
  async (session, record, statement) => {
    await noteAndWrite(session, record, testBody.intent(statement))
    forward(session, statement)
    await noteAndWrite(session, record, testBody.outcome(statement))
  },
  (session, record, statement) => noteAndWrite(session, record, testBody.denied(statement)),
  async (session, record, statement) => {
    const request = `${session.slice(0, 28)}${String(statement).padStart(4, '0')}`
    await append(session, record, testBody.held(statement, request))
    await append(session, record, testBody.holdEnded(statement, 'approved', request))
    await append(session, record, testBody.approved(statement))
    forward(session, statement)
    await append(session, record, testBody.outcome(statement))
  },
]

async function statementOf(session: string, record: Recording, statement: number): Promise<void> {
  await ways[statement % ways.length]!(session, record, statement)
  await new Promise((resolve) => setImmediate(resolve))
}

const records = Array.from({ length: orders.sessions }, (_, index) =>
  String(index + 1)
    .padStart(2, '0')
    .repeat(16),
).map((session) => ({
  session,
  record: recorder.open(session, orders.mode),
}))
for (const { session, record } of records) await append(session, record, testBody.opened())
for (let statement = 1; statement <= orders.statements; statement++)
  for (const { session, record } of records) await statementOf(session, record, statement)
for (const { record } of records) record.close('client disconnected')
while (orders.upload && recorder.spoolBytes > 0) await new Promise((resolve) => setImmediate(resolve))
abort.abort()
await uploading
await recorder.close()
process.disconnect?.()
