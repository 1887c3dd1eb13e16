// Which limits concern a statement, whose budgets they are taken from, and what puts several rows into one.

import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { describe, expect, it } from 'vitest'
import { limitsFor } from './decide.ts'
import { packingIn } from './limits.ts'
import { chain, compileDocuments, documentsOf, facts } from './testing.ts'

const policy = (limits: string): string => `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: p }
spec:
  targets: { any: true }
  rules: [{ name: all, effect: allow, callers: { any: true } }]
  limits: ${limits}
`
const compiled = (limits: string, agents = '[a]') =>
  compileDocuments(
    documentsOf(
      `apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop }
spec: { protocol: postgres, agents: ${agents}, host: h, database: d, roles: [{ name: app, password: { env: P } }] }
---${policy(limits)}`,
    ),
  )
const smallCatalog = buildCatalog({ relations: {} })
const who = (budget: string): string => budget.split('\u0000').at(-1) ?? ''
const applied = (
  limits: string,
  ...rest: Parameters<typeof limitsFor> extends [unknown, ...infer R, unknown] ? R : never
) => limitsFor(compiled(limits), ...rest, smallCatalog)

describe('a limit concerns', () => {
  const one = '[{ per: initiator, requests: 1, every: 1m, objects: [public.customers] }]'
  it.each([
    ['a statement on its object', ['select public.customers'], 1],
    ['one that reaches it through a view', ['select public.v', 'derived select public.customers'], 1],
    ['one on a child of it', ['select public.customers_eu < public.customers'], 1],
    ['no statement on another', ['select public.orders'], 0],
    ['no statement on nothing', [], 0],
  ])('%s', (_, effects, count) => {
    expect(applied(one, facts(effects), chain('ann'))).toHaveLength(count)
  })

  it('every statement, where it names no object, but none that only steers the session', () => {
    const all = '[{ per: initiator, requests: 1, every: 1m }]'
    expect(applied(all, facts([], { output: [] }), chain('ann'))).toHaveLength(1)
    const commit = facts([], { verb: 'commit', session: [{ kind: 'transaction', verb: 'commit' }] })
    expect(applied(all, commit, chain('ann'))).toHaveLength(0)
  })

  it('its callers, if it names some', () => {
    const limits = '[{ per: initiator, requests: 1, every: 1m, callers: { groups: [etl] } }]'
    expect(applied(limits, facts(['select public.a']), chain('job workload in etl'))).toHaveLength(1)
    expect(applied(limits, facts(['select public.a']), chain('ann'))).toHaveLength(0)
    expect(applied(limits, facts(['select public.a']), chain('claimed ann in etl', 'job workload'))).toHaveLength(0)
  })
})

describe('budgets belong to', () => {
  const budgets = (per: string, ...names: [string, ...string[]]): string[] =>
    applied(`[{ per: ${per}, requests: 1, every: 1m }]`, facts(['select public.a']), chain(...names)).flatMap((one) =>
      one.budgets.map(who),
    )
  const of = (name: string) => `https://issuer.example ${name}`
  it.each([
    ['initiator', ['ann'], [of('ann')]],
    ['initiator', ['ann', 'job workload'], [of('ann')]],
    ['initiator', ['claimed ann', 'job workload'], [of('job')]],
    ['actor', ['ann', 'job workload', 'tool workload'], [of('job'), of('tool')]],
    ['actor', ['ann', 'claimed job workload'], [of('ann')]],
    ['actor', ['ann'], [of('ann')]],
    ['target', ['ann', 'job workload'], ['']],
  ])('each %s of %j', (per, names, expected) => {
    expect(budgets(per, ...(names as [string, ...string[]]))).toEqual(expected)
  })

  it('one agent in equal parts', () => {
    const limits = '[{ per: target, requests: 7, rows: 1, every: 1m }, { per: statement, rows: 10 }]'
    const amounts = (agents: string) =>
      limitsFor(compiled(limits, agents), facts(['select public.a']), chain('ann'), smallCatalog).map(({ limit }) => [
        limit.requests,
        limit.rows,
      ])
    expect(amounts('[a]')).toEqual([
      [7, 1],
      [null, 10],
    ])
    expect(amounts('[a, b]')).toEqual([
      [3, 1],
      [null, 10],
    ])
  })
})

describe('several rows in one', () => {
  const catalog = { functions: [{ schema: 'public', name: 'glue', kind: 'aggregate' }] } as never
  const use = (name: string) => ({ name, volatility: 'immutable' as const, pure: true })
  it.each([
    ['string_agg', { functions: [use('pg_catalog.string_agg()')] }, 'pg_catalog.string_agg()'],
    ['an aggregate of the target', { functions: [use('public.glue()')] }, 'public.glue()'],
    ['a construct', { packs: ['ARRAY (SELECT …)'] }, 'ARRAY (SELECT …)'],
    ['count', { functions: [use('pg_catalog.count()'), use('pg_catalog.max()')] }, null],
  ])('R-2.12: %s', (_, more, expected) => {
    expect(packingIn(facts([], more), catalog, null)).toBe(expected)
  })
})

it('is part of the digest of the policies', () => {
  const digest = (limits: string) => compiled(limits).digest
  expect(digest('[{ per: statement, rows: 1 }]')).not.toBe(digest('[{ per: statement, rows: 2 }]'))
})

it('of requests at once is shared by the agents of a target, and needs no time', () => {
  const limits = '[{ per: initiator, concurrent: 5 }]'
  const of = (agents: string) =>
    limitsFor(compiled(limits, agents), facts(['select public.customers']), chain('ann'), smallCatalog)[0]?.limit
  expect(of('[a]')).toMatchObject({ concurrent: 5, everyMs: null, text: '5 at once for each initiator' })
  expect(of('[a, b]')).toMatchObject({ concurrent: 2 })
})
