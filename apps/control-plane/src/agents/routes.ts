// HTTP for those who run agents: the list, join tokens, revocation. Who may call stands in the table of routes.

import { PageQuery } from '@sallyport/api/problem'
import { AgentPage, AgentRevokeRequest, JoinTokenRequest, JoinTokenResponse } from '@sallyport/api/resources'
import { SallyportError } from '@sallyport/base/errors'
import { isId } from '@sallyport/base/ids'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { actorKey, actorOf } from '../http/actor.ts'
import { decodeCursor } from '../http/page.ts'
import { type App, at } from '../http/route.ts'
import { createJoinToken, listAgents, revoke } from './agents.ts'
import { keyHashOf } from './ca.ts'

export interface AgentsRoutesDeps
  extends Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'config' | 'authorityPem' | 'publish'> {
  /** Cuts the links of a revoked agent in this process; other processes notice by themselves. */
  readonly agentRevoked: (agentId: string) => void
}

const Place = z.tuple([z.string().max(200)])

export function agentsRoutes(app: App, deps: AgentsRoutesDeps): void {
  app.route({
    ...at('agents'),
    schema: { querystring: PageQuery, response: { 200: AgentPage } },
    handler: async (request) => {
      const place = decodeCursor(Place, request.query.cursor)
      return await listAgents(deps, place?.[0] ?? '', request.query.limit)
    },
  })
  app.route({
    ...at('joinToken'),
    schema: { body: JoinTokenRequest, response: { 201: JoinTokenResponse } },
    handler: async (request, reply) => {
      const issuing = { ...deps, address: deps.config.grpc.advertise, caKeyHash: keyHashOf(deps.authorityPem) }
      const token = await createJoinToken(issuing, actorKey(actorOf(request)), request.body)
      return await reply.code(201).send(token)
    },
  })
  app.route({
    ...at('agentRevoke'),
    schema: {
      params: z.object({ id: z.string().max(64) }),
      body: AgentRevokeRequest.nullish(),
      response: { 204: z.null() },
    },
    handler: async (request, reply) => {
      const { id } = request.params
      if (!isId(id)) throw new SallyportError('NOT_FOUND', 'there is no agent with this id')
      await revoke(deps, actorKey(actorOf(request)), id, request.body?.reason ?? null)
      deps.agentRevoked(id)
      return await reply.code(204).send(null)
    },
  })
}
