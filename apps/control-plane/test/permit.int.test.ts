// Every route against every role and nobody at all, generated from the table and from what is really registered
// (THREATS ).
import { pages, type RouteName, routes } from '@sallyport/api/routes'
import { errorDocsUrl } from '@sallyport/base/errors'
import { type RoleName, roleNames } from '@sallyport/policy/document'
import type { RouteOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkRegistered } from '../src/http/route.ts'
import { buildTestApp, type TestApp } from './build.ts'
import { makeDocuments, makeRole, roleDocuments, type SignedIn } from './make.ts'
import { stopServer } from './stack.ts'

let test: TestApp
const people = new Map<RoleName, SignedIn>()
const browsers = new Map<RoleName, SignedIn>()
beforeAll(async () => {
  test = await buildTestApp({ logLevel: 'silent' })
  await makeDocuments(test, roleDocuments)
  for (const role of roleNames) {
    people.set(role, await makeRole(test, role))
    browsers.set(role, await makeRole(test, role, 'browser'))
  }
})
afterAll(async () => {
  await test.close()
  await stopServer()
})

const names = Object.keys(routes) as RouteName[]
const urlOf = (name: RouteName): string => routes[name].path.replace(':kind', 'targets').replace(/:\w+/g, 'nothing')

const call = async (name: RouteName, headers: Record<string, string>) =>
  await test.app.inject({ method: routes[name].method, url: urlOf(name), headers })

/** The status of a route whose answer does not end by itself. */
async function streamStatus(name: RouteName, headers: Record<string, string>): Promise<number> {
  const response = await test.app.inject({
    method: routes[name].method,
    url: urlOf(name),
    headers,
    payloadAsStream: true,
  })
  response.stream().destroy()
  return response.statusCode
}

/** The door's own refusal; null when the request got past it, whatever came of it then. */
async function refusalOf(name: RouteName, headers: Record<string, string>): Promise<string | null> {
  if (name === 'live') return (await streamStatus(name, headers)) === 200 ? null : 'REFUSED'
  const response = await call(name, headers)
  if (response.statusCode === 404 && String(response.json().detail).startsWith('there is nothing')) return 'NO_ROUTE'
  const isProblem = String(response.headers['content-type']).includes('problem')
  const code = isProblem ? String(response.json().code) : ''
  return ['LOGIN_REQUIRED', 'ROLE_MISSING', 'CSRF_MISMATCH'].includes(code) ? code : null
}

/** Routes of SCIM take no person at all; their refusals are SCIM's own (scim.int.test.ts). */
const isScim = (name: RouteName): boolean => routes[name].access === 'scim'

const permitted = (name: RouteName, role: RoleName): boolean => {
  const access = routes[name].access
  return typeof access === 'string' || (access as readonly RoleName[]).includes(role)
}

describe('what is registered', () => {
  it('is the table of routes, no more and no less', () => {
    const registered = names.filter((name) =>
      test.app.hasRoute({ method: routes[name].method, url: routes[name].path }),
    )
    expect(registered).toEqual(names)
    // Every leaf of the router's own tree stands in the table: printRoutes shows what the table cannot hide.
    const tree = test.app.printRoutes({ commonPrefix: false })
    const leaves = [...tree.matchAll(/(\/\S*|\*) \((.*?)\)/g)].flatMap((match) =>
      String(match[2])
        .split(', ')
        .map((method) => `${method} ${match[1]}`),
    )
    expect(leaves.length).toBe(names.length + Object.keys(pages).length)
  })

  it.each([
    ['has no name', { method: 'GET', url: '/api/v1/secret-door' }],
    ['has a name of another path', { method: 'GET', url: '/api/v1/secret-door', config: { name: 'me' } }],
    ['has a name of another method', { method: 'DELETE', url: '/api/v1/me', config: { name: 'me' } }],
  ])('refuses to start when a route %s', (_why, route) => {
    expect(() => checkRegistered(route as unknown as RouteOptions)).toThrow(/table|row/)
  })

  it('refuses a route that is added to the application without a row', async () => {
    const { default: fastify } = await import('fastify')
    const bare = fastify() as unknown as TestApp['app']
    const { registerPermit } = await import('../src/http/permit.ts')
    registerPermit(bare, test.deps)
    expect(() => bare.get('/api/v1/secret-door', async () => 'open')).toThrow(/no row/)
    await bare.close()
  })
})

describe('nobody', () => {
  it.each(names.filter((name) => routes[name].access !== 'public' && !isScim(name)))(
    'is not let in to %s',
    async (name) => {
      for (const headers of [{}, { authorization: 'Bearer nonsense' }, { cookie: '__Host-sallyport=nonsense' }]) {
        const response = await call(name, headers as Record<string, string>)
        expect(response.statusCode).toBe(401)
        expect(response.headers['content-type']).toContain('application/problem+json')
        expect(response.json()).toMatchObject({ code: 'LOGIN_REQUIRED', type: errorDocsUrl('LOGIN_REQUIRED') })
      }
    },
  )

  it.each(names.filter(isScim))('and no person either is let in to %s', async (name) => {
    for (const headers of [{}, ...[...people.values()].map((person) => person.headers)]) {
      const response = await call(name, headers as Record<string, string>)
      expect(response.statusCode).toBe(401)
      expect(response.json()).toMatchObject({ status: '401', schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'] })
    }
  })

  it.each(names.filter((name) => routes[name].access === 'public'))('may ask for %s', async (name) => {
    expect(await refusalOf(name, {})).toBeNull()
  })
})

describe.each([...roleNames])('a person with the role %s alone', (role) => {
  it.each(names.filter((name) => !permitted(name, role)))('is refused at %s', async (name) => {
    const response = await call(name, people.get(role)!.headers)
    expect(response.statusCode).toBe(403)
    expect(response.json()).toMatchObject({ code: 'ROLE_MISSING', type: errorDocsUrl('ROLE_MISSING') })
  })

  it.each(names.filter((name) => permitted(name, role) && !isScim(name) && name !== 'logout'))(
    'gets past the door of %s',
    async (name) => {
      expect(await refusalOf(name, people.get(role)!.headers)).toBeNull()
    },
  )
})

describe('a change with the cookie of a browser, from another page', () => {
  const changes = names.filter(
    (name) => routes[name].method !== 'GET' && routes[name].access !== 'public' && !isScim(name),
  )

  it.each(changes)('is refused at %s', async (name) => {
    const { headers, csrfToken } = browsers.get(roleNames.find((role) => permitted(name, role))!)!
    const without = (left: string) => Object.fromEntries(Object.entries(headers).filter(([header]) => header !== left))
    for (const wrong of [
      without('x-sallyport-csrf'),
      without('origin'),
      { ...headers, 'x-sallyport-csrf': `${csrfToken.slice(1)}x` },
      { ...headers, origin: 'https://elsewhere.example' },
    ]) {
      const response = await call(name, wrong)
      expect(response.statusCode).toBe(403)
      expect(response.json()).toMatchObject({ code: 'CSRF_MISMATCH', type: errorDocsUrl('CSRF_MISMATCH') })
    }
  })
})
