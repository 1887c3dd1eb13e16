// Which columns are protected for whom: patterns, labels, inheritance in both directions, `unless` over the chain.
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { describe, expect, it } from 'vitest'
import { protectedColumns } from './decide.ts'
import { parseFloor } from './parse.ts'
import { chain, compileDocuments, documentsOf } from './testing.ts'

const catalog = buildCatalog({
  relations: {
    'public.customers': ['id int8!', 'email text', 'ssn text'],
    'public.customers_eu': {
      columns: ['id int8!', 'vat text', 'email text', 'ssn text'],
      parents: ['public.customers'],
    },
    'public.customers_eu_de': { columns: ['id int8!', 'email text', 'tax text'], parents: ['public.customers_eu'] },
    'public.orders': ['id int8!', 'email text'],
    'sales.Leads': ['Email text', 'email text'],
    'public.people': { columns: ['email text'], view: 'SELECT email FROM public.customers' },
  },
})

const policy = (masks: string): string => `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: privacy }
spec:
  targets: { any: true }
  masks:
${masks}
`
const found = (yaml: string, ...who: string[]): string[] => {
  const [first = 'ann', ...rest] = who
  return protectedColumns(compileDocuments(documentsOf(yaml)), chain(first, ...rest), catalog).map(
    ({ name, method, rule }) => `${name} ${typeof method === 'string' ? method : 'partial'} ${rule}`,
  )
}
const names = (yaml: string, ...who: string[]): (string | undefined)[] =>
  found(yaml, ...who).map((text) => text.split(' ')[0])

describe('patterns', () => {
  it.each([
    ['public.orders.email', ['public.orders.email']],
    ['public.orders.*', ['public.orders.id', 'public.orders.email']],
    ['*.orders.e*', ['public.orders.email']],
    ['sales.Leads.Email', ['sales.Leads.Email']],
    ['sales.leads.email', []],
    ['public.people.email', ['public.people.email']],
    ['public.nobody.email', []],
  ])('%s', (pattern, expected) => {
    expect(names(policy(`    - { columns: ["${pattern}"], method: redact }`))).toEqual(expected)
  })

  it('** is every column of every relation', () => {
    const every = catalog.relations.reduce((sum, relation) => sum + relation.columns.length, 0)
    expect(names(policy('    - { columns: ["**"], method: redact }'))).toHaveLength(every)
  })

  it('a relation whose name holds a dot is matched by its parts', () => {
    const [customers] = catalog.relations
    const dotted = { ...catalog, relations: [{ ...customers!, name: 'a.b' }] }
    const policies = compileDocuments(
      documentsOf(policy(`    - { columns: ["public.*.email", 'public."a.b".ssn'], method: redact }`)),
    )
    expect(protectedColumns(policies, chain('ann'), dotted).map(({ number }) => number)).toEqual([2, 3])
  })
})

describe('renames', () => {
  const renamed = {
    ...catalog,
    relations: catalog.relations.map((relation) =>
      relation.name !== 'orders'
        ? relation
        : {
            ...relation,
            name: 'sales',
            columns: relation.columns.map((column) => ({
              ...column,
              name: `old_${column.name}`,
              formerly: [['public', 'orders', column.name] as const],
            })),
          },
    ),
  }
  it('R-3.14: a column stays hidden under the name that the policy knows, and no other one is', () => {
    const policies = compileDocuments(documentsOf(policy('    - { columns: ["public.orders.email"], method: redact }')))
    const hidden = protectedColumns(policies, chain('ann'), renamed)
    expect(hidden.map(({ name }) => name)).toEqual(['public.sales.old_email'])
  })
})

describe('inheritance', () => {
  it('a mask on a parent covers its children, by the name of the column', () => {
    expect(names(policy('    - { columns: ["public.customers.email"], method: redact }'))).toEqual([
      'public.customers.email',
      'public.customers_eu.email',
      'public.customers_eu_de.email',
    ])
  })
  it('a mask on a child covers its parents, through which the child is read', () => {
    expect(names(policy('    - { columns: ["public.customers_eu.ssn"], method: redact }'))).toEqual([
      'public.customers.ssn',
      'public.customers_eu.ssn',
    ])
  })
  it('a column that only a child has stays alone', () => {
    expect(names(policy('    - { columns: ["public.customers_eu_de.tax"], method: redact }'))).toEqual([
      'public.customers_eu_de.tax',
    ])
  })
})

describe('labels', () => {
  const labelled = (columns: string): string => `${policy('    - { name: mail, label: pii.email, method: hash }')}---
apiVersion: sallyport.dev/v1
kind: Label
metadata: { name: pii.email }
spec:
  columns:
${columns}
`
  it('are their columns', () => {
    expect(found(labelled('    - { pattern: public.orders.email }'))).toEqual(['public.orders.email hash privacy/mail'])
  })
  it('of other targets are left out', () => {
    const columns =
      '    - { pattern: public.orders.email, targets: [billing] }\n    - { pattern: public.orders.id, targets: [shop] }'
    expect(names(labelled(columns))).toEqual(['public.orders.id'])
  })
})

describe('unless', () => {
  const groups = policy('    - { columns: ["public.orders.email"], method: redact, unless: { groups: [pii, dpo] } }')
  const both = policy(
    '    - { columns: ["public.orders.email"], method: redact, unless: { groups: [pii], subjects: ["https://issuer.example ann"] } }',
  )
  it.each([
    ['nobody in the group', groups, ['ann'], true],
    ['a member', groups, ['ann in dpo'], false],
    ['every member of a chain', groups, ['ann in pii', 'api workload in dpo'], false],
    ['one who is no member', groups, ['ann in pii', 'api workload'], true],
    ['a claimed member alone', groups, ['claimed ann in pii'], true],
    ['a claimed member before one who is none', groups, ['claimed ann in pii', 'api workload'], true],
    ['the subject and the group', both, ['ann in pii'], false],
    ['the subject without the group', both, ['ann'], true],
    ['the subject of another issuer', both, ['ann of https://other.example in pii'], true],
  ])('%s', (_, yaml, who, masked) => {
    expect(names(yaml, ...who)).toEqual(masked ? ['public.orders.email'] : [])
  })
})

describe('several masks on one column', () => {
  const yaml = policy(`    - { name: a, columns: ["public.orders.email"], method: email, predicates: none }
    - { name: b, columns: ["public.*.email"], method: "null", predicates: any, unless: { groups: [pii] } }`)
  const column = (who: string) =>
    protectedColumns(compileDocuments(documentsOf(yaml)), chain(who), catalog).find(
      ({ name }) => name === 'public.orders.email',
    )

  it('give the strictest method and the strictest predicates', () => {
    expect(column('ann')).toMatchObject({ method: 'null', predicates: 'none', rule: 'privacy/b' })
  })
  it('are lifted one by one', () => {
    expect(column('ann in pii')).toMatchObject({ method: 'email', predicates: 'none', rule: 'privacy/a' })
  })
})

it('masks of the floor hold whatever the policies say', () => {
  const { floor } = parseFloor(`apiVersion: sallyport.dev/v1
kind: Floor
spec:
  masks: [{ name: mail, columns: ["public.orders.email"], method: redact }]
`)
  const policies = compileDocuments(
    documentsOf(policy('    - { columns: ["public.orders.email"], method: { partial: { keepLast: 4 } } }')),
    floor,
  )
  expect(protectedColumns(policies, chain('ann in pii'), catalog)).toMatchObject([
    { method: 'redact', rule: 'floor/mail' },
  ])
})

it('the same chain under the same catalog gets the same list, so that plans find their index', () => {
  const policies = compileDocuments(documentsOf(policy('    - { columns: ["**"], method: redact }')))
  expect(protectedColumns(policies, chain('ann'), catalog)).toBe(protectedColumns(policies, chain('bob'), catalog))
})
