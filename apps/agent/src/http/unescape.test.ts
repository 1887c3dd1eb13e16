// Escapes are read the same wherever chunks end, and in time that grows with the bytes alone (THREATS ).
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unescaping } from './unescape.ts'

const read = (kind: 'json' | 'form', ...chunks: readonly string[]): string => {
  const made = unescaping(kind)
  return chunks.map((chunk) => made?.push(Buffer.from(chunk, 'latin1')).toString('latin1')).join('')
}

describe('unescaping', () => {
  it.each<['json' | 'form', readonly string[], string]>([
    ['json', ['\\u0063rm'], 'crm'],
    ['json', ['\\', 'u00', '63rm'], 'crm'],
    ['json', ['a\\', '\\u0063'], 'a\\u0063'],
    ['json', ['a\\\\', '\\u0063'], 'a\\c'],
    ['json', ['s\\/t'], 's/t'],
    ['form', ['%63%7', '2m+x'], 'crm x'],
    ['form', ['\\%6', '3'], '\\c'],
  ])('of %s in %j', (kind, chunks, expected) => {
    expect(read(kind, ...chunks)).toBe(expected)
  })
  it('gives the same at every split', () => {
    const piece = fc.constantFrom('\\', '\\\\', '\\u0063', '\\u00', '%', '%6', '%63', '+', 'u', '0063', 'x')
    fc.assert(
      fc.property(
        fc.constantFrom('json', 'form'),
        fc.array(piece, { maxLength: 12 }),
        fc.nat(60),
        (kind, pieces, at) => {
          const text = `${pieces.join('')}....`
          expect(read(kind, text.slice(0, at), text.slice(at))).toBe(read(kind, text))
        },
      ),
      { numRuns: 300 },
    )
  })
  it('is not there where nothing is escaped', () => {
    expect(unescaping('text')).toBeNull()
    expect(unescaping('opaque')).toBeNull()
  })
})
