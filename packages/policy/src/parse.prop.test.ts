// Any text gives documents or problems, never an exception, and never both nothing.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseDocuments, parseFloor } from './parse.ts'

const runs = { numRuns: process.env['SALLYPORT_TEST'] === 'full' ? 2_000 : 200 }
const sound = `apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: orders }
spec:
  targets: { any: true }
  rules:
    - { name: reads, effect: allow, callers: { any: true }, operations: [select], when: statement.filtered }
  masks:
    - { columns: [public.customers.email], method: { partial: { keepLast: 4 } }, unless: { groups: [pii] } }
`
const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom(
    '[',
    '{',
    '}',
    '---',
    '*a',
    '&a',
    '!!x',
    '? ',
    ': ',
    '- ',
    '"',
    '|',
    '>',
    '%YAML 9',
    '\u0000',
    '\ufeff',
    '\t',
  ),
)
const damaged = fc
  .tuple(fc.integer({ min: 0, max: sound.length }), fc.integer({ min: 0, max: 20 }), noise)
  .map(([at, removed, added]) => sound.slice(0, at) + added + sound.slice(at + removed))

it('any text gives documents or problems', () => {
  fc.assert(
    fc.property(fc.oneof(noise, damaged), (text) => {
      const { documents, problems } = parseDocuments(text)
      expect(documents.length + problems.length).toBeGreaterThan(0)
      for (const { message, line } of problems) {
        expect(message).not.toBe('')
        expect(line === null || line >= 1).toBe(true)
      }
      const floor = parseFloor(text)
      expect(floor.floor === null).toBe(floor.problems.length > 0)
    }),
    runs,
  )
})
