// HTTP of people: one's own logins, and what administrators do about others. Who may call stands in the table of routes.
import { PersonPage, PersonReason } from '@sallyport/api/people'
import { PageQuery } from '@sallyport/api/problem'
import { MyLogins } from '@sallyport/api/signin'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { actorOf } from '../http/actor.ts'
import { type App, at } from '../http/route.ts'
import { endOwnEverything, endOwnLogin, listLogins } from '../signin/logins.ts'
import { disablePerson, enablePerson, endSessionsOf, listPeople } from './people.ts'

const Id = z.object({ id: z.string().max(64) })

export function peopleRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('myLogins'),
    schema: { response: { 200: MyLogins } },
    handler: async (request) => ({ items: await listLogins(deps, actorOf(request)) }),
  })
  app.route({
    ...at('myLoginEnd'),
    schema: { params: Id, response: { 204: z.null() } },
    handler: async (request, reply) => {
      await endOwnLogin(deps, actorOf(request), request.params.id)
      return await reply.code(204).send(null)
    },
  })
  app.route({
    ...at('myLoginsEnd'),
    schema: { response: { 204: z.null() } },
    handler: async (request, reply) => {
      await endOwnEverything(deps, actorOf(request))
      return await reply.code(204).send(null)
    },
  })
  app.route({
    ...at('people'),
    schema: { querystring: PageQuery, response: { 200: PersonPage } },
    handler: async (request) => await listPeople(deps, request.query),
  })
  const verbs = { personEnd: endSessionsOf, personDisable: disablePerson, personEnable: enablePerson } as const
  for (const name of ['personEnd', 'personDisable', 'personEnable'] as const)
    app.route({
      ...at(name),
      schema: { params: Id, body: PersonReason, response: { 204: z.null() } },
      handler: async (request, reply) => {
        await verbs[name](deps, actorOf(request), request.params.id, request.body.reason)
        return await reply.code(204).send(null)
      },
    })
}
