// What stands beside what.
import { expect, test } from 'vitest'
import { diffOf } from './diff.ts'
import { paired } from './paired.ts'

const lines = (...texts: string[]): string => texts.join('\n')

test('a changed line stands beside what it was, and what has no other side stands alone', () => {
  expect(paired(diffOf(lines('{', 'a', 'b', '}'), lines('{', 'A', '}', 'c')).rows)).toEqual([
    { kind: 'same', before: '{', after: '{' },
    { kind: 'changed', before: 'a', after: 'A' },
    { kind: 'changed', before: 'b', after: null },
    { kind: 'same', before: '}', after: '}' },
    { kind: 'changed', before: null, after: 'c' },
  ])
})

test('long equal parts are folded', () => {
  const same = Array.from({ length: 9 }, (_, at) => `line ${at}`)
  expect(paired(diffOf(lines(...same, 'x'), lines(...same, 'y')).rows)[0]).toEqual({ kind: 'gap', lines: 6 })
})
