// HTTP of signing in: configuration for clients, the browser's two redirects, the CLI's exchange, logout, and "who am I".
import { AuthConfig, CliLoginRequest, CliLoginResponse, Me } from '@sallyport/api/signin'
import { assert } from '@sallyport/base/assert'
import { asSallyportError } from '@sallyport/base/errors'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Config, isSecure } from '../config.ts'
import { acceptsPage } from '../console/rules.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorOf } from '../http/actor.ts'
import { sendProblem } from '../http/errors.ts'
import { type App, at } from '../http/route.ts'
import { finishLogin, loginWithIdToken, startLogin } from './login.ts'
import { attemptCookieName, attemptMsMax, sessionCookieName } from './rules.ts'
import { findActor } from './session.ts'
import { endLogin } from './store.ts'

const meOf = (actor: Actor): Me => ({
  issuer: actor.issuer,
  subject: actor.subject,
  display: actor.display,
  groups: [...actor.groups],
  roles: [...actor.roles],
  expiresAt: actor.login.expiresAt.toISOString(),
  csrfToken: actor.login.kind === 'browser' ? actor.login.csrfToken : null,
})

/** Lax: the cookie comes along when the provider sends the browser back, and never with another site's POST. */
const cookieOptions = (config: Config) => ({
  path: '/',
  httpOnly: true,
  secure: isSecure(config),
  sameSite: 'lax' as const,
})

const LoginQuery = z.object({ provider: z.string().max(63).optional(), returnTo: z.string().max(2_000).optional() })

/** Counts a login by its outcome. */
async function counted<T>(deps: Deps, kind: 'browser' | 'cli', run: () => Promise<T>): Promise<T> {
  try {
    const result = await run()
    deps.metrics.logins.inc({ kind, outcome: 'ok' })
    return result
  } catch (thrown) {
    deps.metrics.logins.inc({ kind, outcome: 'refused' })
    throw thrown
  }
}

export function signinRoutes(app: App, deps: Deps): void {
  const rateLimit = { max: deps.config.http.loginsPerMinute, timeWindow: 60_000 }
  app.route({
    ...at('authConfig'),
    schema: { response: { 200: AuthConfig } },
    handler: async () => ({
      installation: deps.config.installation,
      providers: deps.config.providers.map(({ name, display, issuer, cliClientId, scopes }) => ({
        name,
        display,
        issuer,
        cliClientId,
        scopes,
      })),
    }),
  })
  browserRoutes(app, deps, rateLimit)
  app.route({
    ...at('cliLogin', { rateLimit }),
    schema: { body: CliLoginRequest, response: { 200: CliLoginResponse } },
    handler: async (request) => {
      const { provider, idToken } = request.body
      const login = await counted(deps, 'cli', () => loginWithIdToken(deps, provider, idToken))
      const actor = await findActor(deps, 'cli', login.token)
      assert(actor !== null, 'a login that was just opened is not found')
      return { accessToken: login.token, expiresAt: login.expiresAt.toISOString(), me: meOf(actor) }
    },
  })
  app.route({
    ...at('me'),
    schema: { response: { 200: Me } },
    handler: async (request) => meOf(actorOf(request)),
  })
  app.route({
    ...at('logout'),
    schema: { response: { 204: z.undefined() } },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      await endLogin(deps.db, actor.login.id, new Date(deps.clock.nowMs()))
      reply.clearCookie(sessionCookieName(deps.config), cookieOptions(deps.config))
      return await reply.code(204).send()
    },
  })
}

function browserRoutes(app: App, deps: Deps, rateLimit: { max: number; timeWindow: number }): void {
  const attemptCookie = attemptCookieName(deps.config)
  app.route({
    ...at('login', { rateLimit }),
    errorHandler: sendSignInError,
    schema: { querystring: LoginQuery, response: { 302: z.undefined() } },
    handler: async (request, reply) => {
      const { provider, returnTo } = request.query
      const started = await startLogin(deps, { provider, returnTo }, request.cookies[attemptCookie])
      const maxAge = attemptMsMax / 1_000
      reply.setCookie(attemptCookie, started.browserSecret, { ...cookieOptions(deps.config), maxAge })
      return await redirect(reply, started.url.href)
    },
  })
  app.route({
    ...at('callback', { rateLimit }),
    errorHandler: sendSignInError,
    schema: { response: { 302: z.undefined() } },
    handler: async (request, reply) => {
      const at = request.url.indexOf('?')
      const search = at === -1 ? '' : request.url.slice(at)
      const login = await counted(deps, 'browser', () => finishLogin(deps, search, request.cookies[attemptCookie]))
      reply.clearCookie(attemptCookie, cookieOptions(deps.config))
      const expires = login.expiresAt
      reply.setCookie(sessionCookieName(deps.config), login.token, { ...cookieOptions(deps.config), expires })
      return await redirect(reply, login.returnTo)
    },
  })
}

/** A person sees what went wrong on the sign-in page, by its code alone; whoever asks for no page gets the problem. */
function sendSignInError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  if (!acceptsPage(request.headers.accept)) {
    sendProblem(thrown, request, reply)
    return
  }
  const error = asSallyportError(thrown)
  request.log.info({ event: 'sign-in-failed', code: error.code, err: error.cause ?? error })
  reply.redirect(`/sign-in?error=${error.code}`, 302)
}

const redirect = (reply: FastifyReply, to: string): FastifyReply => reply.redirect(to, 302)
