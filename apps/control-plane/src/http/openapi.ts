// The description of the API, made from the routes themselves: schemas, who may call, and the problem document that
// every route can answer with.

import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { Problem } from '@sallyport/api/problem'
import { type RouteName, routes } from '@sallyport/api/routes'
import type { RouteOptions } from 'fastify'
import { createJsonSchemaTransform } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { problemType } from './errors.ts'

const problemAnswer = {
  description: 'a problem document (RFC 9457)',
  content: { [problemType]: { schema: Problem } },
}

/** What a route that states no answer sends: lines of JSON, as a stream. */
const linesAnswer = {
  description: 'lines of JSON (docs/recording-format.md)',
  content: { 'application/x-ndjson': { schema: z.string() } },
}

const rolesOf = (name: RouteName): string => {
  const access = routes[name].access
  if (access === 'public') return 'for everyone'
  if (access === 'scim') return "for a provider's SCIM client"
  return access === 'session' ? 'for everyone who is signed in' : `for ${access.join(', ')}`
}

const tagOf = (path: string): string => /^\/api\/v1\/([a-z-]+)/.exec(path)?.[1] ?? 'public'

/** Fills in what the table knows about a route. Called by the onRoute hook that checks the table. */
export function describeRoute(route: RouteOptions, name: RouteName): void {
  const isPublic = routes[name].access === 'public'
  const given = route.schema ?? {}
  const response = typeof given.response === 'object' && given.response !== null ? given.response : {}
  route.schema = {
    operationId: name,
    description: rolesOf(name),
    tags: [tagOf(route.url)],
    security: isPublic ? [] : routes[name].access === 'scim' ? [{ scim: [] }] : [{ login: [] }, { session: [] }],
    ...given,
    response: { ...(Object.keys(response).length === 0 ? { 200: linesAnswer } : response), default: problemAnswer },
  }
}

export const openapiOptions = (publicUrl: string, cookieName: string): FastifyDynamicSwaggerOptions => ({
  openapi: {
    openapi: '3.1.0',
    info: { title: 'Sallyport', version: '1', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: publicUrl }],
    components: {
      securitySchemes: {
        login: { type: 'http', scheme: 'bearer', description: 'access token of POST /api/v1/auth/cli' },
        scim: { type: 'http', scheme: 'bearer', description: "token of a provider's SCIM client" },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: cookieName,
          description: 'browser; changes need x-sallyport-csrf',
        },
      },
    },
  },
  transform: createJsonSchemaTransform({ zodToJsonConfig: { target: 'draft-2020-12' } }),
})
