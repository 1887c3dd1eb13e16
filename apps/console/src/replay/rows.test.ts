// Which rows show, and where the keys lead.
import type { Lane } from '@sallyport/api/recordings'
import { expect, test } from 'vitest'
import { SessionColumns } from './columns.ts'
import {
  flaggedFrom,
  laneCounts,
  moved,
  positionOf,
  scrollTopFor,
  shiftFor,
  spanDrawn,
  spanInView,
  visibleRows,
} from './rows.ts'
import { indexOf } from './testing-index.ts'

const laneList: readonly Lane[] = [
  'allowed',
  'denied',
  'masked',
  'held',
  'allowed',
  'approved',
  'allowed',
  'failed',
  'allowed',
]
const columns = new SessionColumns()
columns.merge(indexOf(laneList.map((lane, seq) => ({ seq, lane }))))
const all = visibleRows(columns, columns.length, new Set(), null)

test('hidden lanes and a search take rows away', () => {
  expect([...visibleRows(columns, 9, new Set(['allowed']), null)]).toEqual([1, 2, 3, 5, 7])
  expect([...visibleRows(columns, 9, new Set(['allowed']), Uint8Array.from([1, 0, 0, 1, 1, 1, 0, 0, 0]))]).toEqual([
    3, 5,
  ])
  expect([...visibleRows(columns, 4, new Set(), null)]).toEqual([0, 1, 2, 3])
})

test('lanes are counted', () => {
  expect(laneCounts(columns, 9)).toEqual([4, 1, 1, 1, 1, 1])
})

test('steps stop at the ends', () => {
  expect(moved(all, 0, -1)).toBe(0)
  expect(moved(all, 8, 1)).toBe(8)
  expect(moved(all, 4, 3)).toBe(7)
  expect(moved(new Uint32Array(), 4, 1)).toBeNull()
})

test('a step from a row that does not show leads to its neighbour', () => {
  const visible = Uint32Array.from([3, 7])
  expect(moved(visible, 5, 1)).toBe(7)
  expect(moved(visible, 5, -1)).toBe(3)
  expect(moved(visible, 1, 1)).toBe(3)
  expect(positionOf(visible, 5)).toBe(0)
})

test('n and p go from flag to flag and stop at the last', () => {
  const walk = (from: number, direction: 1 | -1): number[] => {
    const found: number[] = []
    for (
      let at = flaggedFrom(columns, all, from, direction);
      at !== null;
      at = flaggedFrom(columns, all, at, direction)
    )
      found.push(at)
    return found
  }
  expect(walk(0, 1)).toEqual([1, 3, 5, 7])
  expect(walk(8, -1)).toEqual([7, 5, 3, 1])
})

test('flags of hidden lanes are skipped', () => {
  const visible = visibleRows(columns, 9, new Set(['denied', 'approved']), null)
  expect(flaggedFrom(columns, visible, 0, 1)).toBe(3)
  expect(flaggedFrom(columns, visible, 3, 1)).toBe(7)
})

test('from a row that does not show, n finds the flag right after it', () => {
  const visible = Uint32Array.from([3, 5])
  expect(flaggedFrom(columns, visible, 1, 1)).toBe(3)
  expect(flaggedFrom(columns, visible, 4, 1)).toBe(5)
  expect(flaggedFrom(columns, visible, 4, -1)).toBe(3)
  expect(flaggedFrom(columns, visible, 8, 1)).toBeNull()
  expect(flaggedFrom(columns, visible, 1, -1)).toBeNull()
})

test.each([
  [320, 100, null],
  [96, 100, 96],
  [490, 100, 222],
  [9_600, 100, 9_466],
  [0, 5_000, 0],
])('a row at %i px, scrolled to %i px, scrolls to %s', (rowTop, scrollTop, to) => {
  expect(scrollTopFor(rowTop, 32, scrollTop, 300)).toBe(to)
})

test('rows in view are those that show even in part; drawn are a few around them, within the list', () => {
  expect(spanInView(0, 320, 32, 100)).toEqual({ first: 0, last: 9 })
  expect(spanInView(16, 320, 32, 100)).toEqual({ first: 0, last: 10 })
  expect(spanInView(32, 320, 32, 100)).toEqual({ first: 1, last: 10 })
  expect(spanInView(0, 320, 32, 3)).toEqual({ first: 0, last: 2 })
  expect(spanInView(9_999, 320, 32, 3)).toEqual({ first: 2, last: 2 })
  expect(spanDrawn({ first: 4, last: 9 }, 8, 100)).toEqual({ first: 0, last: 17 })
  const none = spanInView(0, 320, 32, 0)
  expect(none.last).toBeLessThan(none.first)
})

test('a small scroll keeps the elements of its rows, a far jump gives all of them other rows', () => {
  const near = shiftFor(0, { first: 0, last: 20 }, { first: 5, last: 25 })
  expect(near).toBe(0)
  const far = shiftFor(0, { first: 0, last: 20 }, { first: 500, last: 520 })
  expect([500 - far, 520 - far]).toEqual([0, 20])
  const back = shiftFor(far, { first: 500, last: 520 }, { first: 40, last: 60 })
  expect(40 - back).toBe(0)
})
