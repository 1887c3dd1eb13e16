// What is accepted of a scan becomes whole labels on top of those of now; what is declined is in none of them.
import { expect, test } from 'vitest'
import { acceptedOf, evidenceText, type FoundColumn, isOpen, keyOf } from './scans.ts'

const found = (column: string, label: string | null, labelled: readonly string[] = []): FoundColumn => ({
  schema: 'public',
  relation: 'customers',
  column,
  values: 40,
  hits: { email: 38 },
  label,
  evidence: label === null ? null : 'values',
  labelled: [...labelled],
})
const columns = [
  found('email', 'pii.email'),
  found('mail', 'pii.email'),
  found('phone', 'pii.phone'),
  found('note', null),
]
const stored = [
  {
    name: 'pii.email',
    version: 4,
    document: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'Label',
      metadata: { name: 'pii.email', description: 'Mail' },
      spec: { columns: [{ pattern: '*.*.reader' }] },
    },
  },
]
const accept = (names: readonly string[], labels: Parameters<typeof acceptedOf>[2] = stored) =>
  acceptedOf(
    { columnsFound: columns },
    'shop',
    labels,
    new Set(columns.filter(({ column }) => names.includes(column)).map(keyOf)),
  )

test('an accepted column is added to its label, which keeps what it has; the version that was seen goes along', () => {
  const made = accept(['email'])
  expect(made?.documents.map(({ metadata, spec }) => [metadata, spec.columns])).toEqual([
    [
      { name: 'pii.email', description: 'Mail' },
      [{ pattern: '*.*.reader' }, { pattern: 'public.customers.email', targets: ['shop'] }],
    ],
  ])
  expect(made?.expect).toEqual([{ kind: 'Label', name: 'pii.email', version: 4 }])
})

test('a label that is not there is expected to be none', () => {
  const made = accept(['mail', 'phone'])
  expect(made?.expect).toEqual([
    { kind: 'Label', name: 'pii.email', version: 4 },
    { kind: 'Label', name: 'pii.phone', version: 0 },
  ])
  expect(JSON.stringify(made?.documents)).not.toContain('customers.email')
})

test('nothing accepted changes nothing; a column without a proposal cannot be accepted', () => {
  expect(accept([])?.documents).toEqual([])
  expect(accept(['note'])?.documents).toEqual([])
})

test('a label that this console cannot read is never replaced', () => {
  const unread = [{ name: 'pii.email', version: 9, document: { kind: 'Label', metadata: { name: 'pii.email' } } }]
  expect(accept(['email'], unread)).toBeNull()
  expect(accept(['phone'], unread)?.documents).toHaveLength(1)
})

test('a proposal is open until its label covers the column', () => {
  expect(isOpen(found('email', 'pii.email'))).toBe(true)
  expect(isOpen(found('email', 'pii.email', ['pii.email']))).toBe(false)
  expect(isOpen(found('email', null))).toBe(false)
})

test('evidence is told in counts, the most first', () => {
  expect(evidenceText({ hits: { name: 2, email: 38 }, values: 40 })).toBe('email in 38 of 40, name in 2 of 40')
  expect(evidenceText({ hits: {}, values: 40 })).toBe('')
})
