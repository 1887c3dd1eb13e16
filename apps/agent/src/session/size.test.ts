// What is refused by its size alone, at and just past each limit.
import { limits } from '@sallyport/base/limits'
import { describe, expect, it } from 'vitest'
import { sizeRefusal } from './size.ts'

const many = limits.statementsPerTextMax
const list = (length: number) => `select 1 in (${Array.from({ length }, () => '1').join(',')})`

describe('the size of a text', () => {
  it.each<[string, string, string | null]>([
    ['nothing', '', null],
    ['as many statements as may be', 'SELECT 1;'.repeat(many), null],
    ['one statement more', `${'SELECT 1;'.repeat(many)} select 1`, 'statements'],
    ['semicolons in a literal', `select '${';'.repeat(many + 1)}'`, null],
    ['semicolons in comments', 'select 1 -- ;\n;'.repeat(many), null],
    ['semicolons without statements', `${';'.repeat(many + 1)}select 1`, null],
    ['a literal as long as may be', `select '${'x'.repeat(limits.statementBytesMax - 9)}'`, null],
    ['a byte more', `select '${'x'.repeat(limits.statementBytesMax - 8)}'`, 'bytes'],
    ['as many bytes in fewer characters', `select '${'ä'.repeat(limits.statementBytesMax / 2)}'`, 'bytes'],
    ['a long list', list(20_000), null],
    ['a list that would keep the parser busy', list(limits.statementTokensMax / 2), 'words and signs'],
    ['brackets without a space', '('.repeat(limits.statementTokensMax + 1), 'words and signs'],
  ])('R-1.37: %s', (_, text, expected) => {
    const refusal = sizeRefusal(text)
    if (expected === null) expect(refusal).toBeNull()
    else expect(refusal).toMatchObject({ code: 'STATEMENT_TOO_LONG', message: expect.stringContaining(expected) })
  })
})
