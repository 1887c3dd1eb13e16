// HTTP of signing in: configuration for clients, the browser's two redirects, the CLI's exchange, logout, and "who am I".
import { AuthConfig, CliLoginRequest, CliLoginResponse, LogoutResponse, Me } from '@sallyport/api/signin'
import { assert } from '@sallyport/base/assert'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { actorOf } from '../http/actor.ts'
import { cookieOptions } from '../http/cookie.ts'
import { type App, at } from '../http/route.ts'
import { counted, endBrowserLogin, originOf, redirect, sendSignInError } from './browser.ts'
import { deviceRoutes } from './device-routes.ts'
import { finishLogin, loginWithIdToken, startLogin } from './login.ts'
import { providerLogoutUrl } from './logins.ts'
import { meOf } from './me.ts'
import { attemptCookieName, attemptMsMax, sessionCookieName } from './rules.ts'
import { samlRoutes } from './saml-routes.ts'
import { findActor } from './session.ts'
import { checkSetupCode, setupCookieName } from './setup.ts'
import { endLogin } from './store.ts'

const LoginQuery = z.object({ provider: z.string().max(63).optional(), returnTo: z.string().max(2_000).optional() })

export function signinRoutes(app: App, deps: Deps): void {
  const rateLimit = { max: deps.config.http.loginsPerMinute, timeWindow: 60_000 }
  app.route({
    ...at('authConfig'),
    schema: { response: { 200: AuthConfig } },
    handler: async () => ({
      installation: deps.config.installation,
      deviceLogin: true,
      providers: deps.config.providers.map((provider) => {
        const { kind, name, display, issuer } = provider
        const isOidc = provider.kind === 'oidc'
        // SAML has no device flow; without a client there is nothing for a CLI to start at the provider.
        const cli = isOidc
          ? { cliClientId: provider.cliClientId, scopes: provider.scopes }
          : { cliClientId: '', scopes: '' }
        return { kind, name, display, issuer, ...cli }
      }),
    }),
  })
  browserRoutes(app, deps, rateLimit)
  deviceRoutes(app, deps, rateLimit)
  app.route({
    ...at('cliLogin', { rateLimit }),
    schema: { body: CliLoginRequest, response: { 200: CliLoginResponse } },
    handler: async (request) => {
      const { provider, idToken } = request.body
      const login = await counted(deps, 'cli', () => loginWithIdToken(deps, provider, idToken, originOf(request)))
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
    schema: { response: { 200: LogoutResponse } },
    handler: async (request, reply) => {
      const { login } = actorOf(request)
      const endSession = login.kind === 'browser' ? await providerLogoutUrl(deps, login.id) : null
      await endLogin(deps.db, login.id, new Date(deps.clock.nowMs()))
      reply.clearCookie(sessionCookieName(deps.config), cookieOptions(deps.config))
      return { endSession }
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
  for (const name of ['callback', 'providerCallback'] as const)
    app.route({
      ...at(name, { rateLimit }),
      errorHandler: sendSignInError,
      schema: { response: { 302: z.undefined() } },
      handler: async (request, reply) => {
        const [path = '', ...query] = request.url.split('?')
        const search = query.length === 0 ? '' : `?${query.join('?')}`
        return await endBrowserLogin(deps, request, reply, (from) =>
          counted(deps, 'browser', () => finishLogin(deps, { path, search }, request.cookies[attemptCookie], from)),
        )
      },
    })
  app.route({
    ...at('setup', { rateLimit }),
    errorHandler: sendSignInError,
    schema: { querystring: z.object({ code: z.string().min(1).max(100) }), response: { 302: z.undefined() } },
    handler: async (request, reply) => {
      const { code } = request.query
      await checkSetupCode(deps, code)
      const maxAge = attemptMsMax / 1_000
      reply.setCookie(setupCookieName(deps.config), code, { ...cookieOptions(deps.config), maxAge })
      return await redirect(reply, '/sign-in')
    },
  })
  samlRoutes(app, deps, rateLimit)
}
