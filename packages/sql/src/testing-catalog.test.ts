// The catalog builder for tests: what a compact spec becomes, and that mistakes in it do not pass.
import { describe, expect, it } from 'vitest'
import { buildCatalog } from './testing-catalog.ts'

describe('buildCatalog', () => {
  const catalog = buildCatalog({
    relations: {
      'public.a': ['id int4!', 'at timestamptz = now()', 'up text := upper(x)', 'm public.mood'],
      'public.b': {
        columns: ['id int4'],
        parents: ['public.a'],
        cascades: [{ from: 'public.a', onDelete: 'cascade' }],
      },
      's.v': { columns: ['id int4'], view: 'SELECT 1 AS id' },
    },
    functions: { 's.f(int4, text)': { returns: 'text', body: 'SELECT $2' }, 's.g()': { returns: 'void' } },
    types: { 'public.mood': 'enum' },
    writable: ['lab'],
  })

  it('numbers relations, functions and types in the order of the spec', () => {
    expect(catalog.relations.map(({ oid }) => oid)).toEqual([16_384, 16_385, 16_386])
    expect(catalog.functions.map(({ oid }) => oid)).toEqual([16_387, 16_388])
    expect(catalog.types.map(({ oid }) => oid)).toEqual([16_389])
  })

  it('reads columns', () => {
    expect(catalog.relations[0]?.columns).toMatchObject([
      { number: 1, name: 'id', type: 'pg_catalog.int4', typeOid: 23, notNull: true, generated: 'no', expression: null },
      { number: 2, name: 'at', notNull: false, expression: 'now()', generated: 'no' },
      { number: 3, name: 'up', expression: 'upper(x)', generated: 'stored' },
      { number: 4, name: 'm', type: 'public.mood', typeOid: 16_389 },
    ])
  })

  it('resolves names, kinds, languages and schemas', () => {
    expect(catalog.relations[1]).toMatchObject({ parents: [16_384], cascades: [{ fromOid: 16_384, onUpdate: 'none' }] })
    expect(catalog.relations[2]).toMatchObject({ schema: 's', name: 'v', kind: 'view' })
    expect(catalog.functions).toMatchObject([
      { name: 'f', argumentTypes: ['pg_catalog.int4', 'pg_catalog.text'], language: 'sql' },
      { name: 'g', argumentTypes: [], language: 'plpgsql', body: null },
    ])
    expect(catalog.schemas).toEqual([
      { name: 'public', writable: false },
      { name: 's', writable: false },
      { name: 'lab', writable: true },
    ])
  })

  it.each([
    [{ relations: { nothing: [] } }, 'schema.name'],
    [{ relations: { 'a.b': ['id'] } }, 'a column of the spec'],
    [{ relations: { 'a.b': { columns: [], parents: ['a.c'] } } }, '"a.c"'],
  ])('refuses %j', (spec, message) => expect(() => buildCatalog(spec)).toThrow(message))
})
