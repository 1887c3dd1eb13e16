// Bytes of an answer become what the page keeps; what is no such answer is refused, what is no entry is counted.
import { lanes } from '@sallyport/api/recordings'
import { chainEntries, testBody } from '@sallyport/ledger/testing-record'
import { expect, test } from 'vitest'
import { SessionColumns } from './columns.ts'
import { buffersOf, readEntries, readIndex } from './reading.ts'
import { sha256 } from './sha256.ts'
import { indexOf } from './testing-index.ts'

const bytesOf = (value: unknown): ArrayBuffer => Uint8Array.from(new TextEncoder().encode(JSON.stringify(value))).buffer

test('a page of the index is the same in typed arrays, and its buffers can be handed over', () => {
  const page = indexOf(
    [
      { seq: 1, object: 'public.a', rows: -1 },
      { seq: 70_000, lane: 'denied', durationUs: 5e9 },
    ],
    8,
  )
  const read = readIndex(bytesOf(page))
  expect(buffersOf(read)).toHaveLength(8)
  const columns = new SessionColumns()
  columns.merge(structuredClone(read, { transfer: buffersOf(read) }))
  expect(read.seq.length).toBe(0)
  expect([columns.rows[0], columns.seq[1], columns.durationUs[1], columns.laneOf(1)]).toEqual([
    -1,
    70_000,
    5e9,
    'denied',
  ])
  expect([columns.objectOf(0), read.next, read.tipSeq]).toEqual(['public.a', 8, page.tipSeq])
})

test.each([
  ['no JSON', new TextEncoder().encode('<html>').buffer],
  ['no index', bytesOf({ items: [] })],
  ['a lane that there is not', bytesOf({ ...indexOf([{ seq: 1 }]), lane: [lanes.length] })],
])('%s is refused', (_, bytes) => {
  expect(() => readIndex(bytes)).toThrow()
})

test('entries are read by the rules of the ledger; what is none is counted', () => {
  const chained = chainEntries(sha256, 'ab'.repeat(16), [testBody.opened(), testBody.denied(1)])
  const items = chained.map(({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)))
  const { entries, unreadable } = readEntries(bytesOf({ items: [...items, { kind: 'denied' }, {}], next: null }))
  expect(entries.map(({ seq, kind }) => `${seq} ${kind}`)).toEqual(['0 session-opened', '1 denied'])
  expect(unreadable).toBe(2)
  expect(() => readEntries(bytesOf({ next: null }))).toThrow()
})
