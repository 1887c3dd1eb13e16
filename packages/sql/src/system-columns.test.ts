// Columns of PostgreSQL's own relations as the target tells them: "*" can be followed whatever its version, and what we do not
// know of it is nobody's to read without a rule.
import { loadModule } from 'libpg-query'
import { beforeAll, expect, test } from 'vitest'
import { analyse } from './analyse.ts'
import { testParser } from './test/corpus.ts'
import { buildCatalog } from './testing-catalog.ts'

beforeAll(async () => await loadModule())

const context = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' } as const

function factsOf(text: string, systemColumns?: readonly string[]) {
  const catalog = buildCatalog({
    serverVersion: 150_018,
    relations: { 'public.t': ['a int4'] },
    ...(systemColumns === undefined ? {} : { systemColumns }),
  })
  const analysis = analyse(text, catalog, context, testParser)
  if (analysis.kind === 'syntax') throw new Error(analysis.message)
  const [facts] = analysis.statements
  if (facts === undefined) throw new Error('no statement')
  return facts
}

const told = [
  'pg_catalog.pg_am oid,amname,amhandler,amtype',
  'pg_catalog.pg_enum oid,enumtypid,enumsortorder,enumlabel,enumnews',
  'pg_catalog.pg_authid oid,rolname,rolpassword',
]

test('"*" of a system relation of an older server is followed once its columns are told', () => {
  expect([...factsOf('select a.* from pg_am a').unknowns]).toEqual([
    '"*" of "a", whose columns are not exactly known here',
  ])
  const facts = factsOf('select a.* from pg_am a', told)
  expect([...facts.unknowns]).toEqual([])
  expect(facts.output?.map(({ name }) => name)).toEqual(['oid', 'amname', 'amhandler', 'amtype'])
  expect(facts.effects.map(({ object, baseline }) => [object, baseline])).toEqual([['pg_catalog.pg_am', true]])
})

test('R-3.7 a column that our lists do not have is covered by no rule of ours', () => {
  const reads = (text: string) => factsOf(text, told).effects.filter(({ baseline }) => !baseline)
  expect(reads('select enumlabel from pg_enum')).toEqual([])
  expect(reads('select enumnews from pg_enum')).toHaveLength(1)
  expect(reads('select * from pg_enum')).toHaveLength(1)
  expect(reads('select e from pg_enum e')).toHaveLength(1)
  expect(reads('select * from pg_authid')).toHaveLength(1)
})

test('a column that the target does not have is none of its relation', () => {
  const facts = factsOf('select (select amdefault) from pg_am', told)
  expect([...facts.unknowns]).toEqual(['the column "amdefault", which nothing here has'])
})
