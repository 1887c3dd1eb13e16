// Every route is registered under its name in packages/api/src/routes.ts. The table says who may call it; a route that is
// not in the table, or differs from its row, stops the start of the process.
import { type PageName, pages, type RouteName, routes } from '@sallyport/api/routes'
import { assert } from '@sallyport/base/assert'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
  RouteOptions,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Row of the table of routes, or of the table of pages beside it. */
    name?: RouteName | PageName
  }
}

/** The application as features see it: schemas are zod, bodies are typed by them. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** Requests a minute from one address to one route. */
export interface RateLimit {
  readonly max: number
  readonly timeWindow: number
}

/**
 * The row of the table as route options: `app.route({ ...at('apply'), schema, handler })`.
 * `rateLimit` caps the calls of one address.
 */
export const at = (name: RouteName, options: { readonly rateLimit?: RateLimit } = {}) => ({
  method: routes[name].method,
  url: routes[name].path,
  config: { name, ...(options.rateLimit === undefined ? {} : { rateLimit: options.rateLimit }) },
})

/** The row of a page beside the API. */
export const atPage = (name: PageName) => ({ method: pages[name].method, url: pages[name].path, config: { name } })

export const isPage = (name: RouteName | PageName): name is PageName => Object.hasOwn(pages, name)

/** Throws unless the route is a row of the table. Called by an onRoute hook, so it runs before the process listens. */
export function checkRegistered(route: RouteOptions): RouteName | PageName {
  const name = route.config?.name
  assert(name !== undefined, `route ${String(route.method)} ${route.url} has no row in packages/api/src/routes.ts`)
  const row = isPage(name) ? pages[name] : routes[name]
  assert(row.method === route.method && row.path === route.url, `route "${name}" differs from its row in the table`)
  return name
}
