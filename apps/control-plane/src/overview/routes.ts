// HTTP of the first page.
import { Overview } from '@sallyport/api/live'
import { actorOf } from '../http/actor.ts'
import { type App, at } from '../http/route.ts'
import { type OverviewDeps, overviewOf } from './overview.ts'

export function overviewRoutes(app: App, deps: OverviewDeps): void {
  app.route({
    ...at('overview'),
    schema: { response: { 200: Overview } },
    handler: async (request) => await overviewOf(deps, actorOf(request)),
  })
}
