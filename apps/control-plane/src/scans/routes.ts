// HTTP of scans: ask for one, look what came of it.
import { Scan, ScanRequest, ScanStarted } from '@sallyport/api/scans'
import { z } from 'zod'
import { actorOf } from '../http/actor.ts'
import { type App, at } from '../http/route.ts'
import { askScan, type ScanDeps, showScan } from './scans.ts'

export function scansRoutes(app: App, deps: ScanDeps): void {
  app.route({
    ...at('scanCreate'),
    schema: { params: z.object({ name: z.string().max(63) }), body: ScanRequest, response: { 202: ScanStarted } },
    handler: async (request, reply) => {
      const id = await askScan(deps, actorOf(request), request.params.name, request.body.rows)
      return await reply.code(202).send({ id })
    },
  })
  app.route({
    ...at('scan'),
    schema: { params: z.object({ id: z.string().max(64) }), response: { 200: Scan } },
    handler: async (request) => await showScan(deps, request.params.id),
  })
}
