// Names that columns had before (THREATS ).
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { describe, expect, it } from 'vitest'
import { withFormerNames } from './former-names.ts'

const first = buildCatalog({
  relations: { 'public.people': ['id int4', 'name text', 'ssn text'], 'hr.staff': ['id int4'] },
})
const renamed = (names: readonly string[], schema = 'public', table = 'people') => ({
  ...first,
  version: `${names.join()}${schema}${table}`,
  relations: first.relations.map((relation, at) =>
    at > 0
      ? relation
      : {
          ...relation,
          schema,
          name: table,
          columns: relation.columns.map((column, place) => ({ ...column, name: names[place] ?? column.name })),
        },
  ),
})
const formerly = (catalog: typeof first) => catalog.relations[0]!.columns.map((column) => column.formerly ?? [])

describe('former names', () => {
  it('are none where nothing was renamed, and the catalog stays the same object', () => {
    const same = renamed(['id', 'name', 'ssn'])
    expect(withFormerNames(undefined, same)).toBe(same)
    expect(withFormerNames(first, same)).toBe(same)
  })

  it('stay with a column over renames of it, its table and its schema, and change the version', () => {
    const swapped = withFormerNames(first, renamed(['id', 'ssn', 'name']))
    expect(formerly(swapped)).toEqual([[], [['public', 'people', 'name']], [['public', 'people', 'ssn']]])
    expect(swapped.version).not.toBe(renamed(['id', 'ssn', 'name']).version)
    const moved = withFormerNames(swapped, renamed(['id', 'ssn', 'name'], 'lab', 'folk'))
    expect(formerly(moved)[2]).toEqual([
      ['public', 'people', 'ssn'],
      ['public', 'people', 'name'],
    ])
  })

  it('are gone where a column has the name again that it had first', () => {
    const swapped = withFormerNames(first, renamed(['id', 'ssn', 'name']))
    const again = withFormerNames(swapped, renamed(['id', 'other', 'name']))
    expect(formerly(again)[1]).toEqual([
      ['public', 'people', 'name'],
      ['public', 'people', 'ssn'],
    ])
    expect(formerly(withFormerNames(again, renamed(['id', 'ssn', 'name'])))[1]).toEqual([['public', 'people', 'name']])
    const original = renamed(['id', 'name', 'ssn'])
    expect(withFormerNames(again, original)).toBe(original)
  })

  it('are not those of another relation or column of the same name', () => {
    const other = { ...first, relations: first.relations.map((relation) => ({ ...relation, oid: relation.oid + 100 })) }
    expect(withFormerNames(first, other)).toBe(other)
  })

  it('R-3.14 are those of a parent that a partition or child was detached from, near or far', () => {
    const parts = (parents: Readonly<Record<string, readonly string[]>>) =>
      buildCatalog({
        version: JSON.stringify(parents),
        relations: Object.fromEntries(
          ['all', 'year', 'month', 'other'].map((name) => [
            `public.${name}`,
            { columns: ['id int4', 'phone text'], parents: (parents[name] ?? []).map((one) => `public.${one}`) },
          ]),
        ),
      })
    const phoneOf = (catalog: typeof first, table: string) =>
      catalog.relations.find(({ name }) => name === table)?.columns[1]?.formerly ?? []
    const whole = parts({ year: ['all'], month: ['year'] })
    const detached = withFormerNames(whole, parts({ month: ['year'] }))
    expect(phoneOf(detached, 'year')).toEqual([['public', 'all', 'phone']])
    expect(phoneOf(detached, 'month')).toEqual([['public', 'all', 'phone']])
    expect(phoneOf(detached, 'other')).toEqual([])
    // And they stay, with those that come.
    const alone = withFormerNames(detached, parts({}))
    expect(phoneOf(alone, 'year')).toEqual([['public', 'all', 'phone']])
    expect(phoneOf(alone, 'month')).toContainEqual(['public', 'year', 'phone'])
    expect(withFormerNames(whole, parts({ year: ['all'], month: ['year'] })).version).toBe(whole.version)
  })

  it('are at most a few of one column', () => {
    let catalog = first
    for (let turn = 0; turn < 20; turn++) catalog = withFormerNames(catalog, renamed(['id', 'name', `c${turn}`]))
    expect(formerly(catalog)[2]).toHaveLength(8)
    expect(formerly(catalog)[2]![0]).toEqual(['public', 'people', 'ssn'])
  })
})
