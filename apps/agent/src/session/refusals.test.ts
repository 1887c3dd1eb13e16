// Which types of parameters are refused, and which are nobody's business.

import { analyse } from '@sallyport/sql/analyse'
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { fingerprintSync, loadModule, parsePlPgSQLSync, parseSync } from 'libpg-query'
import { beforeAll, expect, it } from 'vitest'
import { parameterRefusal } from './refusals.ts'

beforeAll(() => loadModule())

const catalog = buildCatalog({
  relations: {
    'public.people': {
      columns: ['id int8!', 'ssn text', 'city text', 'rank int4'],
      keys: [['id']],
      indexes: [['ssn']],
      triggers: [{ name: 'keep', function: 'public.keep', events: ['update'] }],
    },
    'public.kept': ['id int8', 'city text'],
  },
  functions: {
    'public.keep()': {
      returns: 'trigger',
      language: 'plpgsql',
      body: 'BEGIN INSERT INTO public.kept VALUES (OLD.id, OLD.city); RETURN NEW; END',
    },
  },
})
const parser = {
  parse: (text: string) => ({ version: 0, stmts: parseSync(text).stmts ?? [] }),
  fingerprint: (text: string) => fingerprintSync(text),
  parsePlpgsql: parsePlPgSQLSync,
}
const context = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' } as const
const int4 = 23
const text = 25
const float8 = 701
const bpchar = 1042
const regclass = 2205

it.each([
  ['SELECT city FROM people WHERE ssn IS NOT NULL AND id = $1', [], null],
  ['SELECT city FROM people WHERE ssn IS NOT NULL AND id = $1', [int4], null],
  ['SELECT city FROM people WHERE ssn IS NOT NULL AND id = $1', [float8], 'MASK_UNPROVABLE'],
  ['SELECT count(*) FROM people WHERE ssn IS NOT NULL AND city = $1', [bpchar], 'MASK_UNPROVABLE'],
  ['SELECT count(*) FROM people WHERE ssn IS NOT NULL AND rank = $1', [regclass], 'MASK_UNPROVABLE'],
  ['SELECT count(*) FROM people WHERE ssn IS NOT NULL AND rank = $1::int', [0], null],
  ['SELECT count(*) FROM people WHERE ssn IS NOT NULL AND rank = $1::int', [int4], null],
  ['SELECT count(*) FROM people WHERE ssn IS NOT NULL AND rank = $1::int', [text], 'MASK_UNPROVABLE'],
  ['SELECT rank FROM people WHERE city = $1', [regclass], null],
])('%s with %o', (sql, types, expected) => {
  expect(refusal(sql, types, true)).toBe(expected)
  expect(refusal(sql, types, false)).toBeNull()
})

it.each([
  ['UPDATE people SET city = $2 WHERE id = $1', [0, regclass], null],
  ['UPDATE people SET city = $2 WHERE id = $1', [int4], null],
  ['UPDATE people SET city = $2 WHERE id = $1', [float8], 'POLICY_DENIED'],
])('of a row that a trigger keeps: %s with %o', (sql, types, expected) => {
  expect(refusal(sql, types, false)).toBe(expected)
})

function refusal(sql: string, types: readonly number[], sensitive: boolean): string | null {
  const found = analyse(sql, catalog, context, parser)
  const [facts] = found.kind === 'facts' ? found.statements : []
  if (facts === undefined) throw new Error(sql)
  const decision = { kind: 'allow' } as never
  return parameterRefusal({ facts, decision, plan: null, sensitive, guarded: false } as never, types)?.code ?? null
}
