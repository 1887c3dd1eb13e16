// Upload from a real spool to a collector that judges like the control plane: batches, back-pressure, lost answers,
// refusals, and a trimmed disk at the end.
import { readdirSync } from 'node:fs'
import { limits } from '@sallyport/base/limits'
import { testBody } from '@sallyport/ledger/testing-record'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadRecordKey } from '../src/record/key.ts'
import type { OpenRecorder } from '../src/record/recorder.ts'
import { type TestPlace, testPlace } from '../src/record/testing-recorder.ts'
import { startUpload } from '../src/record/upload.ts'
import { Collector, CollectorStream, type StreamOptions } from './record-collector.ts'

let place: TestPlace
let collector: Collector
let recorder: OpenRecorder
let stop: () => Promise<void>
beforeEach(() => {
  place = testPlace()
  recorder = place.open()
  collector = new Collector(loadRecordKey(`${place.directory}/record-key.pem`).publicKey)
  stop = async () => {}
})
afterEach(async () => {
  await stop()
  await recorder.close()
  place.remove()
})
const a = '11'.repeat(16)
const b = '22'.repeat(16)
const { opened, intent, outcome } = testBody

/** Uploads until `stop`; every stream that was opened, in order. */
function upload(next: (number: number) => StreamOptions = () => ({})): CollectorStream[] {
  const streams: CollectorStream[] = []
  const abort = new AbortController()
  const running = startUpload({
    recorder,
    open: async () => {
      const stream = new CollectorStream(collector, next(streams.length))
      streams.push(stream)
      return stream
    },
    signal: abort.signal,
    log: place.log,
    lingerMs: 0,
    backoffMs: () => 0,
  })
  stop = async () => {
    abort.abort()
    await running
  }
  return streams
}

/** Turns of the event loop until it holds; the test's own limit ends the wait. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}
const isEmpty = () => recorder.spoolBytes === 0

function run(session: string, statements: number): void {
  const record = recorder.open(session, 'spool')
  record.append(opened())
  for (let statement = 1; statement <= statements; statement++) {
    record.append(intent(statement))
    record.append(outcome(statement))
  }
  record.close('client disconnected')
}

test('what was recorded before and while the stream is open arrives, verifies, and leaves the disk', async () => {
  run(a, 3)
  upload()
  await until(isEmpty)
  run(b, 2)
  await until(isEmpty)
  expect(collector.of(a)).toHaveLength(8)
  expect(collector.of(b)).toHaveLength(6)
  expect(collector.report()).toMatchObject({ ok: true, problems: [], notices: [] })
  expect(collector.repeated).toBe(0)
})

test('entries of one session go in batches within their limits, heads one after the other', async () => {
  run(a, 700)
  const [stream] = upload()
  await until(isEmpty)
  const sizes = stream!.sent.map(({ batch }) => batch!.entries.length)
  expect(sizes.reduce((sum, size) => sum + size)).toBe(1_402)
  expect(Math.max(...sizes)).toBe(limits.batchEntriesMax)
  expect(collector.heads.map(({ head }) => head.counter)).toEqual(sizes.map((_, index) => index + 1))
  expect(collector.report().ok).toBe(true)
})

test('entries of the largest size go in batches within their bytes', async () => {
  const record = recorder.open(a, 'spool')
  record.append(opened())
  for (let statement = 1; statement <= 25; statement++)
    record.append(intent(statement, 'x'.repeat(limits.statementBytesMax)))
  record.close('client disconnected')
  const [stream] = upload()
  await until(isEmpty)
  for (const { batch } of stream!.sent) {
    const bytes = batch!.entries.reduce((sum, entry) => sum + entry.length, 0)
    expect(bytes).toBeLessThanOrEqual(limits.batchBytesMax)
  }
  expect(collector.report()).toMatchObject({ ok: true, entries: 27 })
})

test('no more batches are out than may be, and a full stream is left alone until it drains', async () => {
  for (let session = 0; session < 40; session++) run(String(session).padStart(32, '0'), 1)
  let out = 0
  let outMax = 0
  const [stream] = upload(() => ({
    fills: () => {
      out++
      outMax = Math.max(outMax, out)
      return out % 3 === 0
    },
    answers: () => {
      out--
      return true
    },
  }))
  await until(isEmpty)
  expect(stream!.overran).toBe(0)
  expect(outMax).toBeLessThanOrEqual(limits.batchesInFlightMax)
  expect(outMax).toBeGreaterThan(1)
  expect(collector.report().ok).toBe(true)
})

test('when the stream ends before its answers, the same heads are sent again', async () => {
  for (const session of [a, b]) run(session, 2)
  const streams = upload((number) => ({ answers: () => number >= 3 }))
  await until(isEmpty)
  expect(streams).toHaveLength(4)
  expect(collector.repeated).toBeGreaterThan(0)
  expect(collector.heads).toHaveLength(2)
  expect(collector.report().ok).toBe(true)
})

test('a restart with batches under way sends the same heads again before new ones', async () => {
  run(a, 2)
  recorder.open(b, 'spool').append(opened())
  upload(() => ({ answers: () => false }))
  await until(() => collector.heads.length === 2)
  await stop()
  await recorder.close()
  recorder = place.open()
  upload()
  await until(isEmpty)
  expect(collector.repeated).toBeGreaterThanOrEqual(2)
  expect(collector.of(b).map(({ entry }) => entry.kind)).toEqual(['session-opened', 'session-closed'])
  expect(collector.report()).toMatchObject({ ok: true, notices: [{ reason: 'session-interrupted', session: b }] })
})

test('a session that was uploaded and trimmed before the kill is closed by the next start, on its chain', async () => {
  await recorder.close()
  recorder = place.open({ spoolBytesMax: 65_536 })
  upload()
  recorder.open(a, 'spool').append(opened())
  await until(isEmpty)
  // Enough of another session to close the segment that holds all of the first.
  run(b, 10)
  await until(isEmpty)
  expect(readdirSync(place.segments)).not.toContain('0000000001.seg')
  await stop()
  await recorder.close()
  recorder = place.open({ spoolBytesMax: 65_536 })
  upload()
  await until(isEmpty)
  expect(collector.of(a).map(({ entry }) => entry.kind)).toEqual(['session-opened', 'session-closed'])
  expect(collector.report().ok).toBe(true)
})

test('a refused session stays on the disk and is reported; the others go on', async () => {
  collector.refused.add(a)
  run(a, 2)
  upload()
  run(b, 2)
  await until(() => collector.of(b).length === 6)
  await until(() => place.events.includes('batch-refused'))
  expect(collector.of(a)).toEqual([])
  expect(recorder.spoolBytes).toBeGreaterThan(0)
  const left = recorder.spoolBytes
  await stop()
  await recorder.close()
  recorder = place.open()
  expect(recorder.spoolBytes).toBe(left)
})

test('a spool far larger than a batch is uploaded and trimmed while sessions go on', async () => {
  await recorder.close()
  recorder = place.open({ spoolBytesMax: 4_194_304 })
  upload((number) => ({ answers: (request) => number > 2 || request.batchId % 5n !== 0n }))
  const record = recorder.open(a, 'spool')
  record.append(opened())
  for (let statement = 1; statement <= 12_000; statement++) {
    record.append(intent(statement))
    record.append(outcome(statement))
    if (statement % 400 === 0) await until(() => recorder.spoolBytes < 1_000_000)
  }
  record.close('client disconnected')
  await until(isEmpty)
  expect(collector.of(a)).toHaveLength(24_002)
  expect(collector.report().ok).toBe(true)
  expect(readdirSync(place.segments).length).toBeLessThanOrEqual(2)
})

test('whatever is lost on the way and however often the agent restarts, everything arrives once and verifies', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('run' as const), statements: fc.nat(4) }),
    fc.record({ kind: fc.constant('upload' as const), lose: fc.nat(6) }),
    fc.record({ kind: fc.constant('restart' as const) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
      const own = testPlace()
      place.remove()
      place = own
      recorder = own.open()
      collector = new Collector(loadRecordKey(`${own.directory}/record-key.pem`).publicKey)
      let sessions = 0
      let written = 0
      for (const next of steps) {
        if (next.kind === 'run') {
          run(String(++sessions).padStart(32, '0'), next.statements)
          written += 2 + 2 * next.statements
        } else if (next.kind === 'upload') {
          const streams = upload(() => ({ answers: (request) => Number(request.batchId) % 7 !== next.lose }))
          await until(() => isEmpty() || streams.length > 1)
          await stop()
        } else {
          await recorder.close()
          recorder = own.open()
        }
      }
      upload()
      await until(isEmpty)
      await stop()
      stop = async () => {}
      expect(collector.entries).toHaveLength(written)
      expect(collector.report().problems).toEqual([])
      await recorder.close()
      recorder = own.open()
    }),
    { numRuns: process.env.SALLYPORT_TEST === 'full' ? 500 : 50 },
  )
})
