// The summary of a session: sums of its entries, and strings that the store takes whatever an agent sends.

import { createHash } from 'node:crypto'
import { toHex } from '@sallyport/ledger/bytes'
import { parseEntry } from '@sallyport/ledger/shape'
import { chainEntries, testBody, testPrincipal } from '@sallyport/ledger/testing-record'
import { expect, test } from 'vitest'
import type { CheckedEntry } from './check.ts'
import { addCounts, additionOf, dateOf } from './summary.ts'

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())
const checked = (bodies: Parameters<typeof chainEntries>[2]): CheckedEntry[] =>
  chainEntries(sha256, '11'.repeat(16), bodies).map(({ bytes, hash }) => {
    const parsed = parseEntry(bytes)
    if (!parsed.ok) throw new Error(parsed.reason)
    return { entry: parsed.value, hash: toHex(hash), bytes }
  })
const { opened, intent, outcome, denied, closed } = testBody

test('statements, denials and masked values are counted, opening and closing are taken', () => {
  const added = additionOf(
    checked([opened(), intent(1), outcome(1, 3), denied(2), intent(3), outcome(3, 4), closed(3, 'done')]),
  )
  expect(added).toMatchObject({
    opening: { target: 'orders', initiatorKey: 'https://id.example.com ann', initiatorName: 'Ann' },
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
  const { opening } = additionOf(checked([hostile]))
  expect(opening?.target).toHaveLength(500)
  expect(opening?.target.startsWith('a\ufffd\u{1f600}')).toBe(true)
  expect(opening?.initiator.display).toBe(`${'x'.repeat(499)}\ufffd`)
  expect(opening?.initiatorName).toBe(opening?.initiator.display)
})

test('sums and times stay within what the store takes', () => {
  expect(addCounts(2_147_483_000, 2_147_483_000)).toBe(2_147_483_647)
  expect(dateOf(Number.MAX_SAFE_INTEGER).toISOString()).toBe('9999-12-31T23:59:59.000Z')
})
