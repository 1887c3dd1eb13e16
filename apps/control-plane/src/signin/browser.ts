// What the routes of a browser's login have in common: cookies, where a login comes from, what follows when it has
// succeeded, and how a refusal looks on a page.
import { asSallyportError } from '@sallyport/base/errors'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { acceptsPage } from '../console/rules.ts'
import type { Deps } from '../deps.ts'
import { cookieOptions } from '../http/cookie.ts'
import { sendProblem } from '../http/errors.ts'
import { attemptCookieName, clientCharsMax, sessionCookieName } from './rules.ts'
import type { LoginOrigin } from './session.ts'
import { claimAdministration, setupCookieName } from './setup.ts'

/** Counts a login by its outcome. */
export async function counted<T>(deps: Deps, kind: 'browser' | 'cli', run: () => Promise<T>): Promise<T> {
  try {
    const result = await run()
    deps.metrics.logins.inc({ kind, outcome: 'ok' })
    return result
  } catch (thrown) {
    deps.metrics.logins.inc({ kind, outcome: 'refused' })
    throw thrown
  }
}

/** What a person will know the login by. Never trusted, only shown. */
export const originOf = (request: FastifyRequest): LoginOrigin => ({
  address: request.ip,
  client: (request.headers['user-agent'] ?? '').replace(/[^\x20-\x7e]/g, '').slice(0, clientCharsMax),
})

/** The cookie of a login that has just succeeded, and where its person wanted to go. */
export async function endBrowserLogin(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  run: (from: LoginOrigin) => Promise<{
    readonly token: string
    readonly expiresAt: Date
    readonly returnTo: string
    readonly issuer: string
    readonly subject: string
  }>,
): Promise<FastifyReply> {
  const options = cookieOptions(deps.config)
  const login = await run(originOf(request))
  reply.clearCookie(attemptCookieName(deps.config), options)
  const setup = request.cookies[setupCookieName(deps.config)]
  if (setup !== undefined) {
    reply.clearCookie(setupCookieName(deps.config), options)
    await claimAdministration(deps, setup, login)
  }
  reply.setCookie(sessionCookieName(deps.config), login.token, { ...options, expires: login.expiresAt })
  return await redirect(reply, login.returnTo)
}

/** A person sees what went wrong on the sign-in page, by its code alone; whoever asks for no page gets the problem. */
export function sendSignInError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  if (!acceptsPage(request.headers.accept)) {
    sendProblem(thrown, request, reply)
    return
  }
  const error = asSallyportError(thrown)
  request.log.info({ event: 'sign-in-failed', code: error.code, err: error.cause ?? error })
  reply.redirect(`/sign-in?error=${error.code}`, 302)
}

export const redirect = (reply: FastifyReply, to: string): FastifyReply => reply.redirect(to, 302)
