// Links into a session lead to their row, or wait until it is here.
import { expect, test } from 'vitest'
import { SessionColumns } from './columns.ts'
import { momentOf, rowOfLink } from './links.ts'
import { indexOf } from './testing-index.ts'

const openedAtMs = Date.parse('2026-11-24T10:00:00Z')
const columns = new SessionColumns()
columns.merge(
  indexOf([
    { seq: 1, atMs: 0 },
    { seq: 3, atMs: 60_000 },
    { seq: 6, atMs: 120_000 },
  ]),
)
const row = (wanted: Parameters<typeof rowOfLink>[0], isComplete = true) =>
  rowOfLink(wanted, columns, openedAtMs, isComplete)

test('an entry leads to the statement that it belongs to', () => {
  expect([1, 2, 3, 5, 6].map((e) => row({ e }))).toEqual([0, 0, 1, 1, 2])
})

test('a moment leads to the last statement before it', () => {
  expect(row({ at: '2026-11-24T10:01:30Z' })).toBe(1)
  expect(row({ at: '2026-11-24T12:00:00+01:00' })).toBe(2)
  expect(row({ at: '2026-11-24T09:00:00Z' })).toBe(0)
})

test('the entry wins over the moment', () => {
  expect(row({ e: 6, at: '2026-11-24T10:00:00Z' })).toBe(2)
})

test('what lies past the loaded part waits for the next page, and ends at the last row', () => {
  expect(row({ e: 90 }, false)).toBeNull()
  expect(row({ at: '2026-11-24T11:00:00Z' }, false)).toBeNull()
  expect(row({ e: 90 }, true)).toBe(2)
  expect(row({ e: 4 }, false)).toBe(1)
})

test('no link and no moment lead nowhere', () => {
  expect(row({})).toBeNull()
  expect(row({ at: 'yesterday' })).toBeNull()
  expect(momentOf('2026-99-99T00:00:00Z', 0)).toBeNull()
  expect(rowOfLink({ e: 1 }, new SessionColumns(), openedAtMs, true)).toBeNull()
})
