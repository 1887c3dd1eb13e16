// Names of a search_path, as PostgreSQL takes them apart.
import { expect, test } from 'vitest'
import { pathNames } from './path.ts'

test.each([
  ['', []],
  ['  ', []],
  ['public', ['public']],
  ['"$user", public', ['$user', 'public']],
  ['$user,Public ,"Public"', ['$user', 'public', 'Public']],
  ['"a""b", "c,d", "e f"', ['a"b', 'c,d', 'e f']],
  ['"",x', ['', 'x']],
  ['\t lab\n,\r"x"\f', ['lab', 'x']],
  ['ÄRGER', ['Ärger'.replace('Ä', 'Ä')]],
  [`"${'ä'.repeat(32)}"`, ['ä'.repeat(31)]],
  ['x'.repeat(70), ['x'.repeat(63)]],
])('%j', (text, names) => {
  expect(pathNames(text)).toEqual(names)
})

test.each(['a,', ',a', 'a b', '"a', 'a"b"', '"a"b', 'a,,b'])('%j is none', (text) => {
  expect(pathNames(text)).toBeNull()
})
