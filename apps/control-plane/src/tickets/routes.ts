// HTTP of tickets: for everyone their own, for administrators and auditors the list of all.
import { PageQuery } from '@sallyport/api/problem'
import { TicketPage, TicketRequest, TicketResponse } from '@sallyport/api/tickets'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { type Actor, actorOf } from '../http/actor.ts'
import { decodeCursor, encodeCursor, pageOfRows } from '../http/page.ts'
import { type App, at } from '../http/route.ts'
import { pageTickets } from './store.ts'
import { issueTicket, revokeTicket, showTicket } from './tickets.ts'

const Place = z.tuple([z.number().int(), z.string().max(64)])

export function ticketsRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('ticketIssue'),
    schema: { body: TicketRequest, response: { 201: TicketResponse } },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const issued = await issueTicket(deps, actor, request.body)
      const { id, target } = issued.ticket
      deps.metrics.tickets.inc()
      request.log.info({ event: 'ticket-issued', person: actor.personId, target, ticket: id })
      return await reply.code(201).send(issued)
    },
  })
  const list = async (owner: Actor | null, query: z.infer<typeof PageQuery>) => {
    const place = decodeCursor(Place, query.cursor)
    const after = place === null ? null : { at: new Date(place[0]), id: place[1] }
    const rows = await pageTickets(deps.db, owner, after, query.limit + 1)
    const nowMs = deps.clock.nowMs()
    return pageOfRows(
      rows,
      query.limit,
      (row) => showTicket(row, nowMs),
      (last) => encodeCursor([last.createdAt.getTime(), last.id]),
    )
  }
  app.route({
    ...at('myTickets'),
    schema: { querystring: PageQuery, response: { 200: TicketPage } },
    handler: async (request) => await list(actorOf(request), request.query),
  })
  app.route({
    ...at('tickets'),
    schema: { querystring: PageQuery, response: { 200: TicketPage } },
    handler: async (request) => await list(null, request.query),
  })
  app.route({
    ...at('ticketRevoke'),
    schema: { params: z.object({ id: z.string().max(64) }), response: { 204: z.null() } },
    handler: async (request, reply) => {
      await revokeTicket(deps, actorOf(request), request.params.id)
      return await reply.code(204).send(null)
    },
  })
}
