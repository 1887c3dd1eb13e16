// The agent killed at every named step of recording and uploading, with statements of every kind in flight (DESIGN §9, THREATS ):
// what was acknowledged arrives, every statement that was forwarded has its intent, and the record verifies.
import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { testAgent } from '@sallyport/ledger/testing-record'
import { IngestRequestSchema, IngestResponseSchema } from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import { buildSync } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { loadRecordKey } from '../src/record/key.ts'
import { Collector } from './record-collector.ts'

const isFull = process.env.SALLYPORT_TEST === 'full'
let built = ''
let child = ''
let directory = ''
let running: ChildProcess | undefined
beforeAll(() => {
  built = mkdtempSync('/tmp/sallyport-child-')
  child = join(built, 'child.mjs')
  buildSync({
    entryPoints: [new URL('./record-child.ts', import.meta.url).pathname],
    outfile: child,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  })
})
afterAll(() => rmSync(built, { recursive: true }))
beforeEach(() => {
  directory = mkdtempSync('/tmp/sallyport-crash-')
})
afterEach(() => {
  running?.kill('SIGKILL')
  rmSync(directory, { recursive: true })
})

interface Run {
  dieAt?: string
  sessions?: number
  statements?: number
  mode?: 'spool' | 'strict'
  upload?: boolean
}
const ordersOf = (run: Run) =>
  JSON.stringify({ directory, dieAt: '', sessions: 0, statements: 0, mode: 'spool', upload: true, ...run })

/** Runs the child against the collector; how it ended. */
async function runChild(run: Run, collector: Collector): Promise<{ code: number | null; signal: string | null }> {
  const process = fork(child, [ordersOf(run)], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  running = process
  process.on('message', (bytes: Uint8Array) => {
    const response = collector.take(fromBinary(IngestRequestSchema, Uint8Array.from(bytes)))
    // The child may be gone by now: then it never hears of it.
    if (process.connected) process.send(toBinary(IngestResponseSchema, response), () => {})
  })
  return await new Promise((resolve) => process.on('close', (code, signal) => resolve({ code, signal })))
}

const linesOf = (file: string): string[] =>
  existsSync(join(directory, file))
    ? readFileSync(join(directory, file), 'utf8').trimEnd().split('\n').filter(Boolean)
    : []

const collected = (collector: Collector): string[] =>
  collector.entries.map(({ session, entry }) =>
    'statement' in entry ? `${session} ${entry.kind} ${entry.statement}` : `${session} ${entry.kind}`,
  )

const steps = [
  'before-session-opened',
  'after-session-opened-write',
  'before-intent',
  'after-intent-write',
  'after-intent-note',
  'after-write',
  'after-forward',
  'before-outcome',
  'after-outcome-write',
  'after-outcome-note',
  'before-denied',
  'after-denied-note',
  'before-held',
  'after-held-write',
  'before-hold-ended',
  'after-hold-ended-write',
  'before-session-closed',
  'after-session-closed-write',
  'after-seal',
  'before-upload',
  'after-ack-before-trim',
]
const occurrences = isFull ? [1, 2, 3, 4, 7, 11] : [1, 3]
// Each step has to happen as often as the last occurrence: some happen once in a session. The spool holds as many either way.
const size = isFull ? { sessions: 12, statements: 4 } : { sessions: 3, statements: 8 }
// How often batches are sealed depends on the pace of the upload: a few times for certain.
const sealsMin = 7
const kills = steps.flatMap((step) =>
  occurrences.filter((time) => step !== 'after-seal' || time <= sealsMin).map((time) => `${step}:${time}`),
)

test('the steps at which it is killed are all that it has', async () => {
  const collector = new Collector(loadRecordKey(join(directory, 'record-key.pem')).publicKey)
  expect(await runChild(size, collector)).toEqual({ code: 0, signal: null })
  expect(linesOf('steps').sort()).toEqual([...steps].sort())
  expect(collector.report()).toMatchObject({ ok: true, problems: [] })
})

test.each(kills)('killed at %s, the next start brings everything that was acknowledged', async (dieAt) => {
  const collector = new Collector(loadRecordKey(join(directory, 'record-key.pem')).publicKey)
  const killed = await runChild({ dieAt, ...size }, collector)
  expect(killed).toEqual({ code: null, signal: 'SIGKILL' })
  expect(await runChild({}, collector)).toEqual({ code: 0, signal: null })

  const arrived = new Set(collected(collector))
  expect(linesOf('acknowledged').filter((line) => !arrived.has(line))).toEqual([])
  const forwarded = linesOf('forwarded').map((line) => line.replace(' ', ' intent '))
  expect(forwarded.filter((line) => !arrived.has(line))).toEqual([])
  const report = collector.report()
  expect(report.problems).toEqual([])
  expect(report.sessions.map(({ state }) => state)).not.toContain('open')
  expect(collected(collector)).toHaveLength(arrived.size)
})

test('killed before anything was uploaded, and again while the rest is uploaded, everything arrives', async () => {
  const collector = new Collector(loadRecordKey(join(directory, 'record-key.pem')).publicKey)
  const died = await runChild(
    { dieAt: 'after-outcome-write:20', sessions: 4, statements: 20, upload: false },
    collector,
  )
  expect(died.signal).toBe('SIGKILL')
  expect(collector.entries).toHaveLength(0)
  for (const dieAt of ['after-seal:1', 'before-upload:2', 'after-ack-before-trim:1', 'after-ack-before-trim:2'])
    expect((await runChild({ dieAt }, collector)).signal).toBe('SIGKILL')
  expect(await runChild({}, collector)).toEqual({ code: 0, signal: null })
  const arrived = new Set(collected(collector))
  expect(linesOf('acknowledged').filter((line) => !arrived.has(line))).toEqual([])
  expect(collector.report()).toMatchObject({
    ok: true,
    sessions: Array.from({ length: 4 }, () => ({ state: 'interrupted' })),
  })
})

test('under strict recording a killed agent brings everything too', async () => {
  const collector = new Collector(loadRecordKey(join(directory, 'record-key.pem')).publicKey)
  await runChild({ dieAt: 'after-forward:9', sessions: 3, statements: 8, mode: 'strict' }, collector)
  expect(await runChild({}, collector)).toEqual({ code: 0, signal: null })
  const arrived = new Set(collected(collector))
  expect(
    linesOf('forwarded')
      .map((line) => line.replace(' ', ' intent '))
      .filter((line) => !arrived.has(line)),
  ).toEqual([])
  expect(collector.report().ok).toBe(true)
})

test('when the disk takes only part of an entry, append fails, the part is taken back, and the rest verifies', async () => {
  // A file size limit of the kernel (RLIMIT_FSIZE, 2 KiB) is the nearest thing to a full disk that any user may set.
  const run = spawnSync(
    'bash',
    [
      '-c',
      'ulimit -f 2 && exec "$0" "$@"',
      process.execPath,
      child,
      ordersOf({ sessions: 1, statements: 50, upload: false }),
    ],
    { encoding: 'utf8' },
  )
  expect(run.stderr).toContain('SPOOL_UNWRITABLE')
  const before = linesOf('acknowledged')
  expect(before.length).toBeGreaterThan(0)
  const collector = new Collector(loadRecordKey(join(directory, 'record-key.pem')).publicKey)
  expect(await runChild({}, collector)).toEqual({ code: 0, signal: null })
  expect(collected(collector)).toEqual([...before, `${'01'.repeat(16)} session-closed`])
  expect(linesOf('log').join('\n')).not.toContain('spool-torn-frame-cut')
  expect(collector.report()).toMatchObject({ ok: true, agents: [{ id: testAgent }] })
})
