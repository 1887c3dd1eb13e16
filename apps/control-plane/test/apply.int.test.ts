// Applying documents over HTTP: all or nothing, versioned, audited, pushed; and each kind of bad input by its code.
import { errorDocsUrl, type SallyportErrorCode } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { applyBootstrap } from '../src/policies/apply.ts'
import { buildTestApp, type TestApp } from './build.ts'
import {
  allowPolicy,
  groupDocument,
  makeAgent,
  makeDocuments,
  makePerson,
  makeRole,
  roleDocuments,
  type SignedIn,
  targetDocument,
  testIssuer,
} from './make.ts'
import { stopServer } from './stack.ts'

let test: TestApp
let admin: SignedIn
beforeAll(async () => {
  test = await buildTestApp()
})
afterAll(async () => {
  await test.close()
  await stopServer()
})
beforeEach(async () => {
  await test.deps.db.$executeRaw`TRUNCATE "Resource", "ResourceVersion", "AdminAction", "Agent"`
  await makeDocuments(test, roleDocuments)
  admin = await makeRole(test, 'admin')
})

const yaml = (...documents: object[]): string => documents.map((document) => stringify(document)).join('---\n')
const apply = async (text: string, dryRun = false, who = admin) =>
  await test.app.inject({
    method: 'POST',
    url: '/api/v1/apply',
    headers: who.headers,
    payload: { yaml: text, dryRun },
  })
const get = async (url: string, who = admin) => await test.app.inject({ url, headers: who.headers })
const count = async () => await test.deps.db.resourceVersion.count()

type Response = Awaited<ReturnType<typeof apply>>
const expectProblem = (response: Response, code: SallyportErrorCode) => {
  expect(response.headers['content-type']).toContain('application/problem+json')
  expect(response.json()).toMatchObject({ code, type: errorDocsUrl(code), status: response.statusCode })
}

const shop = () => [
  groupDocument('engineering', 'eng'),
  targetDocument('orders'),
  allowPolicy('orders', 'orders', 'engineering'),
]

describe('apply', () => {
  it('creates, updates and leaves alone, with a version for each change', async () => {
    const first = await apply(yaml(...shop()))
    expect(first.statusCode).toBe(200)
    expect(first.json().changes).toEqual([
      { kind: 'Group', name: 'engineering', change: 'created', version: 1 },
      { kind: 'Target', name: 'orders', change: 'created', version: 1 },
      { kind: 'Policy', name: 'orders', change: 'created', version: 1 },
    ])
    expect(first.json().warnings).toEqual([
      { path: 'Target/orders spec.agents', message: expect.stringContaining('"eu-1"') },
    ])
    const versions = await count()
    const again = await apply(yaml(...shop()))
    expect(again.json().changes.map((change: { change: string }) => change.change)).toEqual(Array(3).fill('unchanged'))
    expect(await count()).toBe(versions)
    const changed = await apply(yaml(targetDocument('orders', { database: 'orders2' })))
    expect(changed.json().changes).toEqual([{ kind: 'Target', name: 'orders', change: 'updated', version: 2 }])
    const resource = (await get('/api/v1/resources/targets/orders')).json()
    expect(resource).toMatchObject({ version: 2, updatedBy: `${testIssuer} ${admin.subject}` })
    expect(resource.document.spec.database).toBe('orders2')
    const history = (await get('/api/v1/resources/targets/orders/versions')).json()
    expect(history.items.map((item: { version: number }) => item.version)).toEqual([2, 1])
    expect(history.items[1].document.spec.database).toBe('orders')
  })

  it('takes the same text in another layout as no change', async () => {
    await apply(yaml(...shop()))
    const reordered = JSON.stringify(Object.fromEntries(Object.entries(targetDocument('orders')).reverse()))
    expect((await apply(reordered)).json().changes[0].change).toBe('unchanged')
  })

  it('says what a dry run would do, and does nothing', async () => {
    const versions = await count()
    const pushes = test.published()
    const response = await apply(yaml(...shop()), true)
    expect(response.json()).toMatchObject({ dryRun: true, changes: [{ version: 1 }, {}, {}] })
    expect(await count()).toBe(versions)
    expect(await test.deps.db.adminAction.count()).toBe(0)
    expect(test.published()).toBe(pushes)
  })

  it('tells agents once a change, after the commit, and not when nothing changed', async () => {
    const pushes = test.published()
    await apply(yaml(...shop()))
    expect(test.published()).toBe(pushes + 1)
    await apply(yaml(...shop()))
    expect(test.published()).toBe(pushes + 1)
  })

  it('writes one line of audit a changed document, with who did it', async () => {
    await apply(yaml(...shop()))
    const log = (await get('/api/v1/audit')).json()
    expect(log.items.map((item: { object: string }) => item.object).sort()).toEqual([
      'Group/engineering',
      'Policy/orders',
      'Target/orders',
    ])
    for (const item of log.items)
      expect(item).toMatchObject({
        action: 'apply',
        actor: `${testIssuer} ${admin.subject}`,
        detail: { change: 'created', version: 1 },
      })
  })

  it('writes nothing at all when one document of many is wrong', async () => {
    const versions = await count()
    const bad = allowPolicy('orders', 'orders', 'nobody-knows')
    const response = await apply(yaml(groupDocument('engineering', 'eng'), targetDocument('orders'), bad))
    expectProblem(response, 'DOCUMENT_INVALID')
    expect(response.json().problems).toEqual([
      expect.objectContaining({ path: 'Policy/orders spec.rules[0].callers.groups' }),
    ])
    expect(await count()).toBe(versions)
    expect(await test.deps.db.adminAction.count()).toBe(0)
  })

  it('of two at the same time never mixes: one wins, the other conflicts or follows', async () => {
    await apply(yaml(...shop()))
    const texts = Array.from({ length: 6 }, (_, i) => yaml(targetDocument('orders', { database: `db${i}` })))
    const responses = await Promise.all(texts.map((text) => apply(text)))
    const applied = responses.filter((response) => response.statusCode === 200)
    for (const response of responses) if (response.statusCode !== 200) expectProblem(response, 'CONFLICT')
    expect(applied.length).toBeGreaterThan(0)
    const history = (await get('/api/v1/resources/targets/orders/versions')).json().items
    expect(history.map((item: { version: number }) => item.version)).toEqual(
      Array.from({ length: applied.length + 1 }, (_, i) => applied.length + 1 - i),
    )
  })

  it.each([
    ['a version that somebody replaced', 1, 'Target "orders" is at version 2 by now; you have seen version 1'],
    ['a document that it saw not there', 0, 'Target "orders" is there already; you have seen that there is none'],
    ['a version that was never there', 7, 'Target "orders" is at version 2 by now; you have seen version 7'],
  ])('overwrites nothing that the caller has not seen: %s', async (_what, version, detail) => {
    await apply(yaml(...shop()))
    await apply(yaml(targetDocument('orders', { database: 'theirs' })))
    const expecting = (expect: object[], text = yaml(targetDocument('orders', { database: 'mine' }))) =>
      test.app.inject({
        method: 'POST',
        url: '/api/v1/apply',
        headers: admin.headers,
        payload: { yaml: text, expect },
      })
    const refused = await expecting([{ kind: 'Target', name: 'orders', version }])
    expectProblem(refused, 'CONFLICT')
    expect(refused.json()).toMatchObject({ detail, hint: expect.stringContaining('nothing was applied') })
    const stored = (await get('/api/v1/resources/targets/orders')).json()
    expect([stored.version, stored.document.spec.database]).toEqual([2, 'theirs'])
    const taken = await expecting([{ kind: 'Target', name: 'orders', version: 2 }])
    expect(taken.json().changes).toEqual([{ kind: 'Target', name: 'orders', change: 'updated', version: 3 }])
  })

  it('deletes the version that was looked at, and no other', async () => {
    await apply(yaml(...shop()))
    const remove = (version: string) =>
      test.app.inject({
        method: 'DELETE',
        url: `/api/v1/resources/policies/orders?version=${version}`,
        headers: admin.headers,
      })
    const refused = await remove('2')
    expectProblem(refused, 'CONFLICT')
    expect(refused.json().detail).toBe('Policy "orders" is at version 1 by now; you have seen version 2')
    expect((await get('/api/v1/resources/policies/orders')).statusCode).toBe(200)
    expectProblem(await remove('none'), 'REQUEST_INVALID')
    expect((await remove('1')).statusCode).toBe(204)
    expect((await get('/api/v1/resources/policies/orders')).statusCode).toBe(404)
  })

  it('does not bring back what somebody deleted meanwhile, unless that was seen', async () => {
    await apply(yaml(...shop()))
    const url = '/api/v1/resources/policies/orders'
    await test.app.inject({ method: 'DELETE', url, headers: admin.headers })
    const again = (version: number) =>
      test.app.inject({
        method: 'POST',
        url: '/api/v1/apply',
        headers: admin.headers,
        payload: {
          yaml: yaml(allowPolicy('orders', 'orders', 'engineering')),
          expect: [{ kind: 'Policy', name: 'orders', version }],
        },
      })
    const refused = await again(1)
    expectProblem(refused, 'CONFLICT')
    expect(refused.json().detail).toBe('Policy "orders" is deleted by now; you have seen version 1')
    expect((await again(0)).json().changes[0]).toMatchObject({ change: 'created', version: 3 })
  })

  it.each<[string, SallyportErrorCode, () => string, string]>([
    ['malformed YAML', 'YAML_INVALID', () => 'apiVersion: [', ''],
    ['an alias bomb', 'YAML_INVALID', () => bomb(), ''],
    ['no document', 'DOCUMENT_INVALID', () => '# nothing', ''],
    ['a scalar', 'DOCUMENT_INVALID', () => 'hello', ''],
    ['an unknown kind', 'DOCUMENT_INVALID', () => yaml({ ...groupDocument('a', 'a'), kind: 'Gruop' }), 'kind'],
    [
      'another apiVersion',
      'DOCUMENT_INVALID',
      () => yaml({ ...groupDocument('a', 'a'), apiVersion: 'v2' }),
      'apiVersion',
    ],
    ['an unknown field', 'DOCUMENT_INVALID', () => yaml(targetDocument('orders', { hots: 'x' })), 'hots'],
    ['a name that is none', 'DOCUMENT_INVALID', () => yaml(groupDocument('A B', 'a')), 'name'],
    ['a credential in the clear', 'DOCUMENT_INVALID', () => yaml(withPassword('hunter2')), 'password'],
    ['CEL that does not parse', 'CEL_INVALID', () => yaml(withCondition('now.getHours( >= 8')), 'when'],
    ['CEL that does not type-check', 'CEL_INVALID', () => yaml(withCondition('statement.filtered + 1')), 'when'],
    ['CEL with an unknown name', 'CEL_INVALID', () => yaml(withCondition('calller.groups == []')), 'when'],
    ['CEL that is no condition', 'CEL_INVALID', () => yaml(withCondition('"yes"')), 'when'],
    ['the same document twice', 'DOCUMENT_INVALID', () => yaml(groupDocument('a', 'a'), groupDocument('a', 'b')), 'a'],
    ['an allow rule for nobody named', 'DOCUMENT_INVALID', () => yaml(withoutCallers()), 'callers'],
  ])('refuses %s with %s', async (_what, code, text, path) => {
    const versions = await count()
    const response = await apply(text())
    expectProblem(response, code)
    const problem = response.json()
    expect(problem.problems?.[0]?.code ?? problem.code).toBe(code)
    expect(`${problem.problems?.[0]?.path ?? ''} ${problem.detail}`).toContain(path)
    expect(problem.hint).toBeTruthy()
    expect(response.body).not.toContain('hunter2')
    expect(test.logged()).not.toContain('hunter2')
    expect(await count()).toBe(versions)
  })

  it('names the line of a problem', async () => {
    const response = await apply(
      `${yaml(groupDocument('engineering', 'eng'))}---\n${yaml(targetDocument('orders', { hots: 'x' }))}`,
    )
    expect(response.json().problems[0].line).toBeGreaterThan(8)
  })

  it.each<[string, SallyportErrorCode, unknown]>([
    ['without a body', 'REQUEST_INVALID', undefined],
    ['with a list', 'REQUEST_INVALID', []],
    ['with an unknown field', 'REQUEST_INVALID', { yaml: 'a', force: true }],
    ['with a number for the text', 'REQUEST_INVALID', { yaml: 7 }],
    ['with broken JSON', 'REQUEST_INVALID', '{"yaml": '],
    ['with a text past the limit', 'REQUEST_INVALID', { yaml: 'a'.repeat(limits.applyBytesMax + 1) }],
    ['with a body past the limit', 'REQUEST_TOO_LARGE', { yaml: 'a'.repeat(5_000_000) }],
  ])('refuses a request %s', async (_what, code, payload) => {
    const headers = { ...admin.headers, 'content-type': 'application/json' }
    const response = await test.app.inject({
      method: 'POST',
      url: '/api/v1/apply',
      headers,
      payload: payload as object,
    })
    expectProblem(response, code)
    expect(response.body.length).toBeLessThan(2_000)
  })

  it('refuses a body that is no JSON by its type', async () => {
    const headers = { ...admin.headers, 'content-type': 'text/yaml' }
    const response = await test.app.inject({ method: 'POST', url: '/api/v1/apply', headers, payload: 'a: 1' })
    expectProblem(response, 'REQUEST_INVALID')
    expect(response.json().detail).toContain('application/json')
  })
})

const bomb = (): string => {
  const levels = Array.from(
    { length: 12 },
    (_, i) =>
      `l${i}: &l${i} [${Array(10)
        .fill(i === 0 ? '"x"' : `*l${i - 1}`)
        .join(', ')}]`,
  )
  return levels.join('\n')
}
const withPassword = (password: string) => targetDocument('orders', { roles: [{ name: 'app', password }] })
const withCondition = (when: string) => {
  const policy = allowPolicy('orders', 'orders', 'the-admin')
  return { ...policy, spec: { ...policy.spec, rules: [{ ...policy.spec.rules[0], when }] } }
}
const withoutCallers = () => {
  const policy = allowPolicy('orders', 'orders', 'the-admin')
  return { ...policy, spec: { ...policy.spec, rules: [{ name: 'r', effect: 'allow' }] } }
}

describe('delete', () => {
  const remove = async (path: string) =>
    await test.app.inject({ method: 'DELETE', url: `/api/v1/resources/${path}`, headers: admin.headers })

  it('is a version, is audited, and a name that comes back goes on counting', async () => {
    await apply(yaml(...shop()))
    test.clock.advance(1)
    const pushes = test.published()
    expect((await remove('policies/orders')).statusCode).toBe(204)
    expect(test.published()).toBe(pushes + 1)
    expectProblem(await get('/api/v1/resources/policies/orders'), 'NOT_FOUND')
    const history = (await get('/api/v1/resources/policies/orders/versions')).json().items
    expect(history.map((item: { version: number; deleted: boolean }) => [item.version, item.deleted])).toEqual([
      [2, true],
      [1, false],
    ])
    const log = (await get('/api/v1/audit?limit=1')).json()
    expect(log.items[0]).toMatchObject({ action: 'delete', object: 'Policy/orders' })
    expect((await apply(yaml(...shop()))).json().changes[2]).toMatchObject({ change: 'created', version: 3 })
  })

  it('refuses what others name, and says who', async () => {
    await apply(yaml(...shop()))
    for (const path of ['groups/engineering', 'targets/orders']) {
      const response = await remove(path)
      expectProblem(response, 'CONFLICT')
      expect(response.json().detail).toContain('Policy/orders')
    }
  })

  it('refuses to lock the last administrators out', async () => {
    const response = await remove('roles/admin')
    expectProblem(response, 'CONFLICT')
    expect(response.json().detail).toContain('administrator')
  })

  it.each(['groups/nothing', 'gruops/engineering', 'groups/__proto__'])('answers 404 for %s', async (path) => {
    expectProblem(await remove(path), 'NOT_FOUND')
  })
})

describe('lists', () => {
  it('come in pages that hold everything once', async () => {
    await apply(yaml(...Array.from({ length: 7 }, (_, i) => groupDocument(`g${i}`, 'x'))))
    const names: string[] = []
    let cursor = ''
    for (let page = 0; page < 10; page++) {
      const body = (await get(`/api/v1/resources/groups?limit=3${cursor}`)).json()
      names.push(...body.items.map((item: { name: string }) => item.name))
      if (body.next === null) break
      cursor = `&cursor=${body.next}`
    }
    expect(names).toEqual([
      ...Array.from({ length: 7 }, (_, i) => `g${i}`),
      'the-admin',
      'the-auditor',
      'the-member',
      'the-reviewer',
    ])
  })

  it('of the audit log come in pages too', async () => {
    await apply(yaml(...Array.from({ length: 5 }, (_, i) => groupDocument(`g${i}`, 'x'))))
    const objects: string[] = []
    let cursor = ''
    for (let page = 0; page < 10; page++) {
      const body = (await get(`/api/v1/audit?limit=2${cursor}`)).json()
      objects.push(...body.items.map((item: { object: string }) => item.object))
      if (body.next === null) break
      cursor = `&cursor=${body.next}`
    }
    expect(objects.sort()).toEqual(Array.from({ length: 5 }, (_, i) => `Group/g${i}`))
  })

  it.each(['xxx', 'W10', 'WyJhIiwxXQ', encodeURIComponent('["a"]')])('refuse the cursor %s', async (cursor) => {
    expectProblem(await get(`/api/v1/audit?cursor=${cursor}`), 'REQUEST_INVALID')
  })

  it.each(['limit=0', 'limit=501', 'limit=x'])('refuse %s', async (query) => {
    expectProblem(await get(`/api/v1/resources/groups?${query}`), 'REQUEST_INVALID')
  })
})

describe('the bootstrap documents', () => {
  it('are applied to a store that never had any, as "bootstrap", and never again', async () => {
    await test.deps.db.$executeRaw`TRUNCATE "Resource", "ResourceVersion"`
    const text = yaml(...roleDocuments)
    expect(await applyBootstrap(test.deps, text)).toBe(true)
    const row = await test.deps.db.resource.findFirst({ where: { kind: 'Role', name: 'admin' } })
    expect(row?.updatedBy).toBe('bootstrap')
    expect(await applyBootstrap(test.deps, text)).toBe(false)
    await test.deps.db.$executeRaw`TRUNCATE "Resource"`
    expect(await applyBootstrap(test.deps, text)).toBe(false)
  })
})

describe('a person who is no administrator', () => {
  it('of a fresh role change counts with the next request', async () => {
    const eve = await makePerson(test, ['eng'])
    expectProblem(await apply(yaml(...shop()), false, eve), 'ROLE_MISSING')
    await makeAgent(test, 'eu-1')
    await apply(
      yaml(groupDocument('ops', 'eng'), {
        apiVersion: 'sallyport.dev/v1',
        kind: 'Role',
        metadata: { name: 'ops' },
        spec: { role: 'admin', groups: ['ops'] },
      }),
    )
    const response = await apply(yaml(...shop()), false, eve)
    expect(response.statusCode).toBe(200)
    expect(response.json().warnings).toEqual([])
  })
})
