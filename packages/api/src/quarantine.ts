// Tools of MCP servers that are kept from callers because their definition is not the one that was approved. What definitions say is
// the server's text: nobody may take it for anything but text.
import { limits } from '@sallyport/base/limits'
import { McpPin } from '@sallyport/policy/mcp-target'
import { z } from 'zod'

/** A tool, or a prompt as `prompt:NAME`. */
export const ToolName = z.string().regex(/^(prompt:)?[A-Za-z0-9_.-]{1,64}$/, 'a name of a tool or a prompt')
/** JSON in one line, names in order: what the digest is of. Null: longer than what agents tell, or not kept. */
const Definition = z.string().max(limits.mcpDefinitionCharsMax).nullable()

const Quarantined = z.object({
  target: z.string(),
  tool: z.string(),
  /** Of what the server says now. */
  digest: z.string(),
  /** Of what counts at these agents; null: nobody has approved any. */
  approved: z.string().nullable(),
  since: z.iso.datetime(),
  /** That say so. */
  agents: z.array(z.string()),
})
export type Quarantined = z.infer<typeof Quarantined>

/** GET /api/v1/quarantine: what agents say now, without what the target's document has approved meanwhile. */
export const QuarantineList = z.object({
  items: z.array(Quarantined),
  /** Further ones, which are not named. */
  more: z.number().int(),
})
export type QuarantineList = z.infer<typeof QuarantineList>

/** GET /api/v1/quarantine/:target/:tool: more than one where agents have seen different definitions, none where it is in no quarantine. */
export const QuarantinedTool = z.object({
  target: z.string(),
  tool: z.string(),
  /** Of the target's document: what an approval is a change of. */
  version: z.number().int(),
  definitions: z.array(Quarantined.extend({ definition: Definition, approvedDefinition: Definition })),
})
export type QuarantinedTool = z.infer<typeof QuarantinedTool>

/** POST /api/v1/quarantine/:target/:tool/approve: writes the digest into `mcp.pins` of the target. */
export const ApproveTool = z.strictObject({
  /** That was looked at. CONFLICT when no agent says so any more. */
  digest: McpPin,
  /** Of the document that was looked at; CONFLICT when it is another by now. */
  version: z.number().int().min(1).optional(),
})
export const ToolApproved = z.object({
  target: z.string(),
  tool: z.string(),
  digest: z.string(),
  version: z.number().int(),
})
export type ToolApproved = z.infer<typeof ToolApproved>
