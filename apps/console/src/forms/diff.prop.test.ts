// A diff tells both texts whole.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type DiffRow, diffOf } from './diff.ts'

const text = fc.array(fc.constantFrom('a', 'b', 'c', '', '  d: e'), { maxLength: 12 }).map((lines) => lines.join('\n'))
const linesOf = (value: string) => (value === '' ? [] : value.replace(/\n$/, '').split('\n'))
const numbers = (rows: readonly DiffRow[], side: 'before' | 'after') =>
  rows.flatMap((row) => (row.kind === 'gap' || row[side] === null ? [] : [[row[side], row.text]]))

it('every line that is shown stands at its number, and nothing that changed is left out', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const { rows, added, removed } = diffOf(before, after)
      const [old, fresh] = [linesOf(before), linesOf(after)]
      for (const [number, shown] of numbers(rows, 'before')) expect(old[Number(number) - 1]).toBe(shown)
      for (const [number, shown] of numbers(rows, 'after')) expect(fresh[Number(number) - 1]).toBe(shown)
      const gaps = rows.reduce((sum, row) => sum + (row.kind === 'gap' ? row.lines : 0), 0)
      expect(numbers(rows, 'before').length + gaps).toBe(old.length)
      expect(numbers(rows, 'after').length + gaps).toBe(fresh.length)
      expect(old.length + added - removed).toBe(fresh.length)
      if (before === after) expect(added + removed).toBe(0)
    }),
    { numRuns: 500 },
  )
})

it('a line that is added last leaves the one before it alone', () => {
  expect(diffOf('a\nb\n', 'a\nb\nc\n')).toMatchObject({ added: 1, removed: 0 })
  expect(diffOf('a\nb\nc\n', 'a\nb\n')).toMatchObject({ added: 0, removed: 1 })
  expect(diffOf('a\n', 'b\n')).toMatchObject({ added: 1, removed: 1 })
})

it('texts too long to compare pair by pair are still told whole', () => {
  const lines = (word: string) => Array.from({ length: 2_100 }, (_, index) => `${word} ${index}`).join('\n')
  expect(diffOf(lines('a'), lines('b'))).toMatchObject({ added: 2_100, removed: 2_100 })
})
