// Explain over HTTP: the decision of the data path on the catalog that an agent sent, for stored and for draft documents.
import { gzipSync } from 'node:zlib'
import { errorDocsUrl, type SallyportErrorCode } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { buildTestApp, type TestApp } from './build.ts'
import {
  allowPolicy,
  groupDocument,
  makeDocuments,
  makePerson,
  makeRole,
  roleDocuments,
  type SignedIn,
  targetDocument,
} from './make.ts'
import { stopServer } from './stack.ts'

const catalog = buildCatalog({
  database: 'orders',
  relations: { 'public.customers': ['id int4!', 'name text', 'email text'] },
})
const masked = (extra: object = {}) => {
  const policy = allowPolicy('orders', 'orders', 'engineering')
  const masks = [{ columns: ['public.customers.email'], method: { partial: { keepLast: 4 } } }]
  return { ...policy, spec: { ...policy.spec, masks, ...extra } }
}

let test: TestApp
let admin: SignedIn
beforeAll(async () => {
  test = await buildTestApp()
  await makeDocuments(test, [
    ...roleDocuments,
    groupDocument('engineering', 'eng'),
    targetDocument('orders'),
    targetDocument('empty'),
    targetDocument('broken'),
    masked(),
  ])
  const row = { upstreamRole: 'app_rw', version: catalog.version, agentId: 'a' }
  const packed = gzipSync(JSON.stringify(catalog))
  await test.deps.db.catalog.create({ data: { ...row, target: 'orders', catalog: packed } })
  await test.deps.db.catalog.create({ data: { ...row, target: 'broken', catalog: gzipSync('{"version":1}') } })
  admin = await makeRole(test, 'admin')
})
afterAll(async () => {
  await test.close()
  await stopServer()
})

const explain = async (payload: object) =>
  await test.app.inject({ method: 'POST', url: '/api/v1/policies/explain', headers: admin.headers, payload })
const one = async (payload: object) => {
  const response = await explain({ target: 'orders', groups: ['engineering'], ...payload })
  expect(response.statusCode, response.body).toBe(200)
  return response.json().statements[0]
}

describe('explain', () => {
  it('names the rule that allows, the effects, and the mask of each column', async () => {
    const statement = await one({ sql: 'SELECT id, email AS e FROM customers' })
    expect(statement).toMatchObject({ verb: 'select', decision: 'allow', policy: 'orders', rule: 'read', code: null })
    expect(statement.effects).toContainEqual(
      expect.objectContaining({ operation: 'select', object: 'public.customers', via: 'direct' }),
    )
    expect(statement.output).toEqual([
      expect.objectContaining({ name: 'id', mask: null }),
      expect.objectContaining({ name: 'e', sources: ['public.customers.email'], mask: expect.stringContaining('4') }),
    ])
    expect(statement.trace.length).toBeGreaterThan(0)
  })

  it.each<[string, object, SallyportErrorCode]>([
    ['what no rule covers', { sql: 'DELETE FROM customers WHERE id = 1' }, 'POLICY_UNCOVERED'],
    ['callers that no rule names', { sql: 'SELECT id FROM customers', groups: [] }, 'POLICY_UNCOVERED'],
    ['a masked column that decides', { sql: "SELECT id FROM customers WHERE email LIKE 'a%'" }, 'MASK_UNPROVABLE'],
  ])('denies %s', async (_what, payload, code) => {
    expect(await one(payload)).toMatchObject({ decision: 'deny', code })
  })

  it('judges every statement of a text', async () => {
    const response = await explain({
      target: 'orders',
      groups: ['engineering'],
      sql: 'SELECT id FROM customers; DROP TABLE customers',
    })
    const decisions = response.json().statements.map((statement: { decision: string }) => statement.decision)
    expect(decisions).toEqual(['allow', 'deny'])
    expect(response.json().catalogVersion).toBe(catalog.version)
  })

  it('puts a draft in place of the stored document, and stores nothing', async () => {
    const rules = [
      ...allowPolicy('orders', 'orders', 'engineering').spec.rules,
      { name: 'stop', effect: 'deny', operations: ['select'] },
    ]
    const versions = await test.deps.db.resourceVersion.count()
    const yaml = stringify(masked({ rules }))
    const sql = 'SELECT id FROM customers'
    expect(await one({ sql, yaml })).toMatchObject({ decision: 'deny', rule: 'stop', code: 'POLICY_DENIED' })
    expect(await one({ sql })).toMatchObject({ decision: 'allow' })
    expect(await test.deps.db.resourceVersion.count()).toBe(versions)
  })

  it('explains for the person who asks when nobody else is named', async () => {
    const response = await explain({ target: 'orders', sql: 'SELECT id FROM customers' })
    expect(response.json().statements[0]).toMatchObject({ decision: 'deny', code: 'POLICY_UNCOVERED' })
  })

  it.each<[string, SallyportErrorCode, object]>([
    ['an unknown target', 'TARGET_UNKNOWN', { target: 'nothing' }],
    ['a target whose catalog no agent has sent', 'CATALOG_STALE', { target: 'empty' }],
    ['a catalog that cannot be read', 'CATALOG_STALE', { target: 'broken' }],
    ['what is no SQL', 'STATEMENT_SYNTAX', { sql: 'SELEC id' }],
    ['a text that is too long', 'STATEMENT_TOO_LONG', { sql: 'ä'.repeat(limits.statementBytesMax / 2 + 1) }],
    ['a draft that is no YAML', 'YAML_INVALID', { yaml: 'a: [' }],
    ['a draft with an unknown group', 'DOCUMENT_INVALID', { yaml: stringify(allowPolicy('x', 'orders', 'nobody')) }],
    ['a draft with a condition that is wrong', 'CEL_INVALID', { yaml: stringify(masked({ rules: [condition()] })) }],
  ])('refuses %s', async (_what, code, payload) => {
    const response = await explain({ target: 'orders', sql: 'SELECT 1', ...payload })
    expect(response.json()).toMatchObject({ code, type: errorDocsUrl(code), status: response.statusCode })
  })
})

const condition = () => ({ ...allowPolicy('x', 'orders', 'engineering').spec.rules[0], when: '1 + "a" == 2' })

describe('what of a target is open to oneself', () => {
  const schema = async (who: SignedIn, target: string, query = '') =>
    await test.app.inject({ url: `/api/v1/me/targets/${target}/schema${query}`, headers: who.headers })

  it('names relations, what may be done, and masked columns', async () => {
    const ana = await makePerson(test, ['eng'])
    const response = await schema(ana, 'orders')
    expect(response.statusCode, response.body).toBe(200)
    expect(response.json()).toEqual({
      target: 'orders',
      protocol: 'postgres',
      relations: [
        {
          schema: 'public',
          name: 'customers',
          kind: 'table',
          operations: [{ operation: 'select', effect: 'allow', maybe: false }],
          columns: [
            { name: 'id', type: 'pg_catalog.int4', notNull: true, mask: null },
            { name: 'name', type: 'pg_catalog.text', notNull: false, mask: null },
            { name: 'email', type: 'pg_catalog.text', notNull: false, mask: 'partial(4)' },
          ],
        },
      ],
      routes: [],
      left: 0,
    })
    expect((await schema(ana, 'orders', '?match=CUSTOM')).json().relations).toHaveLength(1)
    expect((await schema(ana, 'orders', '?match=payroll')).json().relations).toEqual([])
  })

  it('does not know a target that no policy opens, an administrator or not (R-6.10)', async () => {
    for (const who of [admin, await makePerson(test, ['eng'])]) {
      const [closed, absent] = [await schema(who, 'empty'), await schema(who, 'nothing')]
      expect(closed.json()).toMatchObject({ code: 'TARGET_UNKNOWN' })
      expect({ ...closed.json(), requestId: '' }).toEqual({ ...absent.json(), requestId: '' })
    }
  })
})
