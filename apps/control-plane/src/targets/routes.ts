// HTTP for people who want to reach a target: which are open to me, and a token for one of them.
import { MySchema, MySchemaQuery, MyTargets } from '@sallyport/api/resources'
import { TokenRequest, TokenResponse } from '@sallyport/api/signin'
import { isHttpTarget, type TargetDocument } from '@sallyport/policy/document'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { actorOf } from '../http/actor.ts'
import { type App, at } from '../http/route.ts'
import { issueToken } from '../identities/tokens.ts'
import { connectionOf, openTarget, openTargets, reachableAt } from './open.ts'
import { checkedRole, defaultUser, roleNames } from './rules.ts'
import { mySchema } from './schema.ts'

const TargetParams = z.object({ name: z.string().max(64) })

/** Requests go below it. */
const httpUrl = ({ host, port }: { readonly host: string; readonly port: number }, target: string): string =>
  `https://${host.includes(':') ? `[${host}]` : host}:${port}/${target}`

const isMcp = (target: TargetDocument): boolean => isHttpTarget(target) && target.spec.mcp !== undefined

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
        mcp: isMcp(target),
        roles: roleNames(target),
        connection: await connectionOf(deps, target),
      }))
      return { items: await Promise.all(items) }
    },
  })
  app.route({
    ...at('mySchema'),
    schema: { params: TargetParams, querystring: MySchemaQuery, response: { 200: MySchema } },
    handler: async (request) => await mySchema(deps, actorOf(request), request.params.name, request.query.match),
  })
  app.route({
    ...at('token'),
    schema: { body: TokenRequest, response: { 200: TokenResponse } },
    handler: async (request) => {
      const actor = actorOf(request)
      const target = await openTarget(deps, actor, request.body.target)
      const role = checkedRole(target, request.body.role)
      const address = await reachableAt(deps, target)
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
          url: isHttpTarget(target) ? httpUrl(address, target.metadata.name) : null,
          mcp: isMcp(target),
        },
      }
    },
  })
}
