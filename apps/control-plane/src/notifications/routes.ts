// HTTP of webhooks and their deliveries. Who may call stands in the table of routes.
import { PageQuery } from '@sallyport/api/problem'
import { DeliveryPage, WebhookCreated, WebhookPage, WebhookRequest, WebhookRotated } from '@sallyport/api/webhooks'
import { z } from 'zod'
import { actorKey, actorOf } from '../http/actor.ts'
import { decodeCursor, encodeCursor, pageOfRows } from '../http/page.ts'
import { type App, at } from '../http/route.ts'
import { pageDeliveries, pageWebhooks } from './store.ts'
import {
  createWebhook,
  deleteWebhook,
  enableWebhook,
  resendDelivery,
  rotateWebhook,
  showDelivery,
  showWebhooks,
  testWebhook,
  type WebhooksDeps,
  webhookOf,
} from './webhooks.ts'

const Params = z.object({ id: z.string().max(64) })
const NamePlace = z.tuple([z.string().max(200)])
const DeliveryPlace = z.tuple([z.number().int(), z.string().max(64)])
const Nothing = { 204: z.null() }

export function webhooksRoutes(app: App, deps: WebhooksDeps): void {
  listRoutes(app, deps)
  changeRoutes(app, deps)
}

function listRoutes(app: App, deps: WebhooksDeps): void {
  app.route({
    ...at('webhooks'),
    schema: { querystring: PageQuery, response: { 200: WebhookPage } },
    handler: async (request) => {
      const { limit, cursor } = request.query
      const rows = await pageWebhooks(deps.db, decodeCursor(NamePlace, cursor)?.[0] ?? '', limit + 1)
      const { items, next } = pageOfRows(
        rows,
        limit,
        (row) => row,
        (last) => encodeCursor([last.name]),
      )
      return { items: await showWebhooks(deps, items), next }
    },
  })
  app.route({
    ...at('webhookDeliveries'),
    schema: { params: Params, querystring: PageQuery, response: { 200: DeliveryPage } },
    handler: async (request) => {
      const { id } = await webhookOf(deps, request.params.id)
      const { limit, cursor } = request.query
      const place = decodeCursor(DeliveryPlace, cursor)
      const after = place === null ? null : { at: new Date(place[0]), id: place[1] }
      const rows = await pageDeliveries(deps.db, id, after, limit + 1)
      return pageOfRows(rows, limit, showDelivery, (last) => encodeCursor([last.createdAt.getTime(), last.id]))
    },
  })
}

function changeRoutes(app: App, deps: WebhooksDeps): void {
  const changed = (id: string): void => deps.bus.publish({ kind: 'webhook', id })
  app.route({
    ...at('webhookCreate'),
    schema: { body: WebhookRequest, response: { 201: WebhookCreated } },
    handler: async (request, reply) => {
      const created = await createWebhook(deps, actorKey(actorOf(request)), request.body)
      changed(created.webhook.id)
      return await reply.code(201).send(created)
    },
  })
  app.route({
    ...at('webhookRotate'),
    schema: { params: Params, response: { 200: WebhookRotated } },
    handler: async (request) => {
      const rotated = await rotateWebhook(deps, actorKey(actorOf(request)), request.params.id)
      changed(request.params.id)
      return rotated
    },
  })
  const verbs = [
    ['webhookDelete', deleteWebhook],
    ['webhookEnable', enableWebhook],
    ['webhookTest', testWebhook],
  ] as const
  for (const [name, run] of verbs)
    app.route({
      ...at(name),
      schema: { params: Params, response: Nothing },
      handler: async (request, reply) => {
        await run(deps, actorKey(actorOf(request)), request.params.id)
        changed(request.params.id)
        return await reply.code(204).send(null)
      },
    })
  app.route({
    ...at('deliveryResend'),
    schema: { params: Params, response: Nothing },
    handler: async (request, reply) => {
      changed(await resendDelivery(deps, actorKey(actorOf(request)), request.params.id))
      return await reply.code(204).send(null)
    },
  })
}
