// HTTP of what happens now: the event stream, and ending a session. The stream carries ids; whoever wants to see more asks
// for it under their own rights.
import { LiveEvent } from '@sallyport/api/live'
import { KillRequest } from '@sallyport/api/recordings'
import { SallyportError } from '@sallyport/base/errors'
import { isId } from '@sallyport/base/ids'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { actorOf } from '../http/actor.ts'
import { type App, at } from '../http/route.ts'
import { killSession } from './kill.ts'
import { createStreams } from './streams.ts'

export type LiveDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'bus' | 'log' | 'config'>

const eventStream = 'text/event-stream'

export function liveRoutes(app: App, deps: LiveDeps): void {
  const streams = createStreams(deps)
  // Before the server waits for open requests: these never end by themselves.
  app.addHook('preClose', async () => streams.stop())
  app.route({
    ...at('live'),
    schema: { response: { 200: { description: 'changes, by id', content: { [eventStream]: { schema: LiveEvent } } } } },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      streams.admit(actor)
      reply.hijack()
      // Proxies that gather an answer before they pass it on would make it useless: nginx's switch is X-Accel-Buffering.
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value)
      reply.raw.setHeader('content-type', eventStream)
      reply.raw.setHeader('cache-control', 'no-store, no-transform')
      reply.raw.setHeader('x-accel-buffering', 'no')
      reply.raw.writeHead(200)
      reply.raw.flushHeaders()
      streams.add(actor, reply.raw)
    },
  })
  app.route({
    ...at('sessionKill'),
    schema: { params: z.object({ id: z.string().max(64) }), body: KillRequest, response: { 202: z.object({}) } },
    handler: async (request, reply) => {
      const { id } = request.params
      if (!isId(id)) throw new SallyportError('NOT_FOUND', 'there is no session with this id')
      await killSession(deps, actorOf(request), id, request.body.reason)
      return await reply.code(202).send({})
    },
  })
}
