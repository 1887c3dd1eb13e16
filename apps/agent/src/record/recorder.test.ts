// The recorder on a real disk: chains, restarts, limits, and what happens when nothing can be written.
import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { parseEntry } from '@sallyport/ledger/shape'
import { chainEntries, testAgent, testBody } from '@sallyport/ledger/testing-record'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { OpenRecorder } from './recorder.ts'
import { type PlacedEntry, Spool } from './spool.ts'
import { encodeSpooled } from './spooled.ts'
import { type TestPlace, testPlace } from './testing-recorder.ts'

let place: TestPlace
let recorder: OpenRecorder | undefined
beforeEach(() => {
  place = testPlace()
})
afterEach(async () => {
  await recorder?.close()
  recorder = undefined
  place.remove()
})
const a = '11'.repeat(16)
const b = '22'.repeat(16)
const { opened, intent, outcome, closed } = testBody

/** What lies in the segments, read by themselves. */
function onDisk(): PlacedEntry[] {
  const found: PlacedEntry[] = []
  new Spool(place.segments, 1_000_000, place.log).recover((placed) => found.push(placed) > 0)
  return found
}
const kindsOf = (session: string) => onDisk().flatMap(({ entry }) => (entry.session === session ? entry.kind : []))
const codeOfThrown = (thrown: unknown): string => String((thrown as { readonly code?: unknown }).code)
/** Descriptors of files in this directory. */
const openFiles = (directory: string): number[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory) ? [Number(fd)] : []
    } catch {
      return []
    }
  })
const failure = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (thrown) {
    return thrown
  }
}
/** The process is gone: files stay as they are, and so does its lock. */
async function killed(): Promise<void> {
  const lock = readFileSync(join(place.spool, 'lock'))
  await recorder!.close()
  recorder = undefined
  writeFileSync(join(place.spool, 'lock'), lock)
}

test('what append wrote is on the disk when it returns, chained and as it was hashed', () => {
  recorder = place.open()
  const record = recorder.open(a, 'spool')
  const bodies = [opened(), intent(1), outcome(1)]
  for (const [index, body] of bodies.entries()) {
    expect(record.append(body)).toBeUndefined()
    place.clock.advance(1)
    expect(onDisk()).toHaveLength(index + 1)
  }
  record.close('client disconnected')
  const expected = chainEntries((bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()), a, [
    ...bodies,
    closed(1),
  ])
  expect(onDisk().map(({ entry }) => Buffer.from(entry.bytes).toString())).toEqual(
    expected.map(({ bytes }) => Buffer.from(bytes).toString()),
  )
  expect(onDisk().map(({ entry }) => Buffer.from(entry.hash).toString('hex'))).toEqual(
    expected.map(({ hash }) => Buffer.from(hash).toString('hex')),
  )
  expect(recorder.spoolBytes).toBe(onDisk().reduce((sum, { length }) => sum + length, 0))
})

test('sessions that run at the same time each have their own chain', () => {
  recorder = place.open()
  const records = [recorder.open(a, 'spool'), recorder.open(b, 'spool')]
  for (const body of [opened(), intent(1), outcome(1)]) for (const record of records) record.append(body)
  for (const session of [a, b]) expect(kindsOf(session)).toEqual(['session-opened', 'intent', 'outcome'])
})

test('a sync that waited for one that failed fails as well: nobody knows what of it is on the disk', async () => {
  const directory = join(place.directory, 'alone')
  mkdirSync(directory)
  const spool = new Spool(directory, 16_384, place.log)
  const frame = (kind: 'intent') =>
    encodeSpooled({
      kind,
      session: a,
      seq: 0,
      monoUs: 0,
      statements: 0,
      hash: new Uint8Array(32),
      bytes: new Uint8Array(700),
    })
  const first = openFiles(directory)
  expect(first).toEqual([])
  spool.append(frame('intent'), false)
  const [file] = openFiles(directory)
  spool.append(frame('intent'), false)
  // The first segment is closed to writing and was not synced; a descriptor that is gone is a disk that fails.
  closeSync(file!)
  const failing = spool.sync().catch(codeOfThrown)
  await Promise.resolve()
  await Promise.resolve()
  const waiting = spool.sync().then(() => 'synced', codeOfThrown)
  expect(await failing).toBeDefined()
  expect(await waiting).toBe('SPOOL_UNWRITABLE')
})

test('strict recording settles after the sync, off records nothing', async () => {
  recorder = place.open()
  const strict = recorder.open(a, 'strict')
  await expect(strict.append(opened())).resolves.toBeUndefined()
  await Promise.all([strict.append(intent(1)), strict.append(outcome(1)), strict.append(intent(2))])
  const off = recorder.open(b, 'off')
  expect(off.append(opened())).toBeUndefined()
  off.close('client disconnected')
  expect(kindsOf(a)).toEqual(['session-opened', 'intent', 'outcome', 'intent'])
  expect(kindsOf(b)).toEqual([])
})

test('what is noted is written by the next write of any session, whole and in order', async () => {
  recorder = place.open()
  const [first, second] = [recorder.open(a, 'spool'), recorder.open(b, 'spool')]
  for (const body of [opened(), intent(1), outcome(1)])
    for (const record of [first, second]) expect(record.note(body)).toBeUndefined()
  expect(onDisk()).toEqual([])
  expect(recorder.spoolBytes).toBeGreaterThan(0)
  second.write()
  for (const session of [a, b]) expect(kindsOf(session)).toEqual(['session-opened', 'intent', 'outcome'])
  first.note(intent(2))
  second.append(intent(2))
  expect(
    onDisk()
      .slice(-2)
      .map(({ entry }) => entry.session),
  ).toEqual([a, b])
  first.note(outcome(2))
  await recorder.spool.sync()
  expect(kindsOf(a).at(-1)).toBe('outcome')
  expect(recorder.spoolBytes).toBe(onDisk().reduce((sum, { length }) => sum + length, 0))
})

test('more than waits for one write is written at once', () => {
  recorder = place.open({ spoolBytesMax: 65_536 })
  const record = recorder.open(a, 'spool')
  record.note(opened())
  let statements = 0
  while (onDisk().length === 0) record.note(intent(++statements))
  expect(onDisk()).toHaveLength(statements + 1)
  expect(recorder.spool.diskBytes).toBeLessThanOrEqual(4_096 + 1_024)
})

test('under strict what is noted is synced', async () => {
  recorder = place.open()
  const record = recorder.open(a, 'strict')
  await Promise.all([record.note(opened()), record.note(intent(1))])
  expect(kindsOf(a)).toEqual(['session-opened', 'intent'])
})

test('what could not be written waits for the next attempt; until one succeeds nothing more is taken', async () => {
  recorder = place.open()
  const record = recorder.open(a, 'spool')
  record.note(opened())
  record.note(intent(1))
  rmSync(place.segments, { recursive: true })
  expect(failure(() => record.write())).toMatchObject({ code: 'SPOOL_UNWRITABLE' })
  expect(failure(() => record.note(intent(2)))).toMatchObject({ code: 'SPOOL_UNWRITABLE' })
  await expect(recorder.spool.sync()).rejects.toMatchObject({ code: 'SPOOL_UNWRITABLE' })
  mkdirSync(place.segments, { mode: 0o700 })
  record.note(outcome(1))
  record.append(intent(2))
  expect(kindsOf(a)).toEqual(['session-opened', 'intent', 'outcome', 'intent'])
  expect(onDisk().map(({ entry }) => entry.seq)).toEqual([0, 1, 2, 3])
})

test('what is noted in one turn is written together at its end, and whoever waits is told', async () => {
  recorder = place.open()
  const [first, second] = [recorder.open(a, 'spool'), recorder.open(b, 'spool')]
  const waits = [first, second].map((record) => {
    record.note(opened())
    return record.written()
  })
  expect(onDisk()).toEqual([])
  expect(waits[0]).toBe(waits[1])
  await Promise.all(waits)
  for (const session of [a, b]) expect(kindsOf(session)).toEqual(['session-opened'])
})

test('whoever waits for a write that fails is told, and the next one takes what it was to write', async () => {
  recorder = place.open()
  const record = recorder.open(a, 'spool')
  record.note(opened())
  rmSync(place.segments, { recursive: true })
  await expect(record.written()).rejects.toMatchObject({ code: 'SPOOL_UNWRITABLE' })
  mkdirSync(place.segments, { mode: 0o700 })
  await record.written()
  expect(kindsOf(a)).toEqual(['session-opened'])
})

test('the monotonic clock counts from the opening and never falls', () => {
  let us = 5_000_000
  recorder = place.open({ monotonicUs: () => us })
  const record = recorder.open(a, 'spool')
  record.append(opened())
  us += 1_500
  record.append(intent(1))
  us -= 1_000
  record.append(outcome(1))
  expect(onDisk().map(({ entry }) => entry.monoUs)).toEqual([0, 1_500, 1_500])
})

test('a record that is closed takes no more, and closing twice or before the opening writes nothing', () => {
  recorder = place.open()
  const record = recorder.open(a, 'spool')
  record.close('never opened')
  expect(kindsOf(a)).toEqual([])
  record.append(opened())
  record.close('client disconnected')
  record.close('again')
  expect(kindsOf(a)).toEqual(['session-opened', 'session-closed'])
  expect(failure(() => record.append(intent(1)))).toMatchObject({ code: 'SESSION_ENDED' })
})

test('the next start closes what a killed process left open, and goes on with its chain', async () => {
  recorder = place.open()
  const open = recorder.open(a, 'spool')
  for (const body of [opened(), intent(1), outcome(1), intent(2)]) open.append(body)
  const done = recorder.open(b, 'spool')
  done.append(opened())
  done.close('client disconnected')
  await killed()
  recorder = place.open()
  expect(kindsOf(a)).toEqual(['session-opened', 'intent', 'outcome', 'intent', 'session-closed'])
  expect(kindsOf(b)).toEqual(['session-opened', 'session-closed'])
  const last = onDisk().find(({ entry }) => entry.session === a && entry.kind === 'session-closed')!
  expect(parseEntry(last.entry.bytes)).toMatchObject({
    ok: true,
    value: { seq: 4, reason: 'agent restarted', statements: 2 },
  })
  expect(place.events).toContain('session-closed-after-restart')
  await killed()
  recorder = place.open()
  expect(kindsOf(a)).toHaveLength(5)
})

test('a torn last frame is cut, and everything before it counts', async () => {
  recorder = place.open()
  const record = recorder.open(a, 'spool')
  for (const body of [opened(), intent(1), outcome(1)]) record.append(body)
  await killed()
  const segment = join(place.segments, readdirSync(place.segments)[0]!)
  truncateSync(segment, statSync(segment).size - 1)
  recorder = place.open()
  expect(kindsOf(a)).toEqual(['session-opened', 'intent', 'session-closed'])
  expect(place.events).toContain('spool-torn-frame-cut')
})

test('a damaged segment counts up to the damage, is reported, and is kept', async () => {
  recorder = place.open()
  const record = recorder.open(a, 'spool')
  for (const body of [opened(), intent(1), outcome(1)]) record.append(body)
  const second = onDisk()[1]!
  await killed()
  const segment = join(place.segments, readdirSync(place.segments)[0]!)
  const bytes = readFileSync(segment)
  bytes[second.at.offset + 20]! ^= 1
  writeFileSync(segment, bytes)
  recorder = place.open()
  expect(kindsOf(a)).toEqual(['session-opened', 'session-closed'])
  expect(place.events).toContain('spool-segment-damaged')
  expect(readFileSync(segment)).toEqual(bytes)
})

test('a full spool denies statements with SPOOL_FULL, and still takes the outcome and the closing of what runs', () => {
  recorder = place.open({ spoolBytesMax: 65_536 })
  const record = recorder.open(a, 'spool')
  record.append(opened())
  let statements = 0
  const full = failure(() => {
    for (;;) {
      record.append(intent(statements + 1))
      statements++
    }
  })
  expect(full).toMatchObject({ code: 'SPOOL_FULL' })
  expect(recorder.spool.diskBytes).toBeLessThanOrEqual(65_536 - 4_096)
  expect(failure(() => recorder!.open(b, 'spool').append(opened()))).toMatchObject({ code: 'SPOOL_FULL' })
  record.append(outcome(statements))
  record.close('client disconnected')
  expect(kindsOf(a).slice(-2)).toEqual(['outcome', 'session-closed'])
  const last = onDisk().at(-1)!
  expect(parseEntry(last.entry.bytes)).toMatchObject({ ok: true, value: { seq: statements + 2, statements } })
})

test('not one byte past its size goes into the spool, whatever is written', () => {
  recorder = place.open({ spoolBytesMax: 20_000 })
  const record = recorder.open(a, 'spool')
  record.append(opened())
  expect(
    failure(() => {
      for (let statement = 1; ; statement++) record.append(outcome(statement))
    }),
  ).toMatchObject({ code: 'SPOOL_FULL' })
  expect(recorder.spool.diskBytes).toBeLessThanOrEqual(20_000)
  record.close('client disconnected')
  expect(recorder.spool.diskBytes).toBeLessThanOrEqual(20_000)
})

test('when no segment can be made, append says SPOOL_UNWRITABLE and close only logs', () => {
  recorder = place.open()
  const record = recorder.open(a, 'spool')
  rmSync(place.segments, { recursive: true })
  expect(failure(() => record.append(opened()))).toMatchObject({ code: 'SPOOL_UNWRITABLE' })
  expect(place.events).toContain('spool-unwritable')
  record.close('client disconnected')
})

test('a spool that another process holds is refused; one of a dead process is taken over', async () => {
  recorder = place.open()
  await killed()
  writeFileSync(join(place.spool, 'lock'), String(process.ppid))
  expect(failure(() => place.open())).toMatchObject({
    code: 'SPOOL_UNWRITABLE',
    message: expect.stringContaining(`process ${process.ppid}`),
  })
  // Process numbers end at 2^22 on Linux.
  writeFileSync(join(place.spool, 'lock'), '4194305')
  recorder = place.open()
})

test('a spool that others can look into is refused', async () => {
  recorder = place.open()
  await recorder.close()
  recorder = undefined
  chmodSync(place.spool, 0o755)
  expect(failure(() => place.open())).toMatchObject({ code: 'NO_PERMISSION' })
})

test('everything in the spool is for its owner alone', () => {
  recorder = place.open()
  recorder.open(a, 'spool').append(opened())
  const modes = (directory: string): number[] =>
    readdirSync(directory, { withFileTypes: true }).flatMap((item) => {
      const path = join(directory, item.name)
      return [statSync(path).mode & 0o077, ...(item.isDirectory() ? modes(path) : [])]
    })
  expect(modes(place.spool)).toEqual(modes(place.spool).map(() => 0))
  expect(statSync(place.spool).mode & 0o777).toBe(0o700)
})

test('records of another agent id are put aside, never sent under the new one', async () => {
  recorder = place.open()
  recorder.open(a, 'spool').append(opened())
  await killed()
  recorder = place.open({ agent: 'b0'.repeat(16) })
  expect(recorder.spoolBytes).toBe(0)
  expect(await recorder.sealer.next()).toEqual([])
  expect(readdirSync(place.spool)).toContain(`of-${testAgent}-1`)
  expect(place.events).toContain('spool-of-another-agent-put-aside')
})
