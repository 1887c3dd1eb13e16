// What a connection string may set: exactly what SET may, under the policies of the caller. THREATS.
import { SallyportError } from '@sallyport/base/errors'
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { beforeAll, describe, expect, it } from 'vitest'
import { snapshotOf, testSnapshots } from '../../test/data-path.ts'
import { loadParser } from '../parser.ts'
import { createAnalyser, factsCache } from './analysis.ts'
import type { AssessDeps } from './assess.ts'
import { judgeStartSettings, setText } from './start-settings.ts'

let parser: Awaited<ReturnType<typeof loadParser>>
beforeAll(async () => {
  parser = await loadParser()
})

const yaml = (rules: string): string => `
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
  rules: [{ name: read, effect: allow, callers: { any: true }, operations: [select] }${rules}]
`
const initiator = { kind: 'user', issuer: 'i', subject: 's', groups: [], claims: {}, display: 's' } as const
const session = { id: '', upstreamRole: 'app', database: 'd', clientAddress: '', applicationName: '' }
const catalog = buildCatalog({ relations: { 'public.t': ['id int4'], 'hr.t': ['id int4'] }, writable: ['public'] })

function outcome(settings: Record<string, string>, rules = '', more: Partial<AssessDeps> = {}): string {
  const deps: AssessDeps = {
    snapshots: testSnapshots(snapshotOf(yaml(rules), {})),
    target: 'shop',
    chain: { initiator: { ...initiator, assurance: 'verified' }, actors: [] },
    session: { ...session, tls: true, authentication: '' },
    analyser: createAnalyser(parser, { preset: 'none' }, factsCache(), 'shop'),
    clock: { nowMs: () => 0 },
    ...more,
  }
  try {
    judgeStartSettings(deps, new Map(Object.entries(settings)), catalog)
    return 'allowed'
  } catch (thrown) {
    if (thrown instanceof SallyportError) return thrown.code
    throw thrown
  }
}

const masks = `]
  masks: [{ columns: ["public.t.id"], method: redact }`
const allows = (setting: string) =>
  `, { name: may, effect: allow, callers: { any: true }, operations: [set], objects: ["setting:${setting}"] }`
const denies = (setting: string) => `, { name: no, effect: deny, operations: [set], objects: ["setting:${setting}"] }`
const holds = `, { name: ask, effect: hold, callers: { any: true }, operations: [set], objects: ["setting:app.*"], approval: { reviewers: [{ group: dba, count: 1 }], expires: 15m, wait: 60s } }`

describe('a start-up parameter is judged as SET', () => {
  it.each<[string, Record<string, string>, string, string]>([
    ['R-2.14: a time-out within its bounds', { statement_timeout: '300000', lock_timeout: '5s' }, '', 'allowed'],
    ['R-2.14: one past them', { statement_timeout: '300001' }, '', 'POLICY_UNCOVERED'],
    ['R-2.14: one switched off', { idle_in_transaction_session_timeout: '0' }, '', 'POLICY_UNCOVERED'],
    ['one switched off, with a rule for it', { statement_timeout: '0' }, allows('statement_timeout'), 'allowed'],
    ['a time-out under a deny rule', { statement_timeout: '5s' }, denies('statement_timeout'), 'POLICY_DENIED'],
    ['how plans are kept', { plan_cache_mode: 'force_custom_plan' }, '', 'allowed'],
    ['R-1.8: the planner as it is, where something is masked', { geqo: 'on' }, masks, 'allowed'],
    ['R-3.1: what steers the planner, without a rule', { geqo: 'off' }, '', 'POLICY_UNCOVERED'],
    ['what steers the planner, with a rule, where nothing is masked', { geqo: 'off' }, allows('geqo'), 'allowed'],
    ['R-3.1: the same where something is', { geqo: 'off' }, `${allows('geqo')}${masks}`, 'MASK_UNPROVABLE'],
    ['the second of two', { jit: 'off', statement_timeout: '0' }, '', 'POLICY_UNCOVERED'],
    ['R-2.9: pg_catalog behind another schema', { search_path: 'hr, "pg_catalog"' }, '', 'STATEMENT_UNKNOWN'],
    ['a schema where the caller makes nothing', { search_path: 'pg_catalog, HR' }, '', 'allowed'],
    ['R-2.9: a schema that the caller writes to', { search_path: 'hr, public' }, '', 'POLICY_UNCOVERED'],
    ['R-2.9: the same, quoted', { search_path: '"public"' }, '', 'POLICY_UNCOVERED'],
    ['a path under a deny rule', { search_path: 'hr' }, denies('search_path'), 'POLICY_DENIED'],
    ['R-2.9: pg_temp, with a rule', { search_path: 'pg_temp' }, allows('search_path'), 'STATEMENT_UNKNOWN'],
    ['R-1.35: a path beyond ASCII', { search_path: 'größe' }, allows('search_path'), 'SETTING_FORBIDDEN'],
    ['R-1.35: a name too long', { search_path: 'x'.repeat(64) }, allows('search_path'), 'SETTING_FORBIDDEN'],
    ['an empty path', { search_path: '' }, '', 'allowed'],
    ['R-2.11: read only', { default_transaction_read_only: 'on' }, '', 'allowed'],
    ['R-2.11: read and write', { default_transaction_read_only: 'off' }, '', 'POLICY_UNCOVERED'],
    ['R-1.27: messages of the debug levels', { client_min_messages: 'debug1' }, '', 'POLICY_UNCOVERED'],
    ['a setting of the caller without a rule', { 'app.tenant': '7' }, '', 'POLICY_UNCOVERED'],
    ['the same with one', { 'app.tenant': "7' or 'x" }, allows('app.*'), 'allowed'],
    ['one that a person has to approve', { 'app.tenant': '7' }, holds, 'SETTING_FORBIDDEN'],
  ])('%s', (_, settings, rules, expected) => {
    expect(outcome(settings, rules)).toBe(expected)
  })

  it('the one that says for whom the connection is stays with the agent', () => {
    expect(outcome({ 'app.user': 'x' }, allows('app.*'), { initiatorSetting: 'app.user' })).toBe('SETTING_FORBIDDEN')
  })

  it('R-2.15: what does not go from one shared connection to the next is refused', () => {
    const shared = { sessionState: 'refuse' } as const
    expect(outcome({ 'app.tenant': '7' }, allows('app.*'), shared)).toBe('FEATURE_UNSUPPORTED')
    expect(outcome({ idle_session_timeout: '5s' }, '', shared)).toBe('FEATURE_UNSUPPORTED')
    expect(outcome({ statement_timeout: '5s' }, '', shared)).toBe('allowed')
  })
})

it.each([
  ['statement_timeout', '5s', `SET "statement_timeout" TO '5s'`],
  ['app.tenant', "o'neill\\", `SET "app"."tenant" TO 'o''neill\\'`],
  ['search_path', 'A, "B ""c""",d', `SET "search_path" TO "a", "B ""c""", "d"`],
  ['search_path', '', `SET "search_path" TO ''`],
])('%s = %s as SET', (name, value, text) => {
  expect(setText(name, value)).toBe(text)
})
