// HTTP of SCIM 2.0 (RFC 7644): what a provider's client calls, and what administrators do about its tokens. Everything that a
// client sees belongs to the provider of its token.

import type { RouteName } from '@sallyport/api/routes'
import { ProvisionedGroups, ScimTokenRequest, ScimTokenResponse, ScimTokens } from '@sallyport/api/scim-admin'
import { assert } from '@sallyport/base/assert'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { actorOf } from '../http/actor.ts'
import { type App, at } from '../http/route.ts'
import {
  countDefault,
  countMax,
  listOf,
  resourceTypes,
  schemas,
  scimBodyBytesMax,
  serviceProviderConfig,
} from './discovery.ts'
import { ScimRefusal, scimType, sendScimError } from './errors.ts'
import { type Comparison, parseFilter } from './filter.ts'
import { changeGroup, createGroup, deleteGroup, provisionedGroups, readGroup } from './groups.ts'
import { PatchInput, showGroup, showUser, versionTag } from './resources.ts'
import { groupAttributes, pageGroups, pageUsers, userAttributes } from './store.ts'
import { createToken, listTokens, revokeToken, type ScimClient, scimBaseUrl } from './tokens.ts'
import { changeUser, createUser, deleteUser, readUser } from './users.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by http/permit.ts on routes of SCIM; null on all others. */
    scim: ScimClient | null
  }
}

const Id = z.object({ id: z.string().max(200) })

export function scimRoutes(app: App, deps: Deps): void {
  adminRoutes(app, deps)
  void app.register(async (scope: App) => {
    scope.setErrorHandler(sendScimError)
    scope.addContentTypeParser(
      [scimType, 'application/json'],
      { parseAs: 'string', bodyLimit: scimBodyBytesMax },
      app.getDefaultJsonParser('error', 'error'),
    )
    scope.addHook('preValidation', async ({ url, body }) => {
      if (/%00/.test(url) || holdsNul(body))
        throw new ScimRefusal(400, 'a text holds the character NUL, which nothing here can', 'invalidValue')
    })
    discoveryRoutes(scope, deps)
    userRoutes(scope, deps)
    groupRoutes(scope, deps)
  })
}

/** A name or a text of a body. PostgreSQL keeps none that has it. */
function holdsNul(body: unknown): boolean {
  let isFound = false
  JSON.stringify(body, (key, value: unknown) => {
    isFound ||= key.includes('\u0000') || (typeof value === 'string' && value.includes('\u0000'))
    return value
  })
  return isFound
}

function adminRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('scimTokens'),
    schema: { response: { 200: ScimTokens } },
    handler: async () => await listTokens(deps),
  })
  app.route({
    ...at('scimTokenCreate'),
    schema: { body: ScimTokenRequest, response: { 201: ScimTokenResponse } },
    handler: async (request, reply) =>
      await reply.code(201).send(await createToken(deps, actorOf(request), request.body)),
  })
  app.route({
    ...at('scimTokenRevoke'),
    schema: { params: Id, response: { 204: z.null() } },
    handler: async (request, reply) => {
      await revokeToken(deps, actorOf(request), request.params.id)
      return await reply.code(204).send(null)
    },
  })
  app.route({
    ...at('provisionedGroups'),
    schema: { response: { 200: ProvisionedGroups } },
    handler: async () => await provisionedGroups(deps),
  })
}

function clientOf(request: FastifyRequest): ScimClient {
  assert(request.scim !== null, 'a handler asked for the client of another route')
  return request.scim
}

/** Without a response schema nothing is cut off: a resource has whatever the provider gave it. */
const scimAt = (name: RouteName) => ({
  ...at(name, { rateLimit: { max: callsPerMinuteMax, timeWindow: 60_000 } }),
  schema: {},
})
/** From one address: a provider that starts with ten thousand users takes a few minutes. */
const callsPerMinuteMax = 6_000

const send = async (reply: FastifyReply, status: number, body: object): Promise<FastifyReply> =>
  await reply
    .code(status)
    .type(scimType)
    .serializer((text: string) => text)
    .send(JSON.stringify(body))

interface Shown {
  readonly meta: { readonly location: string; readonly version: string }
}

const sendResource = async (reply: FastifyReply, status: number, resource: Shown): Promise<FastifyReply> => {
  reply.header('location', resource.meta.location).header('etag', resource.meta.version)
  return await send(reply, status, resource)
}

function discoveryRoutes(scope: App, deps: Deps): void {
  const base = scimBaseUrl(deps.config)
  const one = (found: object | undefined): object => {
    if (found === undefined) throw new ScimRefusal(404, 'there is no such description')
    return found
  }
  scope.route({
    ...scimAt('scimConfig'),
    handler: async (_request, reply) => await send(reply, 200, serviceProviderConfig(base)),
  })
  const lists = [
    ['scimResourceTypes', 'scimResourceType', resourceTypes(base)],
    ['scimSchemas', 'scimSchema', schemas(base)],
  ] as const
  for (const [all, single, known] of lists) {
    scope.route({ ...scimAt(all), handler: async (_request, reply) => await send(reply, 200, listOf(known)) })
    scope.route({
      ...scimAt(single),
      handler: async (request, reply) => {
        const { id } = Id.parse(request.params)
        return await send(reply, 200, one(known.find((item) => item.id === id)))
      },
    })
  }
}

const ListQuery = z.object({
  filter: z.string().optional(),
  startIndex: z.coerce.number().int().catch(1),
  count: z.coerce.number().int().catch(countDefault),
  excludedAttributes: z.string().max(1_000).default(''),
})

/** RFC 7644, 3.4.2.4: an index below 1 is 1, a count below 0 is 0. */
function windowOf(query: unknown, known: ReadonlySet<string>) {
  const { filter, startIndex, count, excludedAttributes } = ListQuery.parse(query)
  const wanted: Comparison[] = filter === undefined || filter === '' ? [] : parseFilter(filter)
  for (const { attribute } of wanted)
    if (!known.has(attribute)) throw new ScimRefusal(400, 'it cannot be asked for by this attribute', 'invalidFilter')
  const start = Math.max(1, startIndex)
  const take = Math.min(Math.max(0, count), countMax)
  const excluded = new Set(excludedAttributes.split(',').map((name) => name.trim().toLowerCase()))
  return { wanted, start, window: { skip: start - 1, take }, excluded }
}

/** What is always returned is not left out (RFC 7643, 7: id, schemas). */
const without = (resource: object, excluded: ReadonlySet<string>): object =>
  Object.fromEntries(
    Object.entries(resource).filter(([key]) => ['id', 'schemas'].includes(key) || !excluded.has(key.toLowerCase())),
  )

function operationsOf(body: unknown) {
  const parsed = PatchInput.safeParse(body)
  if (parsed.success) return { operations: parsed.data.Operations }
  const [issue] = parsed.error.issues
  throw new ScimRefusal(400, `"${issue?.path.join('.')}": ${issue?.message}`, 'invalidSyntax')
}

const seenVersion = (request: FastifyRequest): string | undefined => request.headers['if-match']

function userRoutes(scope: App, deps: Deps): void {
  const base = scimBaseUrl(deps.config)
  scope.route({
    ...scimAt('scimUsers'),
    handler: async (request, reply) => {
      const { wanted, start, window, excluded } = windowOf(request.query, userAttributes)
      const { total, rows } = await pageUsers(deps.db, clientOf(request).provider.name, wanted, window)
      const resources = rows.map((row) => without(showUser(row, base), excluded))
      return await send(reply, 200, listOf(resources, total, start))
    },
  })
  scope.route({
    ...scimAt('scimUserCreate'),
    handler: async (request, reply) =>
      await sendResource(reply, 201, showUser(await createUser(deps, clientOf(request), request.body), base)),
  })
  scope.route({
    ...scimAt('scimUser'),
    handler: async (request, reply) => {
      const row = await readUser(deps, clientOf(request), Id.parse(request.params).id)
      return await sendResource(reply, 200, showUser(row, base))
    },
  })
  for (const [name, changeOf] of [
    ['scimUserReplace', (body: unknown) => ({ input: body })],
    ['scimUserPatch', operationsOf],
  ] as const)
    scope.route({
      ...scimAt(name),
      handler: async (request, reply) => {
        const { id } = Id.parse(request.params)
        const row = await changeUser(deps, clientOf(request), id, changeOf(request.body), seenVersion(request))
        return await sendResource(reply, 200, showUser(row, base))
      },
    })
  scope.route({
    ...scimAt('scimUserDelete'),
    handler: async (request, reply) => {
      await deleteUser(deps, clientOf(request), Id.parse(request.params).id, seenVersion(request))
      return await reply.code(204).send(null)
    },
  })
}

function groupRoutes(scope: App, deps: Deps): void {
  const base = scimBaseUrl(deps.config)
  scope.route({
    ...scimAt('scimGroups'),
    handler: async (request, reply) => {
      const { wanted, start, window, excluded } = windowOf(request.query, groupAttributes)
      const { total, rows } = await pageGroups(deps.db, clientOf(request).provider.name, wanted, window)
      const resources = rows.map((row) => without(showGroup(row, base), excluded))
      return await send(reply, 200, listOf(resources, total, start))
    },
  })
  scope.route({
    ...scimAt('scimGroupCreate'),
    handler: async (request, reply) =>
      await sendResource(reply, 201, showGroup(await createGroup(deps, clientOf(request), request.body), base)),
  })
  scope.route({
    ...scimAt('scimGroup'),
    handler: async (request, reply) => {
      const row = await readGroup(deps, clientOf(request), Id.parse(request.params).id)
      const { excluded } = windowOf(request.query, groupAttributes)
      reply.header('etag', versionTag(row))
      return await send(reply, 200, without(showGroup(row, base), excluded))
    },
  })
  for (const [name, changeOf] of [
    ['scimGroupReplace', (body: unknown) => ({ input: body })],
    ['scimGroupPatch', operationsOf],
  ] as const)
    scope.route({
      ...scimAt(name),
      handler: async (request, reply) => {
        const { id } = Id.parse(request.params)
        const row = await changeGroup(deps, clientOf(request), id, changeOf(request.body), seenVersion(request))
        return await sendResource(reply, 200, showGroup(row, base))
      },
    })
  scope.route({
    ...scimAt('scimGroupDelete'),
    handler: async (request, reply) => {
      await deleteGroup(deps, clientOf(request), Id.parse(request.params).id, seenVersion(request))
      return await reply.code(204).send(null)
    },
  })
}
