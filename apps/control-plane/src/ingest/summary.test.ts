// The summary of a session: sums of its entries, and strings that the store takes whatever an agent sends.

import { createHash } from 'node:crypto'
import { toHex } from '@sallyport/ledger/bytes'
import { parseEntry } from '@sallyport/ledger/shape'
import { chainEntries, testBody, testPrincipal } from '@sallyport/ledger/testing-record'
import { expect, test } from 'vitest'
import type { CheckedEntry } from './check.ts'
import { columnsOf } from './columns.ts'
import { addCounts, additionOf, dateOf, objectsMax, unite } from './summary.ts'

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())
const checked = (bodies: Parameters<typeof chainEntries>[2]): CheckedEntry[] =>
  chainEntries(sha256, '11'.repeat(16), bodies).map(({ bytes, hash }) => {
    const parsed = parseEntry(bytes)
    if (!parsed.ok) throw new Error(parsed.reason)
    return { entry: parsed.value, hash: toHex(hash), bytes }
  })
const { opened, intent, outcome, denied, held, holdEnded, approved, closed } = testBody
const never = () => false

test('statements, denials and masked values are counted, opening and closing are taken', () => {
  const added = additionOf(
    checked([opened(), intent(1), outcome(1, 3), denied(2), intent(3), outcome(3, 4), closed(3, 'done')]),
    never,
  )
  expect(added).toMatchObject({
    opening: {
      target: 'orders',
      initiatorKey: 'https://id.example.com ann',
      initiatorName: 'Ann',
      authentication: 'jwt',
      tls: true,
    },
    statements: 3,
    denied: 1,
    maskedValues: 7,
    closing: { reason: 'done' },
  })
})

test('strings are cut, and hold neither NUL nor half of a surrogate pair', () => {
  const body = opened()
  const hostile = {
    ...body,
    target: `a\0${'\u{1f600}'.repeat(300)}`,
    initiator: { ...testPrincipal, display: `${'x'.repeat(499)}\u{1f600}` },
  } as typeof body
  const { opening } = additionOf(checked([hostile]), never)
  expect(opening?.target).toHaveLength(500)
  expect(opening?.target.startsWith('a\ufffd\u{1f600}')).toBe(true)
  expect(opening?.initiator.display).toBe(`${'x'.repeat(499)}\ufffd`)
  expect(opening?.initiatorName).toBe(opening?.initiator.display)
})

test('sums and times stay within what the store takes', () => {
  expect(addCounts(2_147_483_000, 2_147_483_000)).toBe(2_147_483_647)
  expect(dateOf(Number.MAX_SAFE_INTEGER).toISOString()).toBe('9999-12-31T23:59:59.000Z')
})

test('held texts are counted once, with what they did, and their first run is no further statement', () => {
  const bodies = [
    held(1),
    holdEnded(1),
    approved(1),
    approved(2),
    outcome(1),
    held(3),
    holdEnded(3, 'denied'),
    denied(4),
  ]
  const added = additionOf(checked(bodies), (statement) => statement === 1)
  expect(added).toMatchObject({ statements: 4, held: 2, denied: 1, verbs: ['delete'], objects: ['public.orders'] })
})

test('verbs and objects are bounded and without repetitions', () => {
  const effects = Array.from({ length: objectsMax + 50 }, (_, index) => ({
    operation: 'select',
    object: `public.t${index}`,
    via: 'direct' as const,
  }))
  const added = additionOf(checked([{ ...intent(1), effects } as ReturnType<typeof intent>]), never)
  expect(added.objects).toHaveLength(objectsMax)
  expect(unite(['a', 'b'], ['b', 'c', 'd'], 3)).toEqual(['a', 'b', 'c'])
})

test('each entry gives its columns: lanes of intents, ends, and what continues a held statement', () => {
  const masked = { ...intent(4), masks: ['orders/email'], maskedColumns: 1 } as ReturnType<typeof intent>
  const ruleWithoutColumn = { ...intent(5), masks: ['orders/email'] } as ReturnType<typeof intent>
  const failed = { ...outcome(2), result: 'failed', rows: 3_000_000_000 } as ReturnType<typeof outcome>
  const bodies = [opened(), held(1), holdEnded(1), approved(1), approved(2), outcome(1, 7), failed, held(3)]
  const rest = [holdEnded(3, 'expired'), masked, ruleWithoutColumn, denied(6), intent(3_000_000_000), closed(7)]
  const columns = checked([...bodies, ...rest]).map(({ entry }) => columnsOf(entry, (statement) => statement === 1))
  expect(columns.map(({ statement, lane, rows }) => [statement, lane, rows])).toEqual([
    [null, null, null],
    [1, 'held', null],
    [1, null, null],
    [1, 'run', null],
    [2, 'approved', null],
    [1, 'done', 7],
    [2, 'failed', 2_147_483_647],
    [3, 'held', null],
    [3, 'over', null],
    [4, 'masked', null],
    [5, 'allowed', null],
    [6, 'denied', null],
    [null, 'allowed', null],
    [null, null, null],
  ])
  expect(columns[3]).toMatchObject({ monoUs: 3_000, verb: 'delete', object: 'public.orders', durationUs: null })
  expect(columns[5]).toMatchObject({ verb: null, durationUs: 900 })
})
