// Service accounts: keys that are shown once, exchanged for tokens of minutes, rotated without a gap, and whose end ends what was
// made with them (THREATS ); and revocations of principals and tokens by administrators.
import { limits } from '@sallyport/base/limits'
import { verifyToken } from '@sallyport/identity/verify'
import { apiVersion } from '@sallyport/policy/document'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { currentTrust } from '../src/identities/trust.ts'
import { buildTestApp, type TestApp } from './build.ts'
import {
  groupDocument,
  makeAgent,
  makeDocuments,
  makePerson,
  type SignedIn,
  targetDocument,
  testIssuer,
} from './make.ts'
import { stopServer } from './stack.ts'

let test: TestApp
let admin: SignedIn
const publicUrl = 'https://sallyport.test'

beforeAll(async () => {
  test = await buildTestApp()
  await makeDocuments(test, [
    groupDocument('admins', 'admins'),
    { apiVersion, kind: 'Role', metadata: { name: 'admins' }, spec: { role: 'admin', groups: ['admins'] } },
    {
      apiVersion,
      kind: 'Group',
      metadata: { name: 'batch' },
      spec: { members: [{ issuer: publicUrl, subject: 'service-account:nightly' }] },
    },
    targetDocument('orders'),
    {
      apiVersion,
      kind: 'Policy',
      metadata: { name: 'orders' },
      spec: {
        targets: { names: ['orders'] },
        rules: [{ name: 'all', effect: 'allow', callers: { groups: ['batch'] } }],
      },
    },
  ])
  await makeAgent(test, 'eu-1', 'eu-1.example.com:6432')
  admin = await makePerson(test, ['admins'])
})
afterAll(async () => {
  await test.close()
  await stopServer()
})

const post = async (url: string, payload: object = {}) =>
  await test.app.inject({ method: 'POST', url, headers: admin.headers, payload })
const account = async (name: string) => await post('/api/v1/service-accounts', { name })
const newKey = async (name: string, days = 30): Promise<{ id: string; secret: string }> =>
  (await post(`/api/v1/service-accounts/${name}/keys`, { days })).json()
async function ask(client_id: string, client_secret: string, audience = 'orders') {
  const form = { grant_type: 'client_credentials', client_id, client_secret, audience }
  const response = await test.app.inject({
    method: 'POST',
    url: '/oauth2/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(form).toString(),
  })
  return response.json()
}
const verified = async (token: string) => await verifyToken(token, await currentTrust(test.deps), test.clock.nowMs())
const codeOf = async (token: string): Promise<string> =>
  await verified(token).then(
    () => 'good',
    ({ code }) => code,
  )

describe('a service account', () => {
  it('gets tokens of minutes for its key, and is called a standing credential wherever it is named', async () => {
    expect((await account('nightly')).json()).toMatchObject({
      name: 'nightly',
      subject: 'service-account:nightly',
      credential: 'standing',
      keys: [],
    })
    const { secret, id } = await newKey('nightly')
    const answer = await ask('nightly', secret)
    expect(answer.expires_in).toBe(limits.workloadTokenSeconds)
    expect(await verified(answer.access_token)).toMatchObject({
      principal: {
        kind: 'workload',
        issuer: publicUrl,
        subject: 'service-account:nightly',
        groups: ['batch'],
        display: 'nightly (standing key)',
        claims: { credential: 'standing-key', key: id },
      },
      target: 'orders',
    })
    const listed = await test.app.inject({ method: 'GET', url: '/api/v1/service-accounts', headers: admin.headers })
    expect(listed.json().items[0]).toMatchObject({ credential: 'standing', keys: [{ id, state: 'live' }] })
    expect(listed.json().items[0].keys[0].lastUsedAt).not.toBeNull()
    const random = secret.slice(-43)
    expect(listed.body + test.logged() + JSON.stringify(await test.deps.db.adminAction.findMany())).not.toContain(
      random,
    )
    expect(JSON.stringify(await test.deps.db.serviceAccountKey.findMany())).not.toContain(random)
    expect((await account('nightly')).json().code).toBe('CONFLICT')
  })

  it('R-6.2: is not opened by another key, another name, another form of the key', async () => {
    await account('other')
    const { secret, id } = await newKey('other')
    const wrong = [
      ['other', secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A')],
      ['nightly', secret],
      ['nobody', secret],
      ['other', `spk_${id}_`],
      ['other', `${secret}x`],
      ['other', 'hunter2'],
      ['other', 'constructor'],
    ] as const
    for (const [name, shown] of wrong)
      expect(await ask(name, shown), shown).toMatchObject({ error: 'invalid_request', code: 'TOKEN_INVALID' })
    // Right, but no rule names it; and a target that is not there is answered the same.
    expect(await ask('other', secret)).toMatchObject({ error: 'invalid_target', code: 'TARGET_UNKNOWN' })
    expect(await ask('other', secret, 'nothing')).toMatchObject({ error: 'invalid_target', code: 'TARGET_UNKNOWN' })
  })

  it('rotates: a second key beside the first, no third, and what the first has made ends with it', async () => {
    const [first] = (
      await test.app.inject({ method: 'GET', url: '/api/v1/service-accounts', headers: admin.headers })
    ).json().items[0].keys
    const second = await newKey('nightly')
    const before = (await ask('nightly', second.secret)).access_token
    expect((await post('/api/v1/service-accounts/nightly/keys')).json().code).toBe('CONFLICT')
    const third = (await post(`/api/v1/service-accounts/nightly/keys/${second.id}/revoke`)).statusCode
    expect(third).toBe(204)
    expect([await codeOf(before), (await ask('nightly', second.secret)).code]).toEqual([
      'TOKEN_REVOKED',
      'TOKEN_REVOKED',
    ])
    expect(first.state).toBe('live')
    const replacement = await newKey('nightly', 1)
    expect(await codeOf((await ask('nightly', replacement.secret)).access_token)).toBe('good')
    test.clock.advance(86_400_000)
    // Logins end earlier than keys.
    admin = await makePerson(test, ['admins'])
    expect((await ask('nightly', replacement.secret)).code).toBe('TOKEN_EXPIRED')
  })

  it('that is disabled is over for good, with all its keys and tokens', async () => {
    const { secret } = await newKey('nightly')
    const token = (await ask('nightly', secret)).access_token
    expect(await codeOf(token)).toBe('good')
    const published = test.published()
    expect((await post('/api/v1/service-accounts/nightly/disable')).statusCode).toBe(204)
    expect(test.published()).toBe(published + 1)
    expect([await codeOf(token), (await ask('nightly', secret)).code]).toEqual(['TOKEN_REVOKED', 'TOKEN_REVOKED'])
    expect((await post('/api/v1/service-accounts/nightly/keys')).json().code).toBe('CONFLICT')
    expect((await post('/api/v1/service-accounts/nobody/disable')).statusCode).toBe(404)
  })
})

describe('a revocation', () => {
  it('of a person ends tokens and logins that were made until now, and is listed and audited', async () => {
    const person = await makePerson(test, ['admins'])
    const me = async () =>
      (await test.app.inject({ method: 'GET', url: '/api/v1/me', headers: person.headers })).statusCode
    expect(await me()).toBe(200)
    const { subject } = await test.deps.db.person.findUniqueOrThrow({ where: { id: person.personId } })
    const published = test.published()
    const made = await post('/api/v1/revocations', { issuer: testIssuer, subject, reason: 'left' })
    expect([made.statusCode, test.published()]).toEqual([204, published + 1])
    expect(await me()).toBe(401)
    const { revocations } = await currentTrust(test.deps)
    expect(revocations).toContainEqual(expect.objectContaining({ issuer: testIssuer, subject }))
    const listed = await test.app.inject({ method: 'GET', url: '/api/v1/revocations', headers: admin.headers })
    expect(listed.json().items).toContainEqual(expect.objectContaining({ subject, reason: 'left' }))
    const actions = await test.deps.db.adminAction.findMany({ where: { action: 'end-sessions' } })
    expect(actions.map(({ object }) => object)).toEqual([`Person/${testIssuer} ${subject}`])
  })

  it('of a token is by its id; one that names nobody is refused', async () => {
    expect((await post('/api/v1/revocations', { jti: 'j-1', issuer: 'https://ci.test' })).statusCode).toBe(204)
    for (const payload of [{}, { issuer: testIssuer }, { subject: 'ann' }, { jti: '' }])
      expect((await post('/api/v1/revocations', payload)).statusCode).toBe(400)
  })
})
