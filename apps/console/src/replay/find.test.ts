// The search inside a session: operators over the index, words over what is loaded, in slices that can be given up.
import { expect, test } from 'vitest'
import { SessionColumns } from './columns.ts'
import { findRows, isEmptyFind, parseFind } from './find.ts'
import { indexOf } from './testing-index.ts'

const columns = new SessionColumns()
columns.merge(
  indexOf([
    { seq: 1, verb: 'select', object: 'public.orders', rows: 120, durationUs: 4_000 },
    { seq: 3, verb: 'delete', object: 'public.orders', lane: 'denied', rows: -1, durationUs: 0 },
    { seq: 4, verb: 'select', object: 'public.customers', lane: 'masked', rows: 3, durationUs: 90_000 },
    { seq: 6, verb: 'DELETE', object: 'public.Orders', lane: 'approved', rows: 0, durationUs: 2_500_000 },
  ]),
)
const texts = new Map([[4, "select email from customers where name = 'ana'"]])
const still = { nowMs: () => 0, pause: async () => {}, signal: new AbortController().signal }

async function find(text: string): Promise<number[] | string> {
  const parsed = parseFind(text)
  if (!parsed.ok) return parsed.problem
  const found = await findRows(columns, columns.length, parsed.query, (seq) => texts.get(seq), still)
  return [...(found ?? [])].flatMap((is, row) => (is === 1 ? [row] : []))
}

test.each([
  ['verb:delete', [1, 3]],
  ['verb:delete object:orders lane:denied', [1]],
  ['lane:denied lane:approved', [1, 3]],
  ['rows:>100', [0]],
  ['rows:0', [3]],
  ['rows:<5', [2, 3]],
  ['rows:>=3', [0, 2]],
  ['took:>50ms', [2, 3]],
  ['took:>2s', [3]],
  ['took:<=4ms', [0]],
  ['orders', [0, 1, 3]],
  ['ana', [2]],
  ['ANA customers', [2]],
  ['nothing', []],
])('%s finds rows %j', async (text, rows) => {
  expect(await find(text)).toEqual(rows)
})

test.each([
  ['lane:green', '"lane:green" is none of allowed, masked, approved, held, denied, failed'],
  ['rows:many', '"rows:many" is no number; write rows:>100, rows:<5 or rows:0'],
  ['took:long', '"took:long" is no duration; write took:>50ms or took:>2s'],
  [
    'table:orders',
    'there is no "table:"; a search knows verb, object, lane, rows and took. Put the word in quotes to search for it as it is',
  ],
  ['objects:orders', 'there is no "objects:"; did you mean "object:"?'],
])('%s is refused with the next step', async (text, problem) => {
  expect(await find(text)).toBe(problem)
})

test('a box of spaces is no search', () => {
  const parsed = parseFind('   ')
  expect(parsed.ok && isEmptyFind(parsed.query)).toBe(true)
})

test('a slow walk pauses, and ends when it is given up', async () => {
  const long = new SessionColumns()
  long.merge(indexOf(Array.from({ length: 3_000 }, (_, seq) => ({ seq }))))
  const parsed = parseFind('verb:select')
  if (!parsed.ok) throw new Error(parsed.problem)
  let now = 0
  let pauses = 0
  const giveUp = new AbortController()
  const pace = {
    // Each look at the clock costs more than a slice.
    nowMs: () => {
      now += 9
      return now
    },
    pause: async () => {
      pauses += 1
    },
    signal: giveUp.signal,
  }
  const found = await findRows(long, 3_000, parsed.query, () => undefined, pace)
  expect(found?.reduce((sum, value) => sum + value, 0)).toBe(3_000)
  expect(pauses).toBe(6)
  giveUp.abort()
  expect(await findRows(long, 3_000, parsed.query, () => undefined, pace)).toBeNull()
})
