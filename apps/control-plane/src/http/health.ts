// Whether the process lives and can do its work, the public half of the token key, and the description of the API.
import { SallyportError } from '@sallyport/base/errors'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { jwksOf } from '../identities/tokens.ts'
import { type App, at } from './route.ts'
import { isStoreReady } from './store.ts'

const Ok = z.object({ status: z.literal('ok') })
const Jwks = z.object({ keys: z.array(z.looseObject({ kid: z.string() })) })

export function healthRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('health'),
    schema: { response: { 200: Ok } },
    handler: async () => ({ status: 'ok' as const }),
  })
  app.route({
    ...at('ready'),
    schema: { response: { 200: Ok } },
    handler: async () => {
      if (await isStoreReady(deps.db)) return { status: 'ok' as const }
      throw new SallyportError('STORE_UNREACHABLE', 'the store cannot be reached; try again in a moment')
    },
  })
  app.route({
    ...at('jwks'),
    schema: { response: { 200: Jwks } },
    handler: async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=300')
      return { keys: jwksOf(deps.tokenKey).keys.map((key) => ({ ...key, kid: deps.tokenKey.keyId })) }
    },
  })
  app.route({
    ...at('openapi'),
    schema: { response: { 200: z.looseObject({ openapi: z.string() }) } },
    handler: async () => ({ ...app.swagger(), openapi: '3.1.0' }),
  })
}
