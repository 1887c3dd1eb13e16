// Entries that a worker chains and its primary writes: in order and whole, refused where the spool has no room, and closed where the
// worker does not come back.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { asSallyportError } from '@sallyport/base/errors'
import { testBody } from '@sallyport/ledger/testing-record'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { scanFrames } from '../record/frame.ts'
import type { OpenRecorder } from '../record/recorder.ts'
import { decodeSpooled, spooledBytesMax } from '../record/spooled.ts'
import { type TestPlace, testPlace } from '../record/testing-recorder.ts'
import { saidError } from './messages.ts'
import { passedRecorder } from './spooling.ts'

const agent = 'a0'.repeat(16)
const [first, second] = ['11'.repeat(16), '22'.repeat(16)] as const
let place: TestPlace
let recorder: OpenRecorder
beforeEach(() => {
  place = testPlace()
})
afterEach(async () => {
  await recorder.close()
  place.remove()
})

/** A worker and its primary in one process: frames are copied on the way, as by a pipe. */
function opened(spoolBytesMax?: number) {
  recorder = place.open(spoolBytesMax === undefined ? {} : { spoolBytesMax })
  const chains = recorder.passed()
  const messages: number[] = []
  const state = { isBroken: false }
  const asking = {
    ask: (): any => chains.roomBytes,
    write(frames: readonly Buffer[]) {
      messages.push(frames.length)
      if (state.isBroken) return { code: 'SPOOL_UNWRITABLE', message: 'no disk', hint: undefined } as const
      try {
        chains.write(Buffer.concat(frames))
        return chains.roomBytes
      } catch (thrown) {
        return saidError(asSallyportError(thrown))
      }
    },
  }
  const options = { clock: place.clock, monotonicUs: () => place.clock.nowMs() * 1_000, log: place.log }
  return { chains, messages, state, worker: passedRecorder(options, asking, () => recorder.spool.sync()) }
}

const written = () =>
  readdirSync(place.segments)
    .sort()
    .flatMap((name) => scanFrames(readFileSync(join(place.segments, name)), spooledBytesMax).payloads)
    .map(({ payload }) => decodeSpooled(payload)!)

it('what sessions note together is one message, in order, and the worker that ends leaves no session open', () => {
  const { chains, messages, worker } = opened()
  const [one, other] = [worker.open(first, 'spool'), worker.open(second, 'spool')]
  for (const record of [one, other]) record.note(testBody.opened(agent))
  one.note(testBody.intent(1))
  expect(written()).toEqual([])
  one.write()
  expect(messages).toEqual([3])
  other.close('goodbye')
  chains.closeAll()
  expect(written().map(({ session, seq, kind }) => [session, seq, kind])).toEqual([
    [first, 0, 'session-opened'],
    [second, 0, 'session-opened'],
    [first, 1, 'intent'],
    [second, 1, 'session-closed'],
    [first, 2, 'session-closed'],
  ])
  expect(Buffer.from(written().at(-1)!.bytes).toString()).toContain('"reason":"agent worker ended","seq":2')
})

it('a full spool refuses a statement before it is taken, and takes its outcome and its end all the same', () => {
  const { worker } = opened(16_384)
  const record = worker.open(first, 'spool')
  record.append(testBody.opened(agent))
  const fill = () => {
    for (let number = 1; ; number++) record.append(testBody.intent(number))
  }
  expect(fill).toThrow(expect.objectContaining({ code: 'SPOOL_FULL' }))
  const before = written().length
  record.append(testBody.outcome(1))
  record.close('full')
  expect(written().map(({ seq }) => seq)).toEqual([...Array(before + 2).keys()])
})

it('what could not be written is written by the next attempt, once and in order', () => {
  const { state, worker } = opened()
  const record = worker.open(first, 'spool')
  record.append(testBody.opened(agent))
  record.note(testBody.intent(1))
  state.isBroken = true
  expect(() => record.write()).toThrow(expect.objectContaining({ code: 'SPOOL_UNWRITABLE' }))
  expect(() => record.note(testBody.outcome(1))).toThrow(expect.objectContaining({ code: 'SPOOL_UNWRITABLE' }))
  state.isBroken = false
  record.note(testBody.outcome(1))
  record.write()
  expect(written().map(({ seq, kind }) => [seq, kind])).toEqual([
    [0, 'session-opened'],
    [1, 'intent'],
    [2, 'outcome'],
  ])
})

it('under strict an entry is there once it is on the disk', async () => {
  const { worker } = opened()
  const record = worker.open(first, 'strict')
  await record.append(testBody.opened(agent))
  await record.note(testBody.intent(1))
  expect(written()).toHaveLength(2)
})

it('entries that do not follow each other are written by nobody', () => {
  const { chains, worker } = opened()
  const record = worker.open(first, 'spool')
  record.append(testBody.opened(agent))
  const [frame] = written()
  expect(frame?.seq).toBe(0)
  const [segment] = readdirSync(place.segments)
  const bytes = readFileSync(join(place.segments, segment!))
  expect(() => chains.write(bytes)).toThrow(expect.objectContaining({ code: 'SPOOL_UNWRITABLE' }))
  expect(() => chains.write(bytes.subarray(0, 20))).toThrow(expect.objectContaining({ code: 'SPOOL_UNWRITABLE' }))
  expect(written()).toHaveLength(1)
})
