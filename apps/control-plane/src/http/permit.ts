// The one place where a request is let through to a route: it reads the table of routes, authenticates, compares roles,
// and for changes made with a cookie demands the CSRF token and our own origin.
import { timingSafeEqual } from 'node:crypto'
import { type RouteName, routes } from '@sallyport/api/routes'
import { SallyportError } from '@sallyport/base/errors'
import type { RoleName } from '@sallyport/policy/document'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Deps } from '../deps.ts'
import { authenticateScim } from '../scim/tokens.ts'
import { sessionCookieName } from '../signin/rules.ts'
import { turnOver } from '../signin/session.ts'
import { type Actor, authenticate } from './actor.ts'
import { cookieOptions } from './cookie.ts'
import { describeRoute } from './openapi.ts'
import { type App, checkRegistered, isPage } from './route.ts'

export const csrfHeader = 'x-sallyport-csrf'

const isSame = (shown: string, expected: string): boolean => {
  const left = Buffer.from(shown)
  const right = Buffer.from(expected)
  return left.length === right.length && timingSafeEqual(left, right)
}

/** Cookies travel with requests that other sites make: a change needs what only our own page has (THREATS ). */
function checkOwnPage(request: FastifyRequest, actor: Actor, publicUrl: string): void {
  if (actor.login.kind !== 'browser' || request.method === 'GET') return
  const token = request.headers[csrfHeader]
  if (typeof token !== 'string' || !isSame(token, actor.login.csrfToken))
    throw new SallyportError(
      'CSRF_MISMATCH',
      `a change needs the header "${csrfHeader}" with the token of this login`,
      {
        hint: 'read "csrfToken" from /api/v1/me',
      },
    )
  if (request.headers.origin !== new URL(publicUrl).origin)
    throw new SallyportError('CSRF_MISMATCH', 'a change must come from our own page: the origin is absent or another')
}

function checkRoles(name: RouteName, actor: Actor): void {
  const access = routes[name].access
  if (access === 'session' || access === 'public' || access === 'scim') return
  const needed: readonly RoleName[] = access
  if (actor.roles.some((role) => needed.includes(role))) return
  const names = needed.map((role) => `"${role}"`).join(' or ')
  throw new SallyportError('ROLE_MISSING', `this needs the role ${names}`, {
    hint: 'an administrator gives roles to groups with a Role document',
  })
}

/** Must be called before any route is registered. */
export function registerPermit(app: App, deps: Deps): void {
  app.decorateRequest('actor', null)
  app.decorateRequest('scim', null)
  app.addHook('onRoute', (route) => {
    const name = checkRegistered(route)
    if (!isPage(name)) describeRoute(route, name)
  })
  app.addHook('onRequest', async (request, reply) => {
    const name = request.routeOptions.config.name
    // Without a route there is only the answer "not found"; pages are for everyone.
    if (name === undefined || isPage(name) || routes[name].access === 'public') return
    if (routes[name].access === 'scim') {
      request.scim = await authenticateScim(deps, request)
      return
    }
    const { turnsOver, ...actor } = await authenticate(deps, request)
    checkOwnPage(request, actor, deps.config.publicUrl)
    checkRoles(name, actor)
    request.actor = actor
    if (turnsOver && !endsLogin.has(name)) await giveNextToken(deps, actor, reply)
  })
}

/** A stream writes its head by itself, and a login that is ended needs no other token. */
const endsLogin: ReadonlySet<RouteName> = new Set(['live', 'logout'])

async function giveNextToken(deps: Deps, actor: Actor, reply: FastifyReply): Promise<void> {
  const token = await turnOver(deps, actor.login.id)
  if (token === null) return
  const options = { ...cookieOptions(deps.config), expires: actor.login.expiresAt }
  reply.setCookie(sessionCookieName(deps.config), token, options)
}
