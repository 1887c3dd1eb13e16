// Tables line up by columns of the terminal, not by characters, and no cell can break a line.
import { expect, test } from 'vitest'
import { renderTable, renderTabs } from './table.ts'
import { pad, textWidth } from './width.ts'

test.each([
  ['abc', 3],
  ['東京', 4],
  ['e\u0301', 1],
  ['👩‍🔬', 2],
  ['한국', 4],
  ['ﾊﾛ', 2],
  ['', 0],
])('%j takes %i columns', (text, width) => {
  expect(textWidth(text)).toBe(width)
})

test('padding never shortens', () => {
  expect(pad('abcdef', 3)).toBe('abcdef')
  expect(pad('東', 4)).toBe('東  ')
  expect(pad('7', 3, 'left')).toBe('  7')
})

const table = {
  columns: [{ name: 'name' }, { name: 'n', align: 'right' as const }],
  rows: [
    ['東京', '1'],
    ['line\nbreak', null],
  ],
}

test('an aligned table with wide characters, escapes and NULL', () => {
  expect(renderTable(table, 80)).toBe(
    [' name        | n', '-------------+------', ' 東京        |    1', ' line\\nbreak | NULL'].join('\n'),
  )
})

test('a table that is wider than the terminal becomes records', () => {
  expect(renderTable(table, 15)).toBe(
    ['-[ 1 ]-', 'name | 東京', 'n    | 1', '-[ 2 ]-', 'name | line\\nbreak', 'n    | NULL'].join('\n'),
  )
})

test('an empty result is its heading', () => {
  expect(renderTable({ ...table, rows: [] }, 5)).toBe(' name | n\n------+---')
})

test('for programs one row is one line of tab-separated cells', () => {
  expect(renderTabs({ columns: [{ name: 'a' }, { name: 'b' }], rows: [['x\ty', null]] })).toBe('a\tb\nx\\ty\tNULL')
})
