// Cells of the export never run in a spreadsheet (THREATS ).
import { describe, expect, it } from 'vitest'
import { csvCell, csvText } from './csv.ts'

describe('a cell of CSV', () => {
  it.each([
    ['=HYPERLINK("http://evil","x")', '"\'=HYPERLINK(""http://evil"",""x"")"'],
    ['+1+1', '"\'+1+1"'],
    ['-2+3', '"\'-2+3"'],
    ['@SUM(A1)', '"\'@SUM(A1)"'],
    ['\t=1', '"\'\t=1"'],
    ['\r=1', '"\'\r=1"'],
    ['\n=1', '"\'\n=1"'],
    ['  =1', '"\'  =1"'],
    ['\u0000=1', '"\' =1"'],
    ['\ufeff=1', '"\'\ufeff=1"'],
    ['＝1', '"\'＝1"'],
    ['|calc', '"\'|calc"'],
    ['%0A=1', '"\'%0A=1"'],
  ])('never begins as a formula does: %j (R-6.9)', (text, cell) => {
    expect(csvCell(text)).toBe(cell)
  })

  it.each([
    ['apply', '"apply"'],
    ['Policy/orders', '"Policy/orders"'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['a=b', '"a=b"'],
    ['', '""'],
    ['bell\u0007', '"bell "'],
  ])('keeps %j as it is', (text, cell) => {
    expect(csvCell(text)).toBe(cell)
  })

  it('cannot be left by a quote and a comma', () => {
    expect(csvCell('x","=1')).toBe('"x"",""=1"')
  })
})

it('a table has a head, quoted cells and CRLF', () => {
  expect(csvText(['at', 'action'], [['2026-01-01', '=x']])).toBe('\ufeff"at","action"\r\n"2026-01-01","\'=x"\r\n')
})
