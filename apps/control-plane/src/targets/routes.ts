// HTTP for people who want to reach a target: which are open to me, and a token for one of them.
import { MyTargets } from '@sallyport/api/resources'
import { TokenRequest, TokenResponse } from '@sallyport/api/signin'
import { SallyportError } from '@sallyport/base/errors'
import { isPostgresTarget, type TargetDocument } from '@sallyport/policy/document'
import type { Deps } from '../deps.ts'
import { actorOf } from '../http/actor.ts'
import { type App, at } from '../http/route.ts'
import { issueToken } from '../identities/tokens.ts'
import { connectionOf, openTarget, openTargets } from './open.ts'

/** As `user` of a connection: the target's default role. */
const defaultUser = 'sallyport'

function checkedRole(target: TargetDocument, role: string | undefined): string | undefined {
  if (role === undefined || role === defaultUser) return undefined
  const names = roleNames(target)
  if (names.includes(role)) return role
  const known = names.length === 0 ? 'it has none' : `it has ${names.map((name) => `"${name}"`).join(', ')}`
  throw new SallyportError('UPSTREAM_ROLE_FORBIDDEN', `"${target.metadata.name}" has no such role; ${known}`)
}

const roleNames = (target: TargetDocument): string[] =>
  isPostgresTarget(target) ? target.spec.roles.map((role) => role.name) : []

export function targetRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('myTargets'),
    schema: { response: { 200: MyTargets } },
    handler: async (request) => {
      const targets = await openTargets(deps, actorOf(request))
      const items = targets.map(async (target) => ({
        name: target.metadata.name,
        description: target.metadata.description ?? '',
        labels: target.metadata.labels ?? {},
        protocol: target.spec.protocol,
        roles: roleNames(target),
        connection: await connectionOf(deps, target),
      }))
      return { items: await Promise.all(items) }
    },
  })
  app.route({
    ...at('token'),
    schema: { body: TokenRequest, response: { 200: TokenResponse } },
    handler: async (request) => {
      const actor = actorOf(request)
      const target = await openTarget(deps, actor, request.body.target)
      const role = checkedRole(target, request.body.role)
      const address = await connectionOf(deps, target)
      if (address === null)
        throw new SallyportError(
          'AGENT_NOT_ENROLLED',
          `no agent that serves "${target.metadata.name}" has joined yet`,
          {
            hint: 'an administrator makes a join token and starts the agent with it',
          },
        )
      const { token, jti, expiresAt } = await issueToken(deps, actor, target.metadata.name, role)
      deps.metrics.tokens.inc()
      request.log.info({ event: 'target-token', person: actor.personId, target: target.metadata.name, jti })
      return {
        token,
        expiresAt: expiresAt.toISOString(),
        connection: {
          ...address,
          database: target.metadata.name,
          user: role ?? defaultUser,
          ca: deps.authorityPem,
        },
      }
    },
  })
}
