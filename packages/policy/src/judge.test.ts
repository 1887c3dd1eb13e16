// Decision and mask plan together, and what explain says of them.
import type { OutputColumn, StatementFacts } from '@sallyport/sql/facts'
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { describe, expect, it } from 'vitest'
import { explainStatements } from './explain.ts'
import { judge } from './judge.ts'
import { chain, compileDocuments, context, documentsOf, facts } from './testing.ts'

const catalog = buildCatalog({
  version: 'catalog-7',
  relations: { 'public.customers': ['id int8!', 'email text'], 'public.orders': ['id int8!', 'total numeric'] },
})
const customers = catalog.relations[0]!.oid
const orders = catalog.relations[1]!.oid
const id = { relationOid: customers, number: 1, name: 'public.customers.id' }
const email = { relationOid: customers, number: 2, name: 'public.customers.email' }

const policies = compileDocuments(
  documentsOf(`
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: privacy }
spec:
  targets: { any: true }
  rules:
    - { name: reads, effect: allow, callers: { any: true }, operations: [select] }
    - { name: asks, effect: hold, callers: { any: true }, operations: [delete], approval: { reviewers: [{ group: dba }] } }
    - { name: no-orders, effect: deny, objects: [public.orders] }
  masks:
    - { name: mail, columns: [public.customers.email], method: { partial: { keepLast: 4 } }, unless: { groups: [pii] } }
`),
)

const output = (...columns: [string, OutputColumn['kind'], ...OutputColumn['sources'][]][]): OutputColumn[] =>
  columns.map(([name, kind, ...sources]) => ({ name, kind, sources: sources.flat() }))
const select = (columns: OutputColumn[], more: Partial<StatementFacts> = {}): StatementFacts =>
  facts(['select public.customers'], { output: columns, relations: [customers], ...more })
const judged = (statement: StatementFacts, who = 'ann') => judge(policies, statement, context(chain(who)), catalog)

describe('judge', () => {
  it('masks a protected column of an allowed statement', () => {
    const { decision, plan, sensitive } = judged(select(output(['id', 'direct', [id]], ['mail', 'direct', [email]])))
    expect(decision).toMatchObject({ kind: 'allow', rule: 'reads' })
    expect(plan).toEqual({ kind: 'mask', columns: [null, { partial: { keepLast: 4 } }], rules: ['privacy/mail'] })
    expect(sensitive).toBe(true)
  })

  it('refuses statistics and activity while masks apply, also where a rule names them', () => {
    const named = compileDocuments(
      documentsOf(`
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: privacy }
spec:
  targets: { any: true }
  rules:
    - { name: statistics, effect: allow, callers: { any: true }, objects: ["pg_catalog.pg_stats"] }
  masks:
    - { name: mail, columns: [public.customers.email], method: redact, unless: { groups: [pii] } }
`),
    )
    for (const effects of [['select pg_catalog.pg_stats'], ['select public.v', 'derived select pg_catalog.pg_stats']]) {
      const statement = facts(effects, { output: [], relations: [] })
      const refused = judge(named, statement, context(chain('ann')), catalog)
      expect(refused.decision.kind).toBe('deny')
      const excepted = judge(named, facts(['select pg_catalog.pg_stats']), context(chain('ann in pii')), catalog)
      expect(excepted.decision).toMatchObject({ kind: 'allow', rule: 'statistics' })
      expect(refused.plan).toMatchObject({ kind: 'refuse' })
    }
  })

  it('passes it to whom the mask excepts', () => {
    const { plan, sensitive, guarded } = judged(select(output(['mail', 'direct', [email]])), 'ann in pii')
    // Guarded all the same: the record keeps no literal that meets the column, whoever wrote it.
    expect({ plan, sensitive, guarded }).toEqual({ plan: { kind: 'plain' }, sensitive: false, guarded: true })
  })

  it('denies what the masks refuse, with the rule that hides the column', () => {
    const { decision, plan } = judged(select(output(['upper', 'derived', [email]])))
    expect(plan.kind).toBe('refuse')
    expect(decision).toMatchObject({
      kind: 'deny',
      code: 'MASK_UNPROVABLE',
      policy: 'privacy',
      rule: 'mail',
      version: 1,
    })
    expect(decision.kind === 'deny' && decision.message).toContain('"public.customers.email"')
    expect(decision.trace.length).toBeGreaterThan(0)
  })

  it('says of EXPLAIN that the plan would tell, since no way to use the column would do', () => {
    const used = { verb: 'explain', control: [{ column: email, use: 'other', where: 'EXPLAIN' }] } as const
    const { decision } = judged(select(output(['QUERY PLAN', 'derived']), used))
    expect(decision).toMatchObject({
      kind: 'deny',
      message: expect.stringMatching(/the plan of a statement that names it would tell/),
      hint: expect.stringMatching(/leave it out of the statement that is explained/),
    })
  })

  it('says of a setting and of a file what to do instead, and of a write that its conditions tell', () => {
    const open = compileDocuments(
      documentsOf(`
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: open }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { any: true }, operations: [set, copy-file, call, delete] }
    - { name: names, effect: allow, callers: { any: true }, objects: ["setting:*", "file:*", "pg_catalog.*"] }
  masks:
    - { name: mail, columns: [public.customers.email], method: redact }
`),
    )
    const wayOut = (statement: StatementFacts) => {
      const { decision } = judge(open, statement, context(chain('ann')), catalog)
      return decision.kind === 'deny' ? /hides the column; (.*), or ask/.exec(decision.hint)?.[1] : decision.kind
    }
    expect(wayOut(facts(['set setting:enable_seqscan']))).toBe('leave the setting as it is')
    expect(wayOut(facts(['copy-file file:/tmp/x']))).toBe('use COPY FROM STDIN or COPY TO STDOUT')
    expect(wayOut(facts(['call pg_catalog.pg_read_file()']))).toBe('do without "pg_catalog.pg_read_file()"')
    const control = [{ column: email, use: 'equality', where: 'WHERE' }] as const
    expect(wayOut(facts(['delete public.customers'], { verb: 'delete', relations: [customers], control }))).toBe(
      'use it in no condition, and copy it nowhere',
    )
  })

  it('tells the way out where a text uses what it has changed', () => {
    const statement = select(output(['id', 'direct', [id]]), {
      unknowns: ['a name that the same text has changed before'],
    })
    expect(judged(statement).decision).toMatchObject({
      kind: 'deny',
      hint: expect.stringMatching(/send the text in two/),
    })
  })

  it('denies rather than holds what the masks refuse', () => {
    const statement = facts(['delete public.customers'], {
      relations: [customers],
      control: [{ column: email, use: 'equality', where: 'WHERE' }],
    })
    expect(judged(statement).decision).toMatchObject({ kind: 'deny', code: 'MASK_UNPROVABLE' })
    expect(judged({ ...statement, control: [] }).decision).toMatchObject({ kind: 'hold', rule: 'asks' })
  })

  it('says why the policy denies before it says what the masks refuse', () => {
    const statement = facts(['select public.orders', 'select public.customers'], {
      output: output(['x', 'derived', [email]]),
      relations: [customers, orders],
    })
    expect(judged(statement).decision).toMatchObject({ code: 'POLICY_DENIED', rule: 'no-orders' })
  })

  it('denies the unknown under both', () => {
    expect(judged(select([], { unknowns: ['XMLTABLE'] })).decision).toMatchObject({ code: 'STATEMENT_UNKNOWN' })
  })
})

describe('explain', () => {
  const { chain: who, ...rest } = context(chain('ann'))
  const explain = (...statements: StatementFacts[]) =>
    explainStatements({ policies, catalog, chain: who, context: rest, statements })

  it('shows decision, masks and trace of each statement', () => {
    const { target, catalogVersion, statements } = explain(
      select(output(['mail', 'direct', [email]])),
      facts(['baseline select pg_catalog.pg_class']),
    )
    expect({ target, catalogVersion }).toEqual({ target: 'shop', catalogVersion: 'catalog-7' })
    expect(statements[0]).toMatchObject({
      decision: 'allow',
      code: null,
      message: 'allowed by rule "privacy/reads"',
      output: [{ name: 'mail', kind: 'direct', sources: ['public.customers.email'], mask: 'partial(4)' }],
      maskRefusal: null,
      effects: [{ operation: 'select', object: 'public.customers', via: 'direct', baseline: false }],
    })
    expect(statements[0]?.trace.at(-1)).toMatchObject({
      effect: 'mask',
      rule: 'mail',
      object: 'public.customers.email',
      outcome: 'matched',
    })
    expect(statements[1]).toMatchObject({
      decision: 'allow',
      rule: 'baseline',
      message: 'allowed without a rule: an admitted session may do this',
    })
  })

  it('shows why masks refuse, and the same code as the gate', () => {
    const [only] = explain(select(output(['upper', 'derived', [email]]))).statements
    expect(only).toMatchObject({ decision: 'deny', code: 'MASK_UNPROVABLE', policy: 'privacy', rule: 'mail' })
    expect(only?.maskRefusal).toContain('computed from')
  })

  it('is plain JSON', () => {
    const explained = explain(select(output(['mail', 'direct', [email]])))
    expect(JSON.parse(JSON.stringify(explained))).toEqual(explained)
  })
})
