// The cache of facts never makes a difference: over traffic whose literals, catalogs, search paths, presets and scopes change
// all the time, in a cache so small that entries come and go (DESIGN §4, Cache).
import type { Chain } from '@sallyport/base/identity'
import type { DecisionContext } from '@sallyport/policy/decide'
import { judge } from '@sallyport/policy/judge'
import { analyse } from '@sallyport/sql/analyse'
import type { Catalog } from '@sallyport/sql/catalog'
import type { AnalysisContext, SqlParser, StatementFacts } from '@sallyport/sql/facts'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { snapshotOf } from '../../test/data-path.ts'
import { testCatalog } from '../../test/small-catalog.ts'
import { loadParser } from '../parser.ts'
import { createAnalyser, factsCache } from './analysis.ts'

let parser: SqlParser
beforeAll(async () => {
  parser = await loadParser()
})

const [people] = testCatalog().relations
/** The same names mean other relations and columns in each of them. */
const catalogs: readonly Catalog[] = [
  testCatalog(),
  { ...testCatalog(), version: '2', relations: [{ ...people!, columns: people!.columns.toReversed() }] },
  {
    ...testCatalog(),
    version: '3',
    schemas: [
      { name: 'public', writable: false },
      { name: 'other', writable: false },
    ],
    relations: [people!, { ...people!, oid: 20_001, schema: 'other', columns: people!.columns.slice(0, 2) }],
  },
]

const policies = [
  '[{ columns: [public.people.ssn], method: redact }]',
  '[{ columns: ["*.people.name"], method: redact }]',
].map(
  (masks) =>
    snapshotOf(
      `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop }
spec: { protocol: postgres, agents: [a], host: h, database: d, roles: [{ name: app, password: { env: P } }] }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: p }
spec:
  targets: { any: true }
  rules:
    - { name: read, effect: allow, callers: { any: true }, operations: [select] }
    - { name: write, effect: allow, callers: { groups: [dba] }, operations: [insert, update, delete] }
    - { name: odd, effect: deny, callers: { any: true }, when: "statement.text.contains('666')" }
  masks: ${masks}
`,
      {},
    ).targets.get('shop')!.policies,
)

const chains = [['dba'], ['staff']].map(
  (groups): Chain => ({
    initiator: {
      kind: 'user',
      issuer: 'i',
      subject: 's',
      groups,
      claims: {},
      display: 's',
      assurance: 'verified',
    },
    actors: [],
  }),
)

const texts = [
  (a: string, b: string) => `SELECT id, ssn FROM people WHERE id = ${a} AND name = ${b}`,
  (a: string, b: string) => `SELECT id, name FROM people ORDER BY ${a} LIMIT ${b}`,
  (a: string, b: string) => `SELECT * FROM people WHERE ssn = ${a} OR id = ${b}`,
  (a: string, b: string) => `UPDATE people SET name = ${a} WHERE id = ${b}`,
  (a: string, b: string) => `INSERT INTO people (id, name) VALUES (${a}, ${b}) RETURNING ssn`,
  (a: string, b: string) => `DELETE FROM people WHERE id - ${a} > ${b};`,
  (a: string, b: string) => `SELECT set_config(${a}, ${b}, true)`,
  (a: string, b: string) => `SELECT upper(name), ${a} FROM people GROUP BY ${b}, name`,
  (a: string, b: string) => `SELECT ${a}::regclass, ${b}`,
  (a: string, b: string) => `SET application_name = ${a}; SELECT ${b}`,
  (a: string, b: string) => `PREPARE q AS SELECT id FROM people WHERE id = ${a} AND name = ${b}`,
  (a: string, b: string) => `SELECT id FROM people WHERE id = ${a} -- ${b}`,
]
const literal = fc.constantFrom(
  '1',
  '2',
  '3',
  '-1',
  '666',
  '3000000000',
  '1.5',
  "'x'",
  "'search_path'",
  "'people'",
  "'it''s'",
  'NULL',
)
const step = fc.record({
  text: fc.tuple(fc.constantFrom(...texts), literal, literal).map(([make, a, b]) => make(a, b)),
  catalog: fc.nat(catalogs.length - 1),
  path: fc.constantFrom(['public'], ['other', 'public'], []),
  preset: fc.constantFrom('none' as const, 'tooling' as const),
  scope: fc.constantFrom('shop', 'store'),
  policies: fc.nat(policies.length - 1),
  chain: fc.nat(chains.length - 1),
})

const own = { prepared: new Map(), cursors: new Map() } satisfies Partial<AnalysisContext>
const names = {
  prepared: () => undefined,
  preparedNames: [],
  cursors: () => new Map<string, StatementFacts>(),
  catalog: 'shared',
  objectsVersion: 0,
  pathTouched: false,
  isFull: false,
} as const

it('an answer from the cache is the answer', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 40 }), (steps) => {
      const cache = factsCache(6)
      for (const { text, path, preset, scope, ...at } of steps) {
        const catalog = catalogs[at.catalog]!
        const context: DecisionContext = {
          chain: chains[at.chain]!,
          session: {
            id: '',
            upstreamRole: 'app',
            database: 'd',
            clientAddress: '',
            applicationName: '',
            tls: true,
            authentication: '',
          },
          parameters: [],
          nowMs: 0,
        }
        // Catalogs of one scope have versions of their own; two scopes may use the same one for different things.
        const seen =
          scope === 'shop' ? catalog : { ...catalogs[(at.catalog + 1) % catalogs.length]!, version: catalog.version }
        const cached = createAnalyser(parser, { preset }, cache, scope).analyse(text, seen, {
          ...names,
          searchPath: path,
        })
        const fresh = analyse(text, seen, { ...own, searchPath: path, preset }, parser)
        if (cached.kind === 'syntax' || fresh.kind === 'syntax') {
          expect(cached).toEqual(fresh)
          continue
        }
        expect(cached.statements.map(({ shape: _shape, ...facts }) => facts)).toEqual(fresh.statements)
        fresh.statements.forEach((facts, index) => {
          const book = policies[at.policies]!
          const { decision: a, ...plan } = judge(book, cached.statements[index]!, context, seen)
          const { decision: b, ...expected } = judge(book, facts, context, seen)
          expect({ ...a, trace: a.trace }).toEqual({ ...b, trace: b.trace })
          expect(plan).toEqual(expected)
        })
      }
    }),
    { numRuns: process.env['SALLYPORT_TEST'] === 'full' ? 1_000 : 30 },
  )
}, 120_000)
