// Pages of an index become one set of columns, whatever their dictionaries; seeking is a binary search.
import { expect, test } from 'vitest'
import { lastAtOrBefore, SessionColumns } from './columns.ts'
import { indexOf } from './testing-index.ts'

function columnsOf(...pages: Parameters<SessionColumns['merge']>[0][]): SessionColumns {
  const columns = new SessionColumns()
  for (const page of pages) columns.merge(page)
  return columns
}

test('pages with different dictionaries keep the words of their rows', () => {
  const columns = columnsOf(
    indexOf(
      [
        { seq: 1, verb: 'select', object: 'public.a' },
        { seq: 3, verb: 'delete', object: 'public.b' },
      ],
      5,
    ),
    indexOf([
      { seq: 5, verb: 'delete', object: 'public.c' },
      { seq: 7, verb: 'update', object: 'public.a' },
    ]),
  )
  expect([0, 1, 2, 3].map((row) => `${columns.verbOf(row)} ${columns.objectOf(row)}`)).toEqual([
    'select public.a',
    'delete public.b',
    'delete public.c',
    'update public.a',
  ])
  expect(columns.verbs).toEqual(['select', 'delete', 'update'])
})

test('a page that is asked again changes its rows and adds the new ones', () => {
  const columns = columnsOf(indexOf([{ seq: 1 }, { seq: 3, lane: 'held', rows: -1 }]))
  columns.merge(
    indexOf([
      { seq: 3, lane: 'approved', rows: 12 },
      { seq: 8, lane: 'denied', rows: -1 },
    ]),
  )
  expect(columns.length).toBe(3)
  expect(columns.laneOf(1)).toBe('approved')
  expect(columns.rows[1]).toBe(12)
  expect(columns.laneOf(2)).toBe('denied')
})

test('a row between known ones is refused: the index must not be out of order', () => {
  const columns = columnsOf(indexOf([{ seq: 1 }, { seq: 5 }]))
  expect(() => columns.merge(indexOf([{ seq: 3 }]))).toThrow('out of order')
})

test('columns of different lengths are refused', () => {
  const page = indexOf([{ seq: 1 }, { seq: 2 }])
  expect(() => new SessionColumns().merge({ ...page, lane: [0] })).toThrow('differ in length')
})

test('capacity grows past its first size without losing a row', () => {
  const columns = columnsOf(indexOf(Array.from({ length: 5_000 }, (_, at) => ({ seq: at * 2, rows: at }))))
  expect(columns.length).toBe(5_000)
  expect([columns.rows[0], columns.rows[1_023], columns.rows[1_024], columns.rows[4_999]]).toEqual([
    0, 1_023, 1_024, 4_999,
  ])
})

test('time never falls, even when a clock did', () => {
  const columns = columnsOf(
    indexOf([
      { seq: 1, atMs: 100 },
      { seq: 2, atMs: 40 },
      { seq: 3, atMs: 160 },
    ]),
  )
  expect([...columns.atMs.subarray(0, 3)]).toEqual([100, 100, 160])
})

test('a seek finds the last row at or before', () => {
  const columns = columnsOf(
    indexOf([
      { seq: 2, atMs: 10 },
      { seq: 4, atMs: 20 },
      { seq: 9, atMs: 30 },
    ]),
  )
  expect([0, 2, 3, 4, 8, 9, 99].map((seq) => columns.rowOfSeq(seq))).toEqual([0, 0, 0, 1, 1, 2, 2])
  expect([0, 10, 19, 20, 29, 30, 99].map((ms) => columns.rowAtMs(ms))).toEqual([0, 0, 0, 1, 1, 2, 2])
})

test('of equal values the last is found', () => {
  expect(lastAtOrBefore([1, 5, 5, 5, 9], 5, 5)).toBe(3)
  expect(lastAtOrBefore([], 0, 5)).toBe(0)
})

test('the tail is asked from the first late row that may still change', () => {
  const rows = Array.from({ length: 300 }, (_, at) => ({ seq: at }))
  expect(columnsOf(indexOf(rows)).tailFrom(300)).toBe(300)
  const waiting = columnsOf(
    indexOf(rows.map((row) => (row.seq === 250 ? { ...row, lane: 'held' as const, rows: -1 } : row))),
  )
  expect(waiting.tailFrom(300)).toBe(250)
  const old = columnsOf(indexOf(rows.map((row) => (row.seq === 50 ? { ...row, rows: -1 } : row))))
  expect(old.tailFrom(300)).toBe(300)
  const denied = columnsOf(
    indexOf(rows.map((row) => (row.seq === 280 ? { ...row, lane: 'denied' as const, rows: -1 } : row))),
  )
  expect(denied.tailFrom(300)).toBe(300)
})
