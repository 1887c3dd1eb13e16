// Who makes a request: a person with a browser's cookie or a CLI's bearer token. A token that is shown and not good is
// refused, never taken for "nobody".

import { assert } from '@sallyport/base/assert'
import { SallyportError } from '@sallyport/base/errors'
import { principalKey } from '@sallyport/base/identity'
import type { RoleName } from '@sallyport/policy/document'
import type { FastifyRequest } from 'fastify'
import type { Deps } from '../deps.ts'
import { type LoginKind, sessionCookieName } from '../signin/rules.ts'
import { findActor } from '../signin/session.ts'

/** A signed-in person, with groups and roles as the documents of this moment give them. */
export interface Actor {
  readonly personId: string
  readonly issuer: string
  readonly subject: string
  readonly display: string
  readonly groups: readonly string[]
  readonly roles: readonly RoleName[]
  /** Of which count of the person's rights the groups are. */
  readonly rights: number
  readonly login: {
    readonly id: string
    readonly kind: LoginKind
    readonly csrfToken: string
    readonly expiresAt: Date
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by http/permit.ts; null on public routes. */
    actor: Actor | null
  }
}

/** The person of a request to a route that is not public. */
export function actorOf(request: FastifyRequest): Actor {
  assert(request.actor !== null, 'a handler asked for the actor of a public route')
  return request.actor
}

/** `issuer subject`: how a person stands in the audit log and beside versions. */
export const actorKey = (actor: Pick<Actor, 'issuer' | 'subject'>): string => principalKey(actor)

interface Shown {
  readonly kind: LoginKind
  readonly token: string
}

/** The bearer token, or else the session cookie. A request with both is judged by the bearer token alone. */
function shownBy(request: FastifyRequest, cookieName: string): Shown | null {
  const header = request.headers.authorization
  if (header !== undefined) {
    const match = /^Bearer ([\w.~+/=-]{1,512})$/i.exec(header)
    if (match?.[1] === undefined)
      throw new SallyportError('LOGIN_REQUIRED', 'the authorization header holds no bearer token of ours', {
        hint: 'run "sallyport login"',
      })
    return { kind: 'cli', token: match[1] }
  }
  const cookie = request.cookies[cookieName]
  return cookie === undefined || cookie === '' ? null : { kind: 'browser', token: cookie }
}

/** Throws LOGIN_REQUIRED unless somebody is signed in. */
export async function authenticate(
  deps: Deps,
  request: FastifyRequest,
): Promise<Actor & { readonly turnsOver: boolean }> {
  const shown = shownBy(request, sessionCookieName(deps.config))
  if (shown === null)
    throw new SallyportError('LOGIN_REQUIRED', 'this needs a signed-in person', {
      hint: 'run "sallyport login", or sign in with the browser',
    })
  const actor = await findActor(deps, shown.kind, shown.token)
  if (actor === null)
    throw new SallyportError('LOGIN_REQUIRED', 'the login has ended or never was', {
      hint: 'run "sallyport login", or sign in with the browser',
    })
  return actor
}
