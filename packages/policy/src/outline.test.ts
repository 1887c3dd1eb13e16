// What is said of a target before anybody asks: never more than what rules open, and masks by name.
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { describe, expect, it } from 'vitest'
import { isHttpTarget } from './document.ts'
import { outlineRelations, outlineRoutes } from './outline.ts'
import { chain, compileDocuments, documentsOf } from './testing.ts'

const catalog = buildCatalog({
  relations: {
    'public.orders': ['id int8!', 'profile jsonb'],
    'public.payroll': ['id int8!'],
    'hr.people': ['id int8!', 'ssn text'],
  },
})
const policy = (rest: string): string => `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: access }
spec:
  targets: { any: true }
${rest}`
const outline = (rest: string, who = chain('ann in engineering')) =>
  outlineRelations(compileDocuments(documentsOf(policy(rest))), who, catalog).map(({ schema, name, operations }) => ({
    [`${schema}.${name}`]: operations.map(
      ({ operation, effect, maybe }) => `${operation} ${effect}${maybe ? ' maybe' : ''}`,
    ),
  }))

describe('relations', () => {
  const read =
    '{ name: read, effect: allow, callers: { groups: [engineering] }, operations: [select], objects: ["public.*"] }'

  it.each<[string, string, object[]]>([
    [
      'what a rule opens',
      `  rules: [${read}]`,
      [{ 'public.orders': ['select allow'] }, { 'public.payroll': ['select allow'] }],
    ],
    [
      'not what a rule denies',
      `  rules: [${read}, { name: no, effect: deny, objects: ["public.payroll"] }]`,
      [{ 'public.orders': ['select allow'] }],
    ],
    [
      'what may depend',
      `  rules: [${read}, { name: no, effect: deny, objects: ["public.payroll"], when: statement.filtered }]`,
      [{ 'public.orders': ['select allow'] }, { 'public.payroll': ['select allow maybe'] }],
    ],
    [
      'what is held',
      `  rules: [${read}, { name: ask, effect: hold, callers: { any: true }, operations: [delete], objects: ["public.orders"], approval: { reviewers: [{ group: dba }] } }]`,
      [{ 'public.orders': ['select allow', 'delete hold'] }, { 'public.payroll': ['select allow'] }],
    ],
    [
      'nothing by a rule in shadow mode',
      `  rules: [{ name: read, effect: allow, callers: { any: true }, mode: shadow }]`,
      [],
    ],
  ])('show %s', (_what, rules, expected) => {
    expect(outline(rules)).toEqual(expected)
  })

  it('show nothing to those whom no rule names, in any place of the chain', () => {
    expect(outline(`  rules: [${read}]`, chain('eve in sales'))).toEqual([])
    expect(outline(`  rules: [${read}]`, chain('ann in engineering', 'job workload in etl'))).toEqual([])
    expect(outline(`  rules: [${read}]`, chain('claimed ann in engineering'))).toEqual([])
  })

  it('name masked columns and parts, and not for whom the mask is lifted', () => {
    const rules = `  rules: [{ name: all, effect: allow, callers: { any: true } }]
  masks:
    - { columns: ["hr.people.ssn"], method: redact, unless: { groups: [hr] } }
    - { columns: ["public.orders.profile"], path: $.contact.email, method: email }`
    const masks = (who: string) =>
      outlineRelations(compileDocuments(documentsOf(policy(rules))), chain(who), catalog).flatMap(({ columns }) =>
        columns.flatMap(({ name, mask }) => (mask === null ? [] : [`${name}: ${mask}`])),
      )
    expect(masks('ann').sort()).toEqual(['profile: $.contact.email email', 'ssn: redact'])
    expect(masks('hugo in hr')).toEqual(['profile: $.contact.email email'])
  })
})

describe('routes', () => {
  it('are those of the list that rules open by path or by name, with what is hidden', () => {
    const documents = documentsOf(`
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: crm }
spec:
  protocol: http
  agents: [edge]
  url: https://crm.example
  credential: none
  routes:
    list:
      - { name: listOrders, methods: [GET, DELETE], path: /v1/orders }
      - { name: getPerson, methods: [GET], path: "/v1/people/{id}" }
      - { name: secret, methods: [GET], path: /v1/secret }
---
${policy(`  rules:
    - { name: read, effect: allow, callers: { any: true }, operations: [http.GET], objects: ["/v1/orders", "route:getPerson"] }
  masks: [{ name: mail, routes: ["/v1/people/**"], path: $.email, method: email }]`)}`)
    const target = documents.find((one) => one.kind === 'Target')
    if (target?.kind !== 'Target' || !isHttpTarget(target)) throw new Error('no target')
    expect(outlineRoutes(compileDocuments(documents), chain('ann'), target)).toEqual([
      {
        name: 'listOrders',
        path: '/v1/orders',
        operations: [{ operation: 'http.GET', effect: 'allow', maybe: false }],
        masks: [],
      },
      {
        name: 'getPerson',
        path: '/v1/people/{id}',
        operations: [{ operation: 'http.GET', effect: 'allow', maybe: false }],
        masks: ['$.email email'],
      },
    ])
  })
})
