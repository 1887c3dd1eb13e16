// Who somebody is, as the API says it to themselves.
import type { Me } from '@sallyport/api/signin'
import type { Actor } from '../http/actor.ts'

export const meOf = (actor: Actor): Me => ({
  issuer: actor.issuer,
  subject: actor.subject,
  display: actor.display,
  groups: [...actor.groups],
  roles: [...actor.roles],
  expiresAt: actor.login.expiresAt.toISOString(),
  login: actor.login.kind,
  csrfToken: actor.login.kind === 'browser' ? actor.login.csrfToken : null,
})
