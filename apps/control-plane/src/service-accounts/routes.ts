// HTTP of service accounts and of revocations: for administrators; auditors may look.
import { PageQuery } from '@sallyport/api/problem'
import {
  NewRevocation,
  NewServiceAccount,
  NewServiceKey,
  NewServiceKeyResponse,
  RevocationPage,
  ServiceAccount,
  ServiceAccountList,
} from '@sallyport/api/workloads'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { actorOf } from '../http/actor.ts'
import { decodeCursor, encodeCursor, pageOfRows } from '../http/page.ts'
import { type App, at } from '../http/route.ts'
import { pageRevocations } from '../identities/revocation-store.ts'
import { revoke } from '../identities/revocations.ts'
import { addKey, createAccount, disableAccount, revokeKey, showAccount } from './service-accounts.ts'
import { listAccounts } from './store.ts'

const Named = z.object({ name: z.string().max(63) })
const KeyNamed = Named.extend({ id: z.string().max(64) })
const Place = z.tuple([z.number().int(), z.string().max(64)])

export function serviceAccountsRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('serviceAccounts'),
    schema: { response: { 200: ServiceAccountList } },
    handler: async () => ({ items: (await listAccounts(deps.db)).map((row) => showAccount(deps, row)) }),
  })
  app.route({
    ...at('serviceAccountCreate'),
    schema: { body: NewServiceAccount, response: { 201: ServiceAccount } },
    handler: async (request, reply) => {
      const { name, description } = request.body
      return await reply.code(201).send(await createAccount(deps, actorOf(request), name, description))
    },
  })
  app.route({
    ...at('serviceAccountDisable'),
    schema: { params: Named, response: { 204: z.null() } },
    handler: async (request, reply) => {
      await disableAccount(deps, actorOf(request), request.params.name)
      return await reply.code(204).send(null)
    },
  })
  app.route({
    ...at('serviceAccountKeyCreate'),
    schema: { params: Named, body: NewServiceKey, response: { 201: NewServiceKeyResponse } },
    handler: async (request, reply) => {
      const made = await addKey(deps, actorOf(request), request.params.name, request.body.days)
      return await reply.code(201).send(made)
    },
  })
  app.route({
    ...at('serviceAccountKeyRevoke'),
    schema: { params: KeyNamed, response: { 204: z.null() } },
    handler: async (request, reply) => {
      await revokeKey(deps, actorOf(request), request.params.name, request.params.id)
      return await reply.code(204).send(null)
    },
  })
}

/** What an administrator ends, and what was ended. */
export function revocationsRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('revocations'),
    schema: { querystring: PageQuery, response: { 200: RevocationPage } },
    handler: async ({ query }) => {
      const place = decodeCursor(Place, query.cursor)
      const after = place === null ? null : { at: new Date(place[0]), id: place[1] }
      const rows = await pageRevocations(deps.db, after, query.limit + 1)
      return pageOfRows(
        rows,
        query.limit,
        ({ id, issuer, subject, jti, at: when, by, reason }) => ({
          id,
          issuer,
          subject,
          jti,
          at: when.toISOString(),
          by,
          reason,
        }),
        (last) => encodeCursor([last.at.getTime(), last.id]),
      )
    },
  })
  app.route({
    ...at('revoke'),
    schema: { body: NewRevocation, response: { 204: z.null() } },
    handler: async (request, reply) => {
      await revoke(deps, actorOf(request), request.body)
      return await reply.code(204).send(null)
    },
  })
}
