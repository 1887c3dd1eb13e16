// HTTP of the quarantine: what is in it, one tool with both of its definitions, and its approval.
import { ApproveTool, QuarantinedTool, QuarantineList, ToolApproved, ToolName } from '@sallyport/api/quarantine'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { actorKey, actorOf } from '../http/actor.ts'
import { type App, at } from '../http/route.ts'
import { approveTool, listQuarantine, showQuarantined } from './quarantine.ts'

const ToolParams = z.object({ target: z.string().max(63), tool: ToolName })

export function quarantineRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('quarantine'),
    schema: { response: { 200: QuarantineList } },
    handler: async () => await listQuarantine(deps),
  })
  app.route({
    ...at('quarantinedTool'),
    schema: { params: ToolParams, response: { 200: QuarantinedTool } },
    handler: async ({ params: { target, tool } }) => await showQuarantined(deps, target, tool),
  })
  app.route({
    ...at('quarantineApprove'),
    schema: { params: ToolParams, body: ApproveTool, response: { 200: ToolApproved } },
    handler: async (request) => {
      const { target, tool } = request.params
      return await approveTool(deps, actorKey(actorOf(request)), target, { tool, ...request.body })
    },
  })
}
