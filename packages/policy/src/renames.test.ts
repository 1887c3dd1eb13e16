// Rules name objects: what a statement renames, moves or detaches must not leave a rule that denies or holds something of it, and
// pg_notify() must not reach a channel past the rules about NOTIFY.
import { analyse } from '@sallyport/sql/analyse'
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { fingerprintSync, loadModule, parsePlPgSQLSync, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { judge } from './judge.ts'
import { chain, compileDocuments, context, documentsOf } from './testing.ts'

beforeAll(() => loadModule())

const catalog = buildCatalog({
  relations: {
    'public.secrets': ['id int8!', 'body text'],
    'public.orders': ['id int8!', 'total numeric'],
    'public.orders_eu': { columns: ['id int8!', 'total numeric'], parents: ['public.orders'] },
    'public.scratch': ['id int8!'],
    'hr.staff': ['id int8!', 'salary int4'],
    'public.spy': { columns: ['id int8'], view: 'SELECT id FROM public.scratch' },
  },
  functions: {
    'public.wipe()': { returns: 'int4', body: 'SELECT 1' },
    'public.level(int4)': { returns: 'int4', language: 'c', extension: 'levels' },
    'public.shout(text)': { returns: 'void', volatility: 'volatile', body: 'SELECT pg_notify($1, $1)' },
  },
})

const compiled = (rules: string) =>
  compileDocuments(
    documentsOf(`
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { any: true }
  rules:
${rules}
`),
  )

const denying = compiled(`
    - { name: all, effect: allow, callers: { groups: [engineering] } }
    - { name: no-secrets, effect: deny, operations: [select], objects: [public.secrets] }
    - { name: spies, effect: deny, operations: [select], objects: [public.spy], when: "now.getHours() < 6" }
    - { name: orders, effect: hold, callers: { groups: [engineering] }, operations: [delete], objects: [public.orders], approval: { reviewers: [{ group: dba }] } }
    - { name: hr, effect: deny, callers: { kinds: [user] }, operations: [select], objects: ["hr.*"] }
    - { name: wipe, effect: deny, operations: [call], objects: ["public.wipe()", "public.level()"] }
    - { name: tried, effect: deny, operations: [select], objects: [public.scratch], mode: shadow }
`)

function outcome(policies: typeof denying, sql: string, who = 'ann in engineering'): string {
  const analysis = analyse(
    sql,
    catalog,
    { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' },
    {
      parse: (text) => {
        const { version = 0, stmts = [] } = parseSync(text)
        return { version, stmts }
      },
      fingerprint: fingerprintSync,
      parsePlpgsql: parsePlPgSQLSync,
    },
  )
  const all = analysis.kind === 'facts' ? analysis.statements : []
  const decisions = all.map((facts) => judge(policies, facts, context(chain(who)), catalog).decision)
  return decisions.map((one) => (one.kind === 'deny' ? `${one.code} ${one.rule}`.trim() : one.kind)).join(', ')
}

describe('what a rule denies or holds does not leave it by another name', () => {
  it.each([
    ['alter table secrets rename to plain', 'POLICY_DENIED no-secrets'],
    ['alter table secrets set schema hr', 'POLICY_DENIED no-secrets'],
    ['alter table if exists public.secrets rename to plain', 'POLICY_DENIED no-secrets'],
    // What the condition says at this moment is no matter.
    ['alter view spy rename to plain', 'POLICY_DENIED spies'],
    ['alter table spy rename to plain', 'POLICY_DENIED spies'],
    ['alter table orders rename to plain', 'hold'],
    ['alter table orders_eu no inherit orders', 'hold'],
    ['alter table hr.staff set schema public', 'POLICY_DENIED hr'],
    ['alter function wipe() rename to clean', 'POLICY_DENIED wipe'],
    ['alter function public.wipe() set schema hr', 'POLICY_DENIED wipe'],
    ['alter routine wipe() set schema hr', 'POLICY_DENIED wipe'],
    ['alter extension levels set schema hr', 'POLICY_DENIED wipe'],
    ['alter table secrets rename to plain; select body from plain', 'POLICY_DENIED no-secrets, allow'],
  ])('%s: %s', (sql, expected) => {
    expect(outcome(denying, sql)).toBe(expected)
  })

  it.each([
    ['alter table hr.staff rename to people'],
    ['alter table orders_eu rename to orders_north'],
    ['alter table scratch rename to plain'],
    ['alter table secrets rename body to text'],
    ['alter table secrets add column more text'],
    ['alter table secrets rename constraint a to b'],
    ['alter function shout(text) rename to cry'],
  ])('%s passes', (sql) => {
    expect(outcome(denying, sql)).toBe('allow')
  })

  it('says why, and what to do', () => {
    const analysis = analyse(
      'alter table secrets rename to plain',
      catalog,
      { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' },
      { parse: (text) => ({ version: 0, stmts: parseSync(text).stmts ?? [] }), fingerprint: fingerprintSync },
    )
    const [facts] = analysis.kind === 'facts' ? analysis.statements : []
    if (facts === undefined) throw new Error('no statement')
    expect(judge(denying, facts, context(chain('ann in engineering')), catalog).decision).toMatchObject({
      message: 'denied by rule "no-secrets": afterwards the rule would not be about "public.secrets" any more',
      hint: 'let the owner of policy "shop" write the new name into rule "no-secrets" before',
    })
  })
})

describe('pg_notify() is NOTIFY', () => {
  const some = compiled(`
    - { name: reads, effect: allow, callers: { groups: [engineering] }, operations: [select, call], objects: ["public.*", "public.*()"] }
    - { name: jobs, effect: allow, callers: { groups: [engineering] }, operations: [notify], objects: ["channel:jobs"] }
    - { name: all, effect: allow, callers: { groups: [support] } }
    - { name: alarms, effect: deny, callers: { groups: [support] }, operations: [notify], objects: ["channel:alarms"] }
    - { name: never, effect: deny, callers: { groups: [ops] }, operations: [call], objects: ["pg_catalog.pg_notify()"] }
    - { name: ops, effect: allow, callers: { groups: [ops] } }
    - { name: silent, effect: allow, callers: { groups: [silent] }, operations: [call], objects: ["pg_catalog.pg_notify()"] }
`)
  it.each([
    ["notify jobs, 'x'", 'engineering', 'allow'],
    ["select pg_notify('jobs', 'x')", 'engineering', 'allow'],
    ["select pg_notify('jobs', $1)", 'engineering', 'allow'],
    ['notify other', 'engineering', 'POLICY_UNCOVERED'],
    ["select pg_notify('other', 'x')", 'engineering', 'POLICY_UNCOVERED'],
    ["select pg_notify($1, 'x')", 'engineering', 'POLICY_UNCOVERED'],
    ["select pg_notify('jobs', 'x')", 'support', 'allow'],
    ["select pg_notify('alarms', 'x')", 'support', 'POLICY_DENIED alarms'],
    ["select * from pg_notify('alarms', 'x')", 'support', 'POLICY_DENIED alarms'],
    ["select pg_notify('al' || 'arms', 'x')", 'support', 'POLICY_DENIED alarms'],
    ["select pg_notify($1, 'x')", 'support', 'POLICY_DENIED alarms'],
    // By way of a body, whose argument is the channel.
    ["select shout('alarms')", 'support', 'POLICY_DENIED alarms'],
    ["select pg_notify($1, 'x')", 'ops', 'POLICY_DENIED never'],
    ["notify jobs, 'x'", 'ops', 'allow'],
    ["select pg_notify('jobs', 'x')", 'silent', 'POLICY_UNCOVERED'],
  ])('%s for %s: %s', (sql, group, expected) => {
    expect(outcome(some, sql, `ann in ${group}`)).toBe(expected)
  })
})
