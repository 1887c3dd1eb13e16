// Entries within their limit: cut when a statement is too long, refused when that does not help, repaired UTF-16.
import { limits } from '@sallyport/base/limits'
import { parseEntry } from '@sallyport/ledger/shape'
import { testBody } from '@sallyport/ledger/testing-record'
import { expect, test } from 'vitest'
import { entryBytes } from './fit.ts'

const shared = { v: 1, session: '11'.repeat(16), seq: 1, atMs: 0, monoUs: 0 } as const
const intent = (text: string, parameters: (string | null)[] = []) => {
  const body = testBody.intent(1, text)
  return { ...body, parameters } as typeof body
}
const read = (bytes: Uint8Array): any => {
  const parsed = parseEntry(bytes)
  expect(parsed).toMatchObject({ ok: true })
  return parsed.ok && parsed.value
}
const overhead = entryBytes(shared, intent('')).length

test('an entry of exactly the limit is kept whole, and one past it is cut', () => {
  const text = 'x'.repeat(limits.entryBytesMax - overhead)
  expect(read(entryBytes(shared, intent(text)))).toMatchObject({ text, textTruncated: false })
  const cut = read(entryBytes(shared, intent(`${text}x`)))
  expect(cut).toMatchObject({ textTruncated: true })
  expect(`${text}x`.startsWith(cut.text)).toBe(true)
})

test('a text that escapes to six times its length still fits after the cut', () => {
  expect(read(entryBytes(shared, intent('\u0001'.repeat(limits.statementBytesMax)))).textTruncated).toBe(true)
})

test('too many parameters are cut, and their number stays known', () => {
  const entry = read(
    entryBytes(
      shared,
      intent(
        'select',
        Array.from({ length: limits.parametersMax }, () => 'x'.repeat(300)),
      ),
    ),
  )
  expect(entry.parameters).toHaveLength(1_001)
  expect(entry.parameters[0]).toBe(`${'x'.repeat(256)}‹cut›`)
  expect(entry.parameters[1_000]).toBe(`‹${limits.parametersMax - 1_000} more›`)
})

test('what does not fit after the cut is refused, so that the statement is denied', () => {
  const effects = Array.from({ length: 30_000 }, () => ({
    operation: 'select',
    object: 'public.a_table_with_a_name',
    via: 'direct',
  }))
  const body = { ...testBody.intent(1), effects } as Parameters<typeof entryBytes>[1]
  expect(() => entryBytes(shared, body)).toThrow(expect.objectContaining({ code: 'STATEMENT_TOO_LONG' }))
})

test('half of a surrogate pair is recorded as the replacement character', () => {
  expect(read(entryBytes(shared, intent('a\ud83db', ['\udc00', null])))).toMatchObject({
    text: 'a\ufffdb',
    parameters: ['\ufffd', null],
  })
})
