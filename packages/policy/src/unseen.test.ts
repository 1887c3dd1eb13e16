// Code that runs with a statement and is written nowhere in it: defaults, checks, row security, types and casts. Rules stop what
// it does where that can be followed, and the statement where it cannot. THREATS.
import { analyse } from '@sallyport/sql/analyse'
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { fingerprintSync, loadModule, parsePlPgSQLSync, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { judge } from './judge.ts'
import { chain, compileDocuments, context, documentsOf } from './testing.ts'

beforeAll(() => loadModule())

const catalog = buildCatalog({
  relations: {
    'public.payments': ['id int4'],
    'public.numbers': ['id int4', 'last int4'],
    'public.plain': ['id int4', 'note text'],
    'public.filled': ['id int4', 'note int4 = wipe()'],
    'public.counted': ['id int4', 'note int4 = next_number()'],
    'public.hidden': ['id int4', 'note int4 = dark()'],
    'public.checked': { columns: ['id int4'], checks: ['wipe() > 0'] },
    'public.typed': ['id public.noted', 'note text'],
    'public.sorted': ['id public.positive'],
    'public.rows': { columns: ['id int4'], rowSecurity: true, policies: ['(dark() > 0)'] },
    'public.own_rows': { columns: ['id int4'], rowSecurity: true, policies: ['(id > 0)'] },
    'public.swept_rows': { columns: ['id int4'], rowSecurity: true, policies: ['(wipe() > 0)'] },
  },
  functions: {
    'public.wipe()': {
      returns: 'int4',
      language: 'plpgsql',
      body: 'BEGIN DELETE FROM public.payments; RETURN 1; END',
    },
    'public.next_number()': { returns: 'int4', body: 'UPDATE public.numbers SET last = last + 1 RETURNING last' },
    'public.dark()': { returns: 'int4', language: 'plpgsql', body: "BEGIN EXECUTE 'SELECT 1'; RETURN 1; END" },
    'public.to_noted(text)': { returns: 'public.noted', language: 'plpgsql', body: "BEGIN EXECUTE 'x'; END" },
    'public.to_calm(text)': { returns: 'public.calm', volatility: 'immutable', language: 'plperl' },
  },
  types: { 'public.noted': 'domain', 'public.positive': 'domain', 'public.calm': 'enum', 'public.loud': 'enum' },
  volatileTypes: ['public.noted'],
  casts: [
    { source: 'pg_catalog.int4', target: 'public.loud', function: 'public.to_noted()', context: 'explicit' },
    { source: 'pg_catalog.int4', target: 'public.calm', function: 'public.to_calm()', context: 'explicit' },
  ],
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
    - { name: all, effect: allow, callers: { any: true } }
${rules}
`),
  )
const held = compiled(`
    - { name: payments, effect: hold, callers: { any: true }, operations: [delete], objects: ["public.payments"], approval: { reviewers: [{ group: dba }] } }`)
const readOnly = compiled(`
    - { name: nothing-changes, effect: deny, operations: [insert, update, delete] }`)

function outcome(policies: ReturnType<typeof compiled>, sql: string): string {
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
  const statement = analysis.kind === 'facts' ? analysis.statements[0] : undefined
  if (statement === undefined) return 'syntax'
  const { decision } = judge(policies, statement, context(chain('ann in engineering')), catalog)
  return decision.kind === 'deny' ? decision.code : decision.kind
}

describe('a rule that names objects', () => {
  it.each([
    ['INSERT INTO plain (id) VALUES (1)', 'allow'],
    ['INSERT INTO filled (id) VALUES (1)', 'hold'],
    ['INSERT INTO counted (id) VALUES (1)', 'allow'],
    ['INSERT INTO hidden (id) VALUES (1)', 'STATEMENT_UNKNOWN'],
    ['INSERT INTO checked (id) VALUES (1)', 'hold'],
    ['INSERT INTO typed (note) VALUES (1)', 'STATEMENT_UNKNOWN'],
    ['INSERT INTO sorted (id) VALUES (1)', 'allow'],
    ["SELECT '1'::noted", 'STATEMENT_UNKNOWN'],
    ["SELECT '1'::positive", 'allow'],
    ['SELECT 1::loud', 'STATEMENT_UNKNOWN'],
    ['SELECT id FROM rows', 'STATEMENT_UNKNOWN'],
    ['SELECT id FROM own_rows', 'allow'],
    ['SELECT id FROM swept_rows', 'hold'],
  ])('R-2.10 %s: %s', (sql, expected) => expect(outcome(held, sql)).toBe(expected))
})

describe('a rule against writing, without objects', () => {
  it.each([
    ['SELECT id FROM rows', 'STATEMENT_UNKNOWN'],
    ['SELECT id FROM own_rows', 'allow'],
    ['SELECT id FROM swept_rows', 'POLICY_DENIED'],
    ["SELECT '1'::noted", 'STATEMENT_UNKNOWN'],
    ["SELECT '1'::positive", 'allow'],
    ['SELECT id FROM plain', 'allow'],
  ])('R-2.4 %s: %s', (sql, expected) => expect(outcome(readOnly, sql)).toBe(expected))
})
