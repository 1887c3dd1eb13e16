// What masks do beyond whole columns, from SQL to judgement with the real parser: parts of JSON, detectors, the relaxed mode,
// look-ups that are counted, and COPY.
import type { MaskPlan } from '@sallyport/mask/plan'
import { columnMaskText } from '@sallyport/mask/strictest'
import { analyse } from '@sallyport/sql/analyse'
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { fingerprintSync, loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { limitsFor } from './decide.ts'
import { explainStatements } from './explain.ts'
import { type Judgement, judge } from './judge.ts'
import { parseDocuments } from './parse.ts'
import { chain, compileDocuments, context, documentsOf } from './testing.ts'

beforeAll(() => loadModule())

const catalog = buildCatalog({
  relations: {
    'public.customers': ['id int8!', 'name text', 'ssn text', 'profile jsonb', 'raw json', 'city text'],
    'public.orders': ['id int8!', 'customer_id int8', 'note text', 'state jsonb'],
    'public.plans': {
      columns: ['id int8', 'plan text', 'contact jsonb', 'whole jsonb'],
      view: "SELECT id, profile ->> 'plan', profile -> 'contact', profile FROM public.customers",
    },
  },
  functions: {
    'public.opaque(text)': { returns: 'text', volatility: 'immutable', language: 'plpgsql', body: 'BEGIN END' },
  },
})

const policy = (name: string, rest: string): string => `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: ${name} }
spec:
  targets: { any: true }
${rest}`
const allowAll = policy(
  'rules',
  `  rules:
    - { name: everything, effect: allow, callers: { groups: [engineering] } }
    - { name: no-deletes, effect: deny, operations: [delete] }
    - { name: held, effect: hold, callers: { groups: [engineering] }, operations: [truncate], approval: { reviewers: [{ group: dba }] } }`,
)
const compiled = (...policies: readonly string[]) =>
  compileDocuments(documentsOf([allowAll, ...policies].join('\n---\n')))

function statementOf(sql: string) {
  const parser = {
    parse: (text: string) => {
      const { version = 0, stmts = [] } = parseSync(text)
      return { version, stmts }
    },
    fingerprint: fingerprintSync,
  }
  const names = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' as const }
  const analysis = analyse(sql, catalog, names, parser)
  if (analysis.kind !== 'facts') throw new Error(`not a statement: ${sql}`)
  return analysis.statements[0]!
}
const judged = (policies: ReturnType<typeof compiled>, sql: string, who = 'ann in engineering'): Judgement =>
  judge(policies, statementOf(sql), context(chain(who)), catalog)

const shown = (plan: MaskPlan): readonly (string | null)[] | string => {
  if (plan.kind === 'plain') return 'plain'
  if (plan.kind === 'refuse') return plan.reason
  return plan.columns.map((mask) => (mask === null ? null : columnMaskText(mask)))
}

describe('a mask with a path (R-3.11)', () => {
  const paths = compiled(
    policy(
      'json',
      `  masks:
    - { name: mail, columns: ["public.customers.profile", "public.customers.raw"], path: $.contact.email, method: email, unless: { groups: [pii] } }
    - { name: cards, columns: ["public.customers.profile"], path: ["$.cards[*].number", "$.tax"], method: redact, unless: { groups: [pii] } }`,
    ),
  )
  it.each<[string, readonly (string | null)[] | 'plain']>([
    ["select profile ->> 'plan' from customers", 'plain'],
    ["select profile #>> '{contact,city}', profile -> 'lang' from customers where profile ->> 'plan' = 'pro'", 'plain'],
    ["select count(*) from customers group by profile -> 'contact' -> 'city' order by profile['plan']", 'plain'],
    ["select upper(profile ->> 'plan'), (profile ->> 'age')::int from customers", 'plain'],
    ["select jsonb_path_query_first(profile, '$.contact.city') from customers", 'plain'],
    ["select jsonb_path_query(profile, '$.cards[*].brand') from customers", 'plain'],
    ["select raw ->> 'plan' from customers", 'plain'],
    ["select plan from plans where plan = 'pro'", 'plain'],
    ["select contact ->> 'city', whole -> 'plan' from plans", 'plain'],
    ['select profile from customers', ['$.cards.number redact, $.contact.email email, $.tax redact']],
    ['select whole from plans', ['$.cards.number redact, $.contact.email email, $.tax redact']],
    ['select raw from customers', ['$.contact.email email']],
    ["select profile -> 'contact' from customers", ['$.email email']],
    ['select contact from plans', ['$.email email']],
    ["select profile #>> '{contact,email}', profile -> 'contact' -> 'email' from customers", ['$ email', '$ email']],
    ["select contact ->> 'email' from plans", ['$ email']],
    ["select profile -> 'cards' -> 0 from customers", ['$.number redact']],
    ["select profile #>> '{cards,0,number}', profile #>> '{cards,0,brand}' from customers", ['$ redact', null]],
    ["select profile -> 'tax' -> 'id' from customers", ['null']],
    [
      "select profile ->> $1, profile -> 'contact' ->> $1, profile -> 'lang' ->> $1 from customers",
      ['null', 'null', null],
    ],
    ['select count(profile), count(*) from customers where profile is not null', 'plain'],
  ])('%s', (sql, expected) => {
    const { plan, decision, sensitive } = judged(paths, sql)
    expect(shown(plan)).toEqual(expected)
    expect(decision.kind).toBe('allow')
    expect(sensitive).toBe(true)
  })
  it.each([
    'select profile::text from customers',
    "select upper(profile #>> '{contact,email}') from customers",
    "select id from customers where profile #>> '{contact,email}' = 'x'",
    "select id from customers where profile -> 'contact' @> '{}'",
    "select id from customers where profile ? 'tax'",
    "select id from customers where profile['cards'][0] is not null",
    'select id from customers order by profile ->> $1',
    "select jsonb_path_query(profile, '$.contact') from customers",
    "select jsonb_path_query_first(profile, '$.plan ? ($.tax == 1)') from customers",
    "select jsonb_path_exists(profile, '$.*') from customers",
    'select jsonb_each(profile) from customers',
    'select k from customers, jsonb_object_keys(profile) k',
    'select to_jsonb(c) from customers c',
    "select profile - 'tax' from customers",
    "select (profile || '{}') ->> 'plan' from customers",
    'select profile from customers union select profile from customers',
    "select profile -> 'contact' from customers union all select state from orders",
    "insert into orders (id, state) select id, profile -> 'contact' from customers",
    'insert into orders (id, note) select id, profile ->> $1 from customers',
    "update customers set profile = jsonb_set(profile, '{tax,id}', '1')",
    "update customers set profile = jsonb_set(profile, '{contact,email,x}', '1')",
    "update customers set profile = jsonb_set(profile, '{cards,0,number,x}', '1')",
    "update customers set profile = jsonb_set(profile, '{plan}', profile -> 'contact')",
    "update customers set profile = profile || jsonb_build_object('plan', profile -> 'tax')",
    "update customers set profile = '{}' || profile",
    "update customers set profile = jsonb_set(profile, $1, '1')",
    'update customers set profile = jsonb_set(profile, $${plan}$$, profile)',
    "explain select profile ->> 'plan' from customers",
    'copy customers (profile) to stdout',
    "select contact ->> 'email' from plans order by contact",
  ])('refuses %s', (sql) => {
    const { decision } = judged(paths, sql)
    expect(decision).toMatchObject({ kind: 'deny', code: 'MASK_UNPROVABLE' })
    expect(judged(paths, sql, 'ann in engineering pii').decision.kind).toBe('allow')
  })
  it.each([
    "update customers set profile = jsonb_set(profile, '{plan}', '1')",
    "update customers set profile = jsonb_set(profile, '{contact,city}', $1) || $2 where id = 1",
    "update customers set profile = jsonb_set(profile, '{tax}', $1), name = 'x'",
    "update customers set profile = coalesce(profile, '{}') || jsonb_build_object('plan', profile -> 'plan')",
    "update customers set profile = profile - 'plan' #- '{cards,0,brand}'",
  ])('lets a document go back with another part: %s', (sql) => {
    expect(judged(paths, sql).decision.kind).toBe('allow')
  })
  it('lets a part that is not protected be stored', () => {
    expect(
      judged(paths, "insert into orders (id, note) select id, profile ->> 'plan' from customers").decision.kind,
    ).toBe('allow')
  })
  it('on a column of another type hides all of it', () => {
    const notJson = compiled(
      policy('p', '  masks: [{ columns: ["public.customers.city"], path: $.a, method: redact }]'),
    )
    expect(shown(judged(notJson, 'select city from customers').plan)).toEqual(['redact'])
  })
  it('gives way to a mask of the whole column, and joins another of parts', () => {
    const both = compiled(
      policy('a', '  masks: [{ columns: ["public.customers.profile"], path: $.a, method: redact }]'),
      policy('b', '  masks: [{ columns: ["public.customers.profile"], path: [$.a, $.b], method: "null" }]'),
    )
    expect(shown(judged(both, 'select profile from customers').plan)).toEqual(['$.a redact, $.a null, $.b null'])
    const whole = compiled(
      policy('a', '  masks: [{ columns: ["public.customers.profile"], path: $.a, method: "null" }]'),
      policy('b', '  masks: [{ columns: ["public.customers.profile"], method: redact }]'),
    )
    expect(shown(judged(whole, "select profile, profile ->> 'x' from customers").plan)).toEqual(['redact', 'null'])
  })
})

describe('a mask with detect', () => {
  const detecting = compiled(
    policy(
      'd',
      `  masks:
    - { name: found, detect: [email, card], method: redact, unless: { groups: [pii] } }
    - { name: mail, detect: [email], method: "null", unless: { groups: [support] } }
    - { name: ssn, columns: ["public.customers.ssn"], method: redact }`,
    ),
  )
  it('looks through what no column mask hides, by the strictest method of those in force', () => {
    const { plan } = judged(detecting, 'select id, name, ssn from customers')
    expect(plan).toMatchObject({ kind: 'mask', columns: [null, null, 'redact'], rules: ['d/found', 'd/mail', 'd/ssn'] })
    expect(plan.kind === 'mask' && [...(plan.detect?.methods ?? [])]).toEqual([
      ['email', 'null'],
      ['card', 'redact'],
    ])
    const lifted = judged(detecting, 'select note from orders', 'ann in engineering support').plan
    expect(lifted.kind === 'mask' && [...(lifted.detect?.methods ?? [])]).toEqual([
      ['email', 'redact'],
      ['card', 'redact'],
    ])
    expect(judged(detecting, 'select note from orders', 'ann in engineering support pii').plan.kind).toBe('plain')
  })
  it('proves nothing and refuses nothing', () => {
    expect(judged(detecting, 'select upper(note) from orders where note like $1').decision.kind).toBe('allow')
    expect(judged(detecting, 'update orders set note = note').plan.kind).toBe('plain')
    expect(judged(detecting, 'select upper(ssn) from customers').decision).toMatchObject({ code: 'MASK_UNPROVABLE' })
  })
  it.each<[string, string]>([
    ['copy orders to stdout', 'allow'],
    ['copy orders to stdout (format csv, header)', 'allow'],
    ['copy (select note from orders) to stdout csv', 'allow'],
    ['copy orders to stdout (format binary)', 'deny'],
    ["copy orders to stdout (delimiter '@')", 'deny'],
    ["copy orders to stdout (format csv, quote '.')", 'deny'],
    ['copy customers to stdout', 'deny'],
    ['copy orders from stdin (format binary)', 'allow'],
  ])('%s: %s', (sql, expected) => {
    expect(judged(detecting, sql).decision.kind).toBe(expected)
  })
})

describe('COPY of a masked column', () => {
  it('is told by explain as the agent decides it', () => {
    const policies = compiled(
      policy('m', '  masks: [{ name: ssn, columns: ["public.customers.ssn"], method: redact }]'),
    )
    const who = chain('ann in engineering')
    const { chain: _, ...rest } = context(who)
    const explained = (sql: string) =>
      explainStatements({ policies, catalog, chain: who, context: rest, statements: [statementOf(sql)] }).statements[0]
    expect(explained('copy customers (id, ssn) to stdout')).toMatchObject({
      decision: 'deny',
      code: 'MASK_UNPROVABLE',
      maskRefusal: 'COPY would carry a protected column',
      rule: 'ssn',
    })
    expect(explained('copy customers (id, name) to stdout')).toMatchObject({ decision: 'allow', maskRefusal: null })
  })
})

describe('a relaxed policy', () => {
  const masks =
    '  masks: [{ name: ssn, columns: ["public.customers.ssn", "public.customers.profile"], method: { partial: { keepLast: 4 } } }]'
  const relaxed = compiled(policy('r', `  masking: relaxed\n${masks}`))
  it.each<[string, readonly (string | null)[]]>([
    ['select upper(ssn), name from customers', ['null', null]],
    ['select ssn, name from customers where ssn like $1', ['partial(4)', null]],
    ['select opaque(name), ssn from customers order by ssn', []],
    ['select to_jsonb(c) from customers c', ['null']],
    ['select max(ssn), count(*) from customers', ['null', null]],
    ['explain select ssn from customers', [null]],
  ])('lets through, with detectors on every other column: %s', (sql, columns) => {
    const { plan, decision, sensitive } = judged(relaxed, sql)
    if (columns.length === 0) {
      // What it does is not known, so that no deny rule could be held against it.
      expect(decision).toMatchObject({ kind: 'deny', code: 'STATEMENT_UNKNOWN' })
      return
    }
    expect(decision.kind).toBe('allow')
    expect(plan).toMatchObject({ kind: 'mask', relaxed: true, rules: ['r/ssn'] })
    expect(shown(plan)).toEqual(columns)
    expect(plan.kind === 'mask' && plan.detect?.kinds.size).toBe(15)
    expect(sensitive).toBe(true)
  })
  it('masks what is proven as ever, without a mark', () => {
    const { plan } = judged(relaxed, 'select ssn from customers')
    expect(plan).toEqual({ kind: 'mask', columns: [{ partial: { keepLast: 4 } }], rules: ['r/ssn'] })
  })
  it('keeps deny rules and holds', () => {
    expect(judged(relaxed, 'delete from customers where ssn like $1').decision).toMatchObject({
      kind: 'deny',
      code: 'POLICY_DENIED',
    })
    expect(judged(relaxed, 'truncate customers').decision.kind).toBe('hold')
  })
  it.each([
    'insert into orders (id, note) select id, upper(ssn) from customers',
    'create table kept as select ssn from customers',
    'select most_common_vals from pg_stats',
    'copy (select upper(ssn) from customers) to stdout',
  ])('still refuses %s', (sql) => {
    expect(judged(relaxed, sql).decision.kind).toBe('deny')
  })
  it('loosens no mask of another policy', () => {
    const strict = policy('s', '  masks: [{ name: city, columns: ["public.customers.city"], method: redact }]')
    const both = compiled(policy('r', `  masking: relaxed\n${masks}`), strict)
    expect(judged(both, 'select upper(ssn) from customers').decision.kind).toBe('allow')
    expect(judged(both, 'select upper(city) from customers').decision).toMatchObject({ code: 'MASK_UNPROVABLE' })
    expect(judged(both, 'select upper(ssn), city from customers where city > $1').decision.kind).toBe('deny')
    const same = compiled(policy('r', `  masking: relaxed\n${masks}`), policy('s', masks))
    expect(judged(same, 'select upper(ssn) from customers').decision.kind).toBe('deny')
  })
})

describe('look-ups by a masked column', () => {
  const yaml = (lookups: string) =>
    policy(
      'l',
      `  masks: [{ name: city, columns: ["public.customers.city"], method: redact, predicates: equality${lookups} }]`,
    )
  const applied = (policies: ReturnType<typeof compiled>, sql: string, who = 'ann in engineering') =>
    limitsFor(policies, statementOf(sql), chain(who), catalog)
  it('are limited for each principal and column', () => {
    const policies = compiled(yaml(''))
    const [one, ...more] = applied(policies, 'select id from customers where city = $1')
    expect(more).toEqual([])
    expect(one?.limit).toMatchObject({ policy: 'l', name: 'city', requests: 60, everyMs: 60_000, rows: null })
    const [other] = applied(policies, 'select id from customers where city = $1', 'bob in engineering')
    expect(other?.budgets).not.toEqual(one?.budgets)
    expect(one?.budgets[0]?.endsWith('public.customers.city')).toBe(true)
  })
  it('have the number of their mask', () => {
    const policies = compiled(yaml(', lookups: { requests: 5, every: 1h }'))
    expect(applied(policies, "select id from customers where city = 'Oslo'")[0]?.limit).toMatchObject({
      requests: 5,
      everyMs: 3_600_000,
    })
  })
  it.each([
    'select city from customers',
    'select id from customers where name = $1',
    'select id from customers where city is null',
  ])('are not: %s', (sql) => expect(applied(compiled(yaml('')), sql)).toEqual([]))
  it('count every way to ask where nothing is refused', () => {
    const relaxed = (more: string) =>
      compiled(
        policy(
          'l',
          `  masking: relaxed
  masks:
    - { name: city, columns: ["public.customers.city"], method: redact, predicates: equality, lookups: { requests: 5, every: 1h } }${more}`,
        ),
      )
    const none = `
    - { name: none, columns: ["public.customers.city"], method: redact }`
    for (const policies of [relaxed(''), relaxed(none)])
      for (const sql of [
        'select id from customers where city = $1',
        'select id from customers where city between $1 and $1',
        "select id from customers where city = 'Oslo' union all select id from customers where city = 'Bergen'",
        'select id from customers order by city',
      ])
        expect(applied(policies, sql), sql).toMatchObject([{ limit: { requests: 5 } }])
    expect(applied(relaxed(''), 'select city from customers')).toEqual([])
  })
  it('are not bounded beside predicates: any', () => {
    const text = yaml(', lookups: { requests: 5, every: 1h }').replace('equality', 'any')
    expect(parseDocuments(text).problems[0]?.message).toContain('"lookups" bounds')
  })
})

it.each([
  ['path: contact', 'a path'],
  ['path: $.a[0]', 'is no step'],
  ['path: $', ''],
])('refuses %s', (path) => {
  const { problems } = parseDocuments(policy('p', `  masks: [{ columns: ["a.b.c"], ${path}, method: redact }]`))
  expect(problems).toHaveLength(1)
})
