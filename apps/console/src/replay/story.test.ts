// A statement's entries, gathered: among those of others, as far as they are loaded.
import type { Entry, EntryBody } from '@sallyport/ledger/entry'
import { testBody } from '@sallyport/ledger/testing-record'
import { expect, test } from 'vitest'
import { entryOfItem, shadowsOf, storyOf } from './story.ts'

const { opened, intent, outcome, denied } = testBody
const session = '11'.repeat(16)
const request = '33'.repeat(16)
const {
  rule: deniedRule,
  code: _code,
  message: _message,
  kind: _kind,
  ...statement
} = denied(2) as Extract<EntryBody, { kind: 'denied' }>
const held = (number: number): EntryBody => ({
  ...statement,
  kind: 'held',
  statement: number,
  rule: deniedRule ?? { policy: 'p', version: 1, rule: 'r' },
  request,
  statementDigest: 'ab'.repeat(32),
  evidenceDigest: 'cd'.repeat(32),
  expiresAtMs: 1,
  waits: true,
})
const holdEnded = (number: number, result: 'approved' | 'denied' | 'pending'): EntryBody => ({
  kind: 'hold-ended',
  statement: number,
  request,
  result,
  by: ['Bo'],
  reason: 'fine',
  approvalDigest: '',
})
function shelf(bodies: readonly EntryBody[]): Map<number, Entry> {
  return new Map(bodies.map((body, seq) => [seq, { v: 1, session, seq, atMs: 1_000 + seq, monoUs: seq, ...body }]))
}
const kinds = (entries: ReadonlyMap<number, Entry>, seq: number) =>
  storyOf(entries, seq)?.entries.map(({ kind }) => kind)

test('an outcome is found behind entries of other statements', () => {
  const entries = shelf([opened(), intent(1), intent(2), outcome(2), denied(3), outcome(1)])
  expect(kinds(entries, 1)).toEqual(['intent', 'outcome'])
  expect(storyOf(entries, 1)?.outcome?.seq).toBe(5)
  expect(kinds(entries, 4)).toEqual(['denied'])
})

test('an approved hold goes on with its run', () => {
  const entries = shelf([opened(), held(1), holdEnded(1, 'approved'), intent(1), outcome(1)])
  expect(kinds(entries, 1)).toEqual(['held', 'hold-ended', 'intent', 'outcome'])
})

test('a hold that was denied or goes on ends there', () => {
  expect(kinds(shelf([opened(), held(1), holdEnded(1, 'denied'), intent(2)]), 1)).toEqual(['held', 'hold-ended'])
  expect(kinds(shelf([opened(), held(1), holdEnded(1, 'pending'), intent(2)]), 1)).toEqual(['held', 'hold-ended'])
})

test('what is not loaded has no story, and a gap ends it', () => {
  const entries = shelf([opened(), intent(1), outcome(1)])
  entries.delete(2)
  expect(kinds(entries, 1)).toEqual(['intent'])
  expect(storyOf(entries, 0)).toBeNull()
  expect(storyOf(entries, 9)).toBeNull()
})

test('an item that is no entry is told apart', () => {
  const item = { v: 1, session, seq: 1, atMs: 1, monoUs: 1, ...outcome(1) }
  expect(entryOfItem(item)?.kind).toBe('outcome')
  expect(entryOfItem({ ...item, rows: -1 })).toBeNull()
  expect(entryOfItem({ ...item, rows: 1.5 })).toBeNull()
  expect(entryOfItem({ ...item, extra: 1 })).toBeNull()
  expect(entryOfItem(null)).toBeNull()
})

test('what shadow rules and limits would have done is told once each, from all entries of the statement', () => {
  const rule = { policy: 'shop', version: 3, rule: 'no-deletes' }
  const deny = { ...rule, effect: 'deny' as const }
  const limit = { ...rule, rule: 'rows', effect: 'limit' as const }
  const entries = [
    { ...intent(2), shadow: [deny, limit] },
    { ...outcome(2), shadow: [limit] },
  ].map((body, index) => ({ ...body, session, seq: index })) as unknown as Entry[]
  expect(shadowsOf({ entries })).toEqual([deny, limit])
  expect(shadowsOf({ entries: [] })).toEqual([])
})
