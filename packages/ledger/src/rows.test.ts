// Rows that a statement was about, by what the target said and by what came back.
import { expect, it } from 'vitest'
import { rowsOf } from './rows.ts'

it.each([
  ['DELETE 1', 0, 1],
  ['UPDATE 3', 0, 3],
  ['UPDATE 3', 3, 3],
  ['INSERT 0 12', 0, 12],
  ['MERGE 2', 0, 2],
  ['COPY 40', 0, 40],
  ['SELECT 5', 5, 5],
  ['BEGIN', 0, 0],
  ['CREATE TABLE', 0, 0],
  ['', 7, 7],
  ['DELETE -1', 0, 0],
  ['DELETE 99999999999999999999', 2, 2],
  ['xDELETE 1', 0, 0],
])('%s with %i rows is about %i', (tag, rows, expected) => {
  expect(rowsOf({ tag, rows })).toBe(expected)
})
