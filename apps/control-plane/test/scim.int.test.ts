// SCIM 2.0 as providers speak it (Okta, Entra ID), against the real application and store.

import { isRevoked, verifyToken } from '@sallyport/identity/verify'
import { afterAll, assert, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readRevocations } from '../src/agents/store.ts'
import { closingMs } from '../src/identities/revocation-store.ts'
import { issueToken } from '../src/identities/tokens.ts'
import { currentTrust } from '../src/identities/trust.ts'
import { admitPerson } from '../src/signin/login.ts'
import { findActor } from '../src/signin/session.ts'
import { buildTestApp, type TestApp } from './build.ts'
import { makeDocuments, makePerson, makeRole, roleDocuments, type SignedIn, testIssuer } from './make.ts'
import { stopServer } from './stack.ts'

const provider = {
  kind: 'oidc' as const,
  name: 'corp',
  display: 'Corp',
  issuer: testIssuer,
  clientId: 'c',
  clientSecret: null,
  cliClientId: 'c',
  scopes: 'openid',
  signOutAtProvider: false,
  groupsClaim: 'groups',
  provisionedSubject: 'externalId' as const,
  provisionedOnly: false,
}
let test: TestApp
let admin: SignedIn
let token = ''
beforeAll(async () => {
  const other = { ...provider, name: 'other', issuer: 'https://other.test' }
  test = await buildTestApp({ providers: [provider, other] })
  await makeDocuments(test, roleDocuments)
  admin = await makeRole(test, 'admin')
  token = await newToken('corp')
})
afterAll(async () => {
  await test.close()
  await stopServer()
})
beforeEach(() => test.clock.advance(1_000))

async function newToken(name: string): Promise<string> {
  const payload = { provider: name }
  const made = await test.app.inject({ method: 'POST', url: '/api/v1/scim-tokens', headers: admin.headers, payload })
  expect(made.statusCode).toBe(201)
  return made.json().token
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
const call = async (method: Method, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  await test.app.inject({
    method,
    url: `/scim/v2${path}`,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  })
const patch = (...Operations: object[]) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations })

let serial = 0
async function makeUser(changes: Record<string, unknown> = {}) {
  const name = `user${++serial}`
  const body = {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: `${name}@corp.test`,
    externalId: name,
    ...changes,
  }
  const made = await call('POST', '/Users', body)
  expect(made.statusCode).toBe(201)
  return made.json() as { id: string; userName: string; externalId: string; meta: { version: string } }
}
const signedIn = async (person: SignedIn) =>
  (await test.app.inject({ url: '/api/v1/me', headers: person.headers })).statusCode === 200
const login = async (subject: string) =>
  await admitPerson(test.deps, provider, { issuer: testIssuer, subject, claims: {} }, 'cli', {})

describe('a SCIM client', () => {
  it('is let in by its token alone, which is hashed at rest and ends', async () => {
    for (const authorization of ['', 'Bearer x', `Bearer ${admin.token}`, `Bearer sp-scim-${'A'.repeat(43)}`]) {
      const response = await call('GET', '/Users', undefined, { authorization })
      expect(response.statusCode).toBe(401)
      expect(response.headers['content-type']).toContain('application/scim+json')
      expect(response.json()).toMatchObject({ status: '401', schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'] })
    }
    const rows = await test.deps.db.scimToken.findMany()
    expect(JSON.stringify(rows)).not.toContain(token)
    const asPerson = { authorization: `Bearer ${token}` }
    expect((await test.app.inject({ url: '/api/v1/me', headers: asPerson })).statusCode).toBe(401)
  })

  it('changes its token for another without a gap, and the old one ends when it is revoked', async () => {
    const next = await newToken('corp')
    const headers = admin.headers
    const third = { method: 'POST' as const, url: '/api/v1/scim-tokens', headers, payload: { provider: 'corp' } }
    expect((await test.app.inject(third)).json().code).toBe('CONFLICT')
    const { items, baseUrl } = (await test.app.inject({ url: '/api/v1/scim-tokens', headers })).json()
    expect(baseUrl).toBe('https://sallyport.test/scim/v2')
    expect(JSON.stringify(items)).not.toContain(token)
    const old = items.at(-1)
    await test.app.inject({ method: 'POST', url: `/api/v1/scim-tokens/${old.id}/revoke`, headers })
    expect((await call('GET', '/Users')).statusCode).toBe(401)
    token = next
    expect((await call('GET', '/Users')).statusCode).toBe(200)
  })

  it('R-6.20: has two tokens at most, however many are asked for at once', async () => {
    const asked = { method: 'POST' as const, url: '/api/v1/scim-tokens', headers: admin.headers }
    const { items } = (await test.app.inject({ url: '/api/v1/scim-tokens', headers: admin.headers })).json()
    const spare = items.filter((one: { state: string }) => one.state === 'active').slice(1)
    for (const { id } of spare) await test.app.inject({ ...asked, url: `${asked.url}/${id}/revoke` })
    const all = await Promise.all(
      Array.from({ length: 6 }, () => test.app.inject({ ...asked, payload: { provider: 'corp' } })),
    )
    const made = all.filter(({ statusCode }) => statusCode < 300)
    expect(made.length).toBeLessThanOrEqual(1)
    for (const one of all) if (!made.includes(one)) expect(one.json().code).toBe('CONFLICT')
    for (const one of made) await test.app.inject({ ...asked, url: `${asked.url}/${one.json().id}/revoke` })
  })

  it('is told that a text with NUL is not valid, wherever it stands', async () => {
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp']
    for (const [method, path, body] of [
      ['POST', '/Users', { userName: 'a\u0000b' }],
      ['POST', '/Users', { userName: 'nul', title: 'a\u0000b' }],
      ['POST', '/Users', { userName: 'nul', 'a\u0000b': 'title' }],
      ['POST', '/Groups', { displayName: 'a\u0000b' }],
      ['PATCH', '/Users/x', { schemas, Operations: [{ op: 'replace', path: 'title', value: '\u0000' }] }],
      ['GET', '/Users?filter=userName%20eq%20%22a%00b%22', undefined],
      ['GET', '/Users/a%00b', undefined],
    ] as const) {
      const response = await call(method, path, body)
      expect([response.statusCode, response.json().scimType], path).toEqual([400, 'invalidValue'])
    }
    const escaped = await call('POST', '/Users', { userName: 'a\\u0000b' })
    expect(escaped.statusCode).toBe(201)
    await call('DELETE', `/Users/${escaped.json().id}`)
  })

  it('learns what can be done', async () => {
    const config = (await call('GET', '/ServiceProviderConfig')).json()
    expect(config).toMatchObject({
      patch: { supported: true },
      bulk: { supported: false },
      filter: { supported: true },
    })
    const types = (await call('GET', '/ResourceTypes')).json()
    expect(types.Resources.map(({ id }: { id: string }) => id)).toEqual(['User', 'Group'])
    const schemas = (await call('GET', '/Schemas')).json()
    expect(schemas).toMatchObject({ totalResults: 3 })
    const one = await call('GET', '/Schemas/urn:ietf:params:scim:schemas:core:2.0:User')
    expect(one.json()).toMatchObject({ name: 'User' })
    expect((await call('GET', '/Schemas/urn:none')).statusCode).toBe(404)
  })

  it('sees nothing of another provider (THREATS R-6.10)', async () => {
    const user = await makeUser()
    const mine = token
    token = await newToken('other')
    try {
      expect((await call('GET', `/Users/${user.id}`)).statusCode).toBe(404)
      expect((await call('DELETE', `/Users/${user.id}`)).statusCode).toBe(404)
      expect((await call('GET', '/Users')).json().totalResults).toBe(0)
      const foreign = await call('POST', '/Groups', { displayName: 'thieves', members: [{ value: user.id }] })
      expect(foreign.json()).toMatchObject({ status: '400', scimType: 'invalidValue' })
    } finally {
      token = mine
    }
  })
})

describe('users', () => {
  it('are made, read, found, replaced, changed in part and deleted', async () => {
    const user = await makeUser({
      name: { familyName: 'Example', givenName: 'Ana' },
      emails: [{ value: 'a@corp.test', primary: true }],
      password: 'hunter2',
    })
    const read = (await call('GET', `/Users/${user.id}`)).json()
    expect(read).toMatchObject({
      userName: user.userName,
      active: true,
      name: { givenName: 'Ana' },
      meta: { resourceType: 'User' },
    })
    expect(JSON.stringify(read)).not.toContain('hunter2')
    expect(JSON.stringify(await test.deps.db.scimUser.findMany())).not.toContain('hunter2')
    const find = async (filter: string) => (await call('GET', `/Users?filter=${encodeURIComponent(filter)}`)).json()
    expect((await find(`userName eq "${user.userName.toUpperCase()}"`)).Resources).toMatchObject([{ id: user.id }])
    expect((await find(`externalId eq "${user.externalId}" and active eq true`)).totalResults).toBe(1)
    expect((await find('userName eq "nobody"')).totalResults).toBe(0)
    const replaced = await call('PUT', `/Users/${user.id}`, {
      userName: user.userName,
      externalId: user.externalId,
      displayName: 'Ana B',
    })
    expect(replaced.json()).toMatchObject({ displayName: 'Ana B' })
    expect(replaced.json().name).toBeUndefined()
    const changed = await call(
      'PATCH',
      `/Users/${user.id}`,
      patch(
        { op: 'Replace', path: 'name.familyName', value: 'Changed' },
        { op: 'Add', path: 'emails[type eq "work"].value', value: 'w@corp.test' },
        {
          op: 'replace',
          value: {
            displayName: 'Ana C',
            'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department': 'Data',
          },
        },
      ),
    )
    expect(changed.json()).toMatchObject({
      displayName: 'Ana C',
      name: { familyName: 'Changed' },
      emails: [{ type: 'work', value: 'w@corp.test' }],
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Data' },
    })
    expect((await call('DELETE', `/Users/${user.id}`)).statusCode).toBe(204)
    expect((await call('GET', `/Users/${user.id}`)).statusCode).toBe(404)
  })

  it('come in pages', async () => {
    for (let count = 0; count < 3; count++) await makeUser()
    const all = (await call('GET', '/Users?count=0')).json()
    expect(all).toMatchObject({ itemsPerPage: 0, startIndex: 1 })
    const seen = new Set<string>()
    for (let start = 1; start <= all.totalResults; start += 2)
      for (const { id } of (await call('GET', `/Users?startIndex=${start}&count=2`)).json().Resources) seen.add(id)
    expect(seen.size).toBe(all.totalResults)
    expect((await call('GET', '/Users?startIndex=-5&count=-1')).json()).toMatchObject({
      startIndex: 1,
      itemsPerPage: 0,
    })
  })

  it('are refused by what is wrong with them', async () => {
    const user = await makeUser()
    const refused = async (response: ReturnType<typeof call>) => {
      const { status, scimType } = (await response).json()
      return [status, scimType]
    }
    expect(await refused(call('POST', '/Users', { userName: user.userName.toUpperCase() }))).toEqual([
      '409',
      'uniqueness',
    ])
    expect(await refused(call('POST', '/Users', { userName: 'z', externalId: user.externalId }))).toEqual([
      '409',
      'uniqueness',
    ])
    expect(await refused(call('POST', '/Users', { displayName: 'x' }))).toEqual(['400', 'invalidValue'])
    expect(await refused(call('GET', '/Users?filter=userName%20sw%20"a"'))).toEqual(['400', 'invalidFilter'])
    expect(await refused(call('GET', '/Users?filter=userName%20eq%20"a"%20or%20active%20eq%20true'))).toEqual([
      '400',
      'invalidFilter',
    ])
    expect(await refused(call('GET', '/Users?filter=password%20eq%20"a"'))).toEqual(['400', 'invalidFilter'])
    expect(await refused(call('PATCH', `/Users/${user.id}`, patch({ op: 'move', path: 'x' })))).toEqual([
      '400',
      'invalidSyntax',
    ])
    expect(await refused(call('PATCH', `/Users/${user.id}`, patch({ op: 'add', path: 'a b', value: 1 })))).toEqual([
      '400',
      'invalidPath',
    ])
    expect(
      await refused(call('PATCH', `/Users/${user.id}`, patch({ op: 'add', path: '__proto__.x', value: 1 }))),
    ).toEqual(['400', 'invalidPath'])
    expect(await refused(call('PATCH', `/Users/${user.id}`, patch({ op: 'remove', path: 'userName' })))).toEqual([
      '400',
      'invalidValue',
    ])
    expect((await call('PUT', `/Users/${user.id}`, { userName: 'x' }, { 'if-match': 'W/"99"' })).statusCode).toBe(412)
    const broken = await test.app.inject({
      method: 'POST',
      url: '/scim/v2/Users',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
      payload: '{',
    })
    expect(broken.statusCode).toBe(400)
  })
})

describe('whom a provider deprovisions', () => {
  const ways: Record<string, (id: string) => Promise<unknown>> = {
    'by PATCH, as Okta does': (id) => call('PATCH', `/Users/${id}`, patch({ op: 'replace', value: { active: false } })),
    'by PATCH, as Entra ID does': (id) =>
      call('PATCH', `/Users/${id}`, patch({ op: 'Replace', path: 'active', value: 'False' })),
    'by DELETE': (id) => call('DELETE', `/Users/${id}`),
  }
  it.each(Object.keys(ways))('%s is signed out everywhere, and tokens end at agents', async (way) => {
    const user = await makeUser()
    const browser = await makePerson(test, [], 'browser', user.externalId)
    const cli = await makePerson(test, [], 'cli', user.externalId)
    const before = test.published()
    await ways[way]?.(user.id)
    expect([await signedIn(browser), await signedIn(cli)]).toEqual([false, false])
    expect(test.published()).toBe(before + 1)
    const revocations = await readRevocations(test.deps.db, new Date(0))
    expect(revocations).toContainEqual(
      expect.objectContaining({ issuer: testIssuer, subject: user.externalId, by: 'scim corp' }),
    )
    await expect(login(user.externalId)).rejects.toMatchObject({ code: 'LOGIN_FAILED' })
  })

  it.each([
    ['with the name of the attribute in another case', { Active: false }],
    ['and says nothing of it in a later PUT', {}],
  ])('R-6.4: %s stays out', async (_how, said) => {
    const user = await makeUser()
    const names = { userName: user.userName, externalId: user.externalId }
    if (Object.keys(said).length === 0) await call('PUT', `/Users/${user.id}`, { ...names, active: false })
    expect((await call('PUT', `/Users/${user.id}`, { ...names, ...said })).json()).toMatchObject({ active: false })
    await expect(login(user.externalId)).rejects.toMatchObject({ code: 'LOGIN_FAILED' })
    const twice = { ...names, active: true, Active: false }
    expect((await call('PUT', `/Users/${user.id}`, twice)).json()).toMatchObject({ scimType: 'invalidValue' })
    const removed = await call('PATCH', `/Users/${user.id}`, patch({ op: 'remove', path: 'active' }))
    expect(removed.json()).toMatchObject({ active: false })
  })

  it('keeps nothing that a request under way was issued a moment later (THREATS R-6.3)', async () => {
    const user = await makeUser()
    await makePerson(test, [], 'cli', user.externalId)
    await call('DELETE', `/Users/${user.id}`)
    const trust = await currentTrust(test.deps)
    const principal = { issuer: testIssuer, subject: user.externalId }
    const issued = (atMs: number) => ({
      principal,
      token: { issuer: 'https://sallyport.test', id: 'a', issuedAtMs: atMs },
    })
    expect(isRevoked(issued(test.clock.nowMs() + 2_000), trust)).toBe(true)
    expect(isRevoked(issued(test.clock.nowMs() + closingMs), trust)).toBe(false)
  })

  it('before the first login never gets in, and does when active again', async () => {
    const user = await makeUser({ active: false })
    await expect(login(user.externalId)).rejects.toMatchObject({ code: 'LOGIN_FAILED' })
    await call('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'active', value: true }))
    await expect(login(user.externalId)).resolves.toMatchObject({ subject: user.externalId })
  })

  it.each<[string, (id: string, subject: string) => Promise<unknown>]>([
    ['deleted', async (id) => await call('DELETE', `/Users/${id}`)],
    [
      'inactive for a while, and then deleted',
      async (id) => {
        await call('PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'active', value: false }))
        await call('DELETE', `/Users/${id}`)
      },
    ],
    [
      'called otherwise',
      async (id, subject) =>
        await call('PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'externalId', value: `${subject}-new` })),
    ],
  ])('R-6.4: before the first login and %s never gets in, until provisioned again', async (_how, leave) => {
    const user = await makeUser()
    await leave(user.id, user.externalId)
    const { items } = (await test.app.inject({ url: '/api/v1/people?limit=200', headers: admin.headers })).json()
    expect(items.find(({ subject }: { subject: string }) => subject === user.externalId)).toMatchObject({
      lastLoginAt: null,
      disabledBy: 'scim corp',
    })
    await expect(login(user.externalId)).rejects.toMatchObject({ code: 'LOGIN_FAILED' })
    await call('POST', '/Users', { userName: `${user.userName}-again`, externalId: user.externalId })
    await expect(login(user.externalId)).resolves.toMatchObject({ subject: user.externalId })
  })

  it('is not let in again by the provider when an administrator closed the door', async () => {
    const user = await makeUser()
    const person = await makePerson(test, [], 'cli', user.externalId)
    const url = `/api/v1/people/${person.personId}/disable`
    await test.app.inject({ method: 'POST', url, headers: admin.headers, payload: { reason: 'incident' } })
    for (const active of [false, true])
      await call('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'active', value: active }))
    await expect(login(user.externalId)).rejects.toMatchObject({ code: 'LOGIN_FAILED' })
  })

  it('loses what stood under the name that was', async () => {
    const user = await makeUser()
    const person = await makePerson(test, [], 'cli', user.externalId)
    await call(
      'PATCH',
      `/Users/${user.id}`,
      patch({ op: 'replace', path: 'externalId', value: `${user.externalId}-new` }),
    )
    expect(await signedIn(person)).toBe(false)
  })

  it('and who was never provisioned stays out where that is asked for', async () => {
    const strict = { ...provider, provisionedOnly: true }
    const admit = async (subject: string) =>
      await admitPerson(test.deps, strict, { issuer: testIssuer, subject, claims: {} }, 'cli', {})
    await expect(admit('walk-in')).rejects.toMatchObject({ code: 'LOGIN_FAILED' })
    expect(await test.deps.db.person.findFirst({ where: { subject: 'walk-in' } })).toBeNull()
    const user = await makeUser()
    await expect(admit(user.externalId)).resolves.toBeDefined()
  })

  it('is not said to have signed in when it was refused', async () => {
    const user = await makeUser()
    const lastLogin = async () =>
      (await test.deps.db.person.findFirst({ where: { subject: user.externalId } }))?.lastLoginAt?.getTime()
    await login(user.externalId)
    const signedInMs = test.clock.nowMs()
    await call('PATCH', `/Users/${user.id}`, patch({ op: 'replace', path: 'active', value: false }))
    test.clock.advance(60_000)
    await expect(login(user.externalId)).rejects.toMatchObject({ code: 'LOGIN_FAILED' })
    expect(await lastLogin()).toBe(signedInMs)
  })
})

describe('groups', () => {
  it('that somebody is taken out of are in nothing that a request under way signs a moment later (THREATS R-6.3)', async () => {
    const user = await makeUser()
    const group = (await call('POST', '/Groups', { displayName: 'night', members: [{ value: user.id }] })).json()
    const { token: bearer } = await login(user.externalId)
    const judged = await findActor(test.deps, 'cli', bearer)
    await call('PATCH', `/Groups/${group.id}`, patch({ op: 'remove', path: 'members', value: [{ value: user.id }] }))
    test.clock.advance(2_000)
    const verified = async (actor: typeof judged) => {
      assert(actor !== null)
      const { token } = await issueToken(test.deps, actor, 'orders', undefined)
      return await verifyToken(token, await currentTrust(test.deps), test.clock.nowMs()).then(
        () => 'good',
        ({ code }: { code: string }) => code,
      )
    }
    expect(await verified(judged)).toBe('TOKEN_REVOKED')
    // The login goes on, and what it is given now is good at once.
    expect(await verified(await findActor(test.deps, 'cli', bearer))).toBe('good')
  })

  const groupsOf = async (person: SignedIn) =>
    (await test.app.inject({ url: '/api/v1/me', headers: person.headers })).json().groups

  it('count by their id in Group documents, with the next request, and what was issued ends with them', async () => {
    const user = await makeUser()
    const person = await makePerson(test, [], 'cli', user.externalId)
    const group = (await call('POST', '/Groups', { displayName: 'DBA', members: [{ value: user.id }] })).json()
    expect(group.members).toMatchObject([{ value: user.id, type: 'User' }])
    const { items } = (await test.app.inject({ url: '/api/v1/provisioned-groups', headers: admin.headers })).json()
    const { claim } = items.find(({ display }: { display: string }) => display === 'DBA')
    const members = [{ issuer: testIssuer, claim }]
    await makeDocuments(test, [
      { apiVersion: 'sallyport.dev/v1', kind: 'Group', metadata: { name: 'dba' }, spec: { members } },
    ])
    expect(await groupsOf(person)).toEqual(['dba'])
    expect((await call('GET', `/Users/${user.id}`)).json().groups).toMatchObject([{ value: group.id, display: 'DBA' }])
    // The name is nothing to go by: another group may have it later.
    await call('PATCH', `/Groups/${group.id}`, patch({ op: 'replace', value: { displayName: 'DBAs' } }))
    expect(await groupsOf(person)).toEqual(['dba'])
    const before = test.published()
    await call('PATCH', `/Groups/${group.id}`, patch({ op: 'Remove', path: 'members', value: [{ value: user.id }] }))
    expect(await groupsOf(person)).toEqual([])
    expect(test.published()).toBe(before + 1)
    const ended = (await readRevocations(test.deps.db, new Date(0))).filter(
      ({ subject }) => subject === user.externalId,
    )
    expect(ended).toHaveLength(1)
    // Logins go on: their groups are worked out with every request.
    expect(await signedIn(person)).toBe(true)
  })

  it.each([
    [
      'add and remove by a filter',
      (id: string) => [
        { op: 'add', path: 'members', value: [{ value: id }] },
        { op: 'remove', path: `members[value eq "${id}"]` },
      ],
    ],
    [
      'replace all',
      (id: string) => [
        { op: 'replace', path: 'members', value: [{ value: id }] },
        { op: 'replace', path: 'members', value: [] },
      ],
    ],
  ])('%s', async (_how, operations) => {
    const user = await makeUser()
    const group = (await call('POST', '/Groups', { displayName: `g${++serial}` })).json()
    const [first, second] = operations(user.id)
    expect((await call('PATCH', `/Groups/${group.id}`, patch(first ?? {}))).json().members).toHaveLength(1)
    expect((await call('PATCH', `/Groups/${group.id}`, patch(second ?? {}))).json().members).toHaveLength(0)
  })

  it('are found by name and member, and a deleted one leaves nobody in it', async () => {
    const user = await makeUser()
    const person = await makePerson(test, [], 'cli', user.externalId)
    const group = (
      await call('POST', '/Groups', { displayName: `Find Me ${++serial}`, members: [{ value: user.id }] })
    ).json()
    const find = async (filter: string) =>
      (await call('GET', `/Groups?filter=${encodeURIComponent(filter)}&excludedAttributes=members`)).json()
    expect((await find(`displayName eq "${group.displayName.toLowerCase()}"`)).Resources[0].members).toBeUndefined()
    expect((await find(`id eq "${group.id}" and members eq "${user.id}"`)).totalResults).toBe(1)
    expect((await call('POST', '/Groups', { displayName: group.displayName })).json()).toMatchObject({
      scimType: 'uniqueness',
    })
    await login(user.externalId)
    const provisioned = async () =>
      (await test.deps.db.person.findUnique({ where: { id: person.personId } }))?.provisioned
    expect(await provisioned()).toEqual([`scim:${group.id}`])
    expect((await call('DELETE', `/Groups/${group.id}`)).statusCode).toBe(204)
    expect(await provisioned()).toEqual([])
  })

  it('of two changes at the same moment lose none', async () => {
    const users = [await makeUser(), await makeUser(), await makeUser()]
    const group = (await call('POST', '/Groups', { displayName: `race${++serial}` })).json()
    await Promise.all(
      users.map(({ id }) =>
        call('PATCH', `/Groups/${group.id}`, patch({ op: 'add', path: 'members', value: [{ value: id }] })),
      ),
    )
    expect((await call('GET', `/Groups/${group.id}`)).json().members).toHaveLength(3)
  })
})
