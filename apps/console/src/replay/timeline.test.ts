// The map of time: idle stretches are folded, every statement is counted once, and places and moments undo each other.
import { lanes } from '@sallyport/api/recordings'
import { expect, test } from 'vitest'
import { SessionColumns } from './columns.ts'
import { indexOf, type TestRow } from './testing-index.ts'
import { binned, msAtPlace, placeOfMs, timeScale } from './timeline.ts'

function columnsOf(rows: readonly TestRow[]): SessionColumns {
  const columns = new SessionColumns()
  columns.merge(indexOf(rows))
  return columns
}
const at = (...moments: number[]) => columnsOf(moments.map((atMs, seq) => ({ seq, atMs })))

test('a long pause is folded and the busy parts get the width', () => {
  const columns = at(0, 1_000, 2_000, 3_602_000, 3_603_000, 3_604_000)
  const scale = timeScale(columns, 6)
  expect(scale.stretches.map(({ folded }) => folded)).toEqual([false, true, false])
  const [busy, idle] = scale.stretches
  expect((busy?.to ?? 0) - (busy?.from ?? 0)).toBeGreaterThan(0.4)
  expect((idle?.to ?? 0) - (idle?.from ?? 0)).toBeLessThan(0.02)
})

test('short pauses stay as they are', () => {
  expect(timeScale(at(0, 500, 1_900), 3).stretches).toHaveLength(1)
})

test('stretches cover the whole width without gaps', () => {
  const { stretches } = timeScale(at(0, 10, 500_000, 500_010, 900_000), 5)
  expect(stretches[0]?.from).toBe(0)
  expect(stretches.at(-1)?.to).toBeCloseTo(1)
  for (let index = 1; index < stretches.length; index++) expect(stretches[index]?.from).toBe(stretches[index - 1]?.to)
})

test('a session of one moment has its place in the middle', () => {
  const scale = timeScale(at(70, 70), 2)
  expect(placeOfMs(scale, 70)).toBe(0.5)
  expect(msAtPlace(scale, 0.5)).toBe(70)
})

test('place and moment undo each other where it is busy', () => {
  const columns = at(0, 800, 1_600, 500_000, 501_000, 501_500)
  const scale = timeScale(columns, 6)
  for (const ms of [0, 800, 1_200, 500_000, 500_700, 501_500])
    expect(msAtPlace(scale, placeOfMs(scale, ms))).toBeCloseTo(ms)
})

test('each statement is counted once, in its lane', () => {
  const columns = columnsOf(
    Array.from({ length: 1_000 }, (_, seq) => ({
      seq,
      atMs: seq * 7,
      lane: seq % 100 === 99 ? ('denied' as const) : ('allowed' as const),
    })),
  )
  const bins = binned(columns, 1_000, timeScale(columns, 1_000), 50)
  const sum = (lane: number) =>
    bins.counts.subarray(lane * 50, lane * 50 + 50).reduce((total, value) => total + value, 0)
  expect(sum(lanes.indexOf('allowed'))).toBe(990)
  expect(sum(lanes.indexOf('denied'))).toBe(10)
  expect(bins.most).toBe(20)
})

test('the last statement falls into the last column, the first into the first', () => {
  const columns = at(0, 100, 200)
  const bins = binned(columns, 3, timeScale(columns, 3), 10)
  expect([bins.counts[0], bins.counts[9]]).toEqual([1, 1])
})

test('a search counts what it found and nothing else', () => {
  const columns = at(0, 100, 200)
  const bins = binned(columns, 3, timeScale(columns, 3), 10, Uint8Array.from([0, 1, 0]))
  expect(bins.counts.reduce((sum, value) => sum + value, 0)).toBe(1)
})

test('an empty session has a scale without a place to go', () => {
  const columns = new SessionColumns()
  expect(binned(columns, 0, timeScale(columns, 0), 10).most).toBe(0)
})
