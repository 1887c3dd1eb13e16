// The golden corpus: statements with everything that they do, in files named after behaviours. Facts are compared as lines.
import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { analyse } from './analyse.ts'
import { corpusCases, corpusCatalog, shownAs, testParser } from './test/corpus.ts'
import { factLines } from './testing-facts.ts'

beforeAll(() => loadModule())

const cases = corpusCases()

it('has at least 400 statements', () => {
  const statements = cases.reduce((sum, one) => sum + (Array.isArray(one.expect) ? one.expect.length : 1), 0)
  expect(statements).toBeGreaterThanOrEqual(400)
})

describe.each([...new Set(cases.map(({ file }) => file))])('%s', (file) => {
  for (const { name, sql, context, expect: expected } of cases.filter((one) => one.file === file))
    it(name, () => expect(shownAs(analyse(sql, corpusCatalog, context, testParser), factLines)).toEqual(expected))
})

// What an analysis keeps beside a catalog makes the next one fast. It must not be what the next one finds.
describe('says the same under a catalog that nothing was analysed by before', () => {
  it.each(cases.map((one) => [`${one.file}: ${one.name}`, one] as const))(
    '%s',
    (_, { sql, context, expect: expected }) =>
      expect(shownAs(analyse(sql, { ...corpusCatalog }, context, testParser), factLines)).toEqual(expected),
  )
})
