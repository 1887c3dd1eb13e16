// Signing in by SAML against assertions that are signed by a real key, and every forged one that comes to mind.

import { X509Certificate } from 'node:crypto'
import type { SallyportErrorCode } from '@sallyport/base/errors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, openReplica, type TestApp, type TestReplica } from './build.ts'
import { attribute, enveloped, readRequest, type SamlIdp, type SamlRequest, startSamlIdp } from './saml-idp.ts'
import { stopServer } from './stack.ts'

let idp: SamlIdp
let stranger: SamlIdp
let test: TestApp
beforeAll(async () => {
  idp = await startSamlIdp()
  stranger = await startSamlIdp('other')
  test = await buildTestApp({ providers: [idp.provider, stranger.provider] })
})
afterAll(async () => {
  await test.close()
  await stopServer()
})

type Response = Awaited<ReturnType<TestApp['app']['inject']>>
const cookieOf = (response: Response, name: string) => response.cookies.find((cookie) => cookie.name === name)

async function start(provider = 'saml', returnTo = '/approvals/7') {
  const response = await test.app.inject({ url: `/auth/login?provider=${provider}&returnTo=${returnTo}` })
  expect(response.statusCode).toBe(302)
  const cookie = `__Host-sallyport-login=${cookieOf(response, '__Host-sallyport-login')?.value}`
  return {
    location: String(response.headers.location),
    request: readRequest(String(response.headers.location)),
    cookie,
  }
}

const post = async (SAMLResponse: string, provider = 'saml', { app }: Pick<TestApp, 'app'> = test) =>
  await app.inject({
    method: 'POST',
    url: `/auth/saml/${provider}/acs`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ SAMLResponse, RelayState: 'https://evil.test/' }).toString(),
  })

const finish = async (answered: Response, cookie: string, { app }: Pick<TestApp, 'app'> = test) =>
  await app.inject({ url: String(answered.headers.location), headers: cookie === '' ? {} : { cookie } })

const expectRefused = (response: Response, code: SallyportErrorCode = 'LOGIN_FAILED') => {
  expect(response.json()).toMatchObject({ code })
  expect(cookieOf(response, '__Host-sallyport')).toBeUndefined()
}

describe('a browser with SAML', () => {
  it('signs in, comes back to where it wanted to go, and has the groups of the assertion', async () => {
    const { request, cookie, location } = await start()
    expect(location).toMatch(/^https:\/\/saml\.test\/sso\?SAMLRequest=/)
    expect(request.acs).toBe('https://sallyport.test/auth/saml/saml/acs')
    const answered = await post(idp.answer(request))
    expect(answered.statusCode).toBe(303)
    expect(answered.headers.location).toMatch(/^\/auth\/saml\/finish\?code=[\w-]{43}$/)
    const response = await finish(answered, cookie)
    expect(response.statusCode).toBe(302)
    expect(response.headers.location).toBe('/approvals/7')
    const session = cookieOf(response, '__Host-sallyport')
    const me = await test.app.inject({ url: '/api/v1/me', headers: { cookie: `__Host-sallyport=${session?.value}` } })
    expect(me.json()).toMatchObject({ issuer: idp.provider.issuer, subject: 'ana-7', display: 'Ana Example' })
    const person = await test.deps.db.person.findFirst({ where: { subject: 'ana-7' } })
    expect(person?.groupClaims).toEqual(['dba', 'oncall'])
  })

  it('ends when the provider says that its session ends (SAML Core 2.7.2)', async () => {
    const { request, cookie } = await start()
    const at = new Date(Date.now() + 3_600_000).toISOString()
    const response = await finish(await post(idp.answer(request, { session: ` SessionNotOnOrAfter="${at}"` })), cookie)
    expect(cookieOf(response, '__Host-sallyport')?.expires?.toISOString().slice(0, 19)).toBe(at.slice(0, 19))
  })

  it('finds metadata to configure the provider with', async () => {
    const response = await test.app.inject({ url: '/auth/saml/saml/metadata' })
    expect(response.headers['content-type']).toContain('application/samlmetadata+xml')
    expect(response.body).toContain('entityID="https://sallyport.test/auth/saml/saml"')
    expect(response.body).toContain('Location="https://sallyport.test/auth/saml/saml/acs"')
    expect(response.body).toContain('WantAssertionsSigned="true"')
    expect((await test.app.inject({ url: '/auth/saml/none/metadata' })).statusCode).toBe(404)
  })

  it('is offered beside other providers, and a CLI is told that it cannot', async () => {
    const config = (await test.app.inject({ url: '/api/v1/auth/config' })).json()
    expect(config.providers).toMatchObject([{ kind: 'saml', name: 'saml', cliClientId: '' }, { name: 'other' }])
    const payload = { provider: 'saml', idToken: 'x' }
    expectRefused(await test.app.inject({ method: 'POST', url: '/api/v1/auth/cli', payload }), 'REQUEST_INVALID')
  })
})

describe('an assertion is good once, and in the browser that asked (THREATS R-6.3)', () => {
  it('cannot be sent again', async () => {
    const { request, cookie } = await start()
    const answer = idp.answer(request)
    const first = await post(answer)
    expect((await finish(first, cookie)).statusCode).toBe(302)
    expectRefused(await post(answer))
    expectRefused(await finish(first, cookie))
  })

  it('of two at the same moment lets in one', async () => {
    const { request } = await start()
    const statuses = (await Promise.all([post(idp.answer(request)), post(idp.answer(request))])).map(
      (one) => one.statusCode,
    )
    expect(statuses.sort()).toEqual([303, 401])
  })

  it('cannot be finished in another browser, and is used up by trying', async () => {
    const { request, cookie } = await start()
    const other = await start()
    const answered = await post(idp.answer(request))
    expectRefused(await finish(answered, other.cookie))
    expectRefused(await finish(answered, cookie))
  })

  it('answers a request of ours, of this provider, within ten minutes', async () => {
    const { request } = await start()
    expectRefused(await post(idp.answer({ ...request, id: '_never-asked' })))
    const mine = await start('other')
    expectRefused(await post(idp.answer({ ...request, id: mine.request.id })))
    const late = await start()
    test.clock.advance(600_001)
    expectRefused(await post(idp.answer(late.request)))
    test.clock.set(Date.now())
  })
})

describe('two replicas: what was asked for stands in the store, not in a process (THREATS R-6.3)', () => {
  let other: TestReplica
  beforeAll(async () => {
    other = await openReplica(test)
  })
  afterAll(async () => await other.close())

  it('a login that began at one is answered and finished at the other', async () => {
    const { request, cookie } = await start()
    const answered = await post(idp.answer(request), 'saml', other)
    expect(answered.statusCode).toBe(303)
    const response = await finish(answered, cookie)
    expect(response.statusCode).toBe(302)
    const headers = { cookie: `__Host-sallyport=${cookieOf(response, '__Host-sallyport')?.value}` }
    expect((await other.app.inject({ url: '/api/v1/me', headers })).json()).toMatchObject({ subject: 'ana-7' })
  })

  it('an assertion that one has taken is refused by the other, and so is what was finished', async () => {
    const { request, cookie } = await start()
    const answer = idp.answer(request)
    const answered = await post(answer)
    expect(answered.statusCode).toBe(303)
    expectRefused(await post(answer, 'saml', other))
    expect((await finish(answered, cookie, other)).statusCode).toBe(302)
    expectRefused(await finish(answered, cookie))
  })

  it('of both at the same moment one is let in', async () => {
    const { request } = await start()
    const answers = [test, other, test, other].map((at) => post(idp.answer(request), 'saml', at))
    const statuses = (await Promise.all(answers)).map((one) => one.statusCode)
    expect(statuses.sort()).toEqual([303, 401, 401, 401])
  })
})

describe('a forged or stale assertion', () => {
  const attacks: Record<string, (request: SamlRequest) => string> = {
    'without a signature': (request) => idp.xml(request, { sign: 'nothing' }),
    'signed at the response alone': (request) => idp.xml(request, { sign: 'response' }),
    'signed by another provider': (request) => stranger.xml(request, { issuer: idp.provider.issuer }),
    'with another issuer': (request) => idp.xml(request, { issuer: 'https://evil.test/entity' }),
    'for another audience': (request) => idp.xml(request, { audience: 'https://other.test/' }),
    'for an audience that only begins like ours': (request) => idp.xml(request, { audience: `${request.entityId}/x` }),
    'without an audience': (request) => idp.xml(request, { conditions: '<saml:Conditions/>' }),
    'without conditions': (request) => idp.xml(request, { conditions: '' }),
    'for another recipient': (request) => idp.xml(request, { recipient: 'https://other.test/acs' }),
    'confirmed by holder of key': (request) =>
      idp.xml(request, { method: 'urn:oasis:names:tc:SAML:2.0:cm:holder-of-key' }),
    'with two confirmations': (request) => {
      const one = (id: string) =>
        `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData Recipient="${request.acs}" InResponseTo="${id}" NotOnOrAfter="${new Date(Date.now() + 60_000).toISOString()}"/></saml:SubjectConfirmation>`
      return idp.xml(request, { confirmation: one(request.id) + one('_other') })
    },
    'without a confirmation': (request) => idp.xml(request, { confirmation: '' }),
    expired: (request) => idp.xml(request, { issuedAt: new Date(Date.now() - 400_000) }),
    'too old although it says otherwise': (request) =>
      idp.xml(request, { issuedAt: new Date(Date.now() - 700_000), notOnOrAfter: new Date(Date.now() + 600_000) }),
    'of the future': (request) => idp.xml(request, { issuedAt: new Date(Date.now() + 600_000) }),
    'that answers another request inside than outside': (request) => idp.xml(request, { inResponseTo: '_other' }),
    'that answers no request inside': (request) => idp.xml(request, { inResponseTo: '' }),
    'that nobody asked for': (request) => idp.xml(request, { responseTo: '', inResponseTo: '' }),
    'with a transient name': (request) =>
      idp.xml(request, { format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' }),
    'with the groups named twice': (request) =>
      idp.xml(request, { attributes: attribute('groups', 'dba') + attribute('groups', 'admins') }),
    'with groups that are elsewhere (R-6.4)': (request) =>
      idp.xml(request, {
        attributes: attribute('http://schemas.microsoft.com/claims/groups.link', 'https://graph.test'),
      }),
    'with a changed group': (request) => idp.xml(request).replace('>oncall<', '>admins<'),
    'with a changed name': (request) => idp.xml(request).replace('>ana-7<', '>root<'),
    'signed with SHA-1': (request) =>
      idp.xml(request, {
        algorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
        digest: 'http://www.w3.org/2000/09/xmldsig#sha1',
      }),
    'with an algorithm that is spelled with entities': (request) =>
      idp.xml(request).replace('#rsa-sha256', '#rsa-&#115;ha256'),
    'signed with a transform that keeps comments': (request) =>
      idp.xml(request, { transforms: [enveloped, 'http://www.w3.org/2001/10/xml-exc-c14n#WithComments'] }),
    'with a document type': (request) => `<!DOCTYPE r [<!ENTITY x "ana">]>${idp.xml(request)}`,
    'that is no XML': () => 'a login, please',
    'that is empty': () => '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>',
  }
  it.each(Object.keys(attacks))('%s is refused', async (name) => {
    const { request, cookie } = await start()
    const answered = await post(Buffer.from(attacks[name]?.(request) ?? '').toString('base64'))
    expectRefused(answered)
    expect((await finish(answered, cookie)).statusCode).not.toBe(302)
  })

  // "On Breaking SAML: Be Whoever You Want to Be" (USENIX Security 2012): the signed assertion is moved, a forged one stands
  // where it was.
  const forged = (xml: string): { signed: string; evil: string; rest: readonly [string, string] } => {
    const at = xml.indexOf('<saml:Assertion')
    const end = xml.indexOf('</saml:Assertion>') + '</saml:Assertion>'.length
    const signed = xml.slice(at, end)
    const evil = signed
      .replace(/<ds:Signature.*<\/ds:Signature>/s, '')
      .replace('>ana-7<', '>root<')
      .replace(/ID="[^"]+"/, 'ID="_evil"')
    return { signed, evil, rest: [xml.slice(0, at), xml.slice(end)] }
  }
  const withNamespaces = (signed: string): string => signed
  const wrappings: Record<string, (xml: string) => string> = {
    'before the signed one': (xml) => {
      const { signed, evil, rest } = forged(xml)
      return rest[0] + evil + signed + rest[1]
    },
    'after the signed one': (xml) => {
      const { signed, evil, rest } = forged(xml)
      return rest[0] + signed + evil + rest[1]
    },
    'around the signed one': (xml) => {
      const { signed, evil, rest } = forged(xml)
      return rest[0] + evil.replace('</saml:Assertion>', `${withNamespaces(signed)}</saml:Assertion>`) + rest[1]
    },
    'with the signed one in an extension': (xml) => {
      const { signed, evil, rest } = forged(xml)
      return (
        rest[0].replace('<samlp:Status>', `<samlp:Extensions>${signed}</samlp:Extensions><samlp:Status>`) +
        evil +
        rest[1]
      )
    },
    'with the signature moved into it': (xml) => {
      const { signed, evil, rest } = forged(xml)
      const signature = /<ds:Signature.*<\/ds:Signature>/s.exec(signed)?.[0] ?? ''
      const object = signature.replace(
        '</ds:Signature>',
        `<ds:Object>${signed.replace(signature, '')}</ds:Object></ds:Signature>`,
      )
      return rest[0] + evil.replace('</saml:Issuer>', `</saml:Issuer>${object}`) + rest[1]
    },
    'with the same ID': (xml) => {
      const { signed, evil, rest } = forged(xml)
      const id = /ID="([^"]+)"/.exec(signed)?.[1] ?? ''
      return `${rest[0] + evil.replace('_evil', id)}<samlp:Extensions>${signed}</samlp:Extensions>${rest[1]}`
    },
  }
  it.each(Object.keys(wrappings))('wrapped %s is refused', async (name) => {
    const { request } = await start()
    expectRefused(await post(Buffer.from(wrappings[name]?.(idp.xml(request)) ?? '').toString('base64')))
  })

  it('that is cut by a comment names whom it named when it was signed (CVE-2017-11427)', async () => {
    const { request, cookie } = await start()
    const cut = idp.xml(request, { nameId: 'ana-7.evil' }).replace('ana-7.evil', 'ana-7<!-- -->.evil')
    const answered = await post(Buffer.from(cut).toString('base64'))
    if (answered.statusCode === 303) expect((await finish(answered, cookie)).statusCode).toBe(302)
    const rows = await test.deps.db.person.findMany({ where: { subject: { startsWith: 'ana-7' } } })
    // Who "ana-7" is was said by the first test of this file; the cut name is not taken for it.
    const logins = await test.deps.db.login.count({ where: { person: { subject: 'ana-7.evil' } } })
    expect(rows.map((row) => row.subject).sort()).toEqual(logins === 0 ? ['ana-7'] : ['ana-7', 'ana-7.evil'])
  })

  it('leaves nothing of itself in the log', async () => {
    expect(test.logged()).not.toContain('SubjectConfirmation')
    expect(new X509Certificate(idp.provider.certificates[0] ?? '').subject).toBe('CN=saml')
  })
})
