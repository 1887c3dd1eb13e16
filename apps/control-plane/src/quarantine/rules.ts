// What is believed of an agent's report, and what of it is still in quarantine. A text that has not the digest that stands beside it is
// not shown to anybody: people approve a digest by what they read.
import { createHash } from 'node:crypto'
import { ToolName } from '@sallyport/api/quarantine'
import { limits } from '@sallyport/base/limits'
import { type Document, type HttpTargetDocument, isHttpTarget } from '@sallyport/policy/document'
import { McpPin } from '@sallyport/policy/mcp-target'
import type { QuarantineReport } from '@sallyport/proto/gen/sallyport/v1/quarantine_pb'
import { z } from 'zod'

export const StoredTool = z.object({
  tool: ToolName,
  digest: McpPin,
  approved: McpPin.nullable(),
  definition: z.string().max(limits.mcpDefinitionCharsMax).nullable(),
  approvedDefinition: z.string().max(limits.mcpDefinitionCharsMax).nullable(),
  sinceMs: z.number().int(),
})
export type StoredTool = z.infer<typeof StoredTool>

/** The target's document with its MCP server; null: it has none. */
export function mcpTargetOf(document: Document): HttpTargetDocument | null {
  if (document.kind !== 'Target' || !isHttpTarget(document)) return null
  return document.spec.mcp === undefined ? null : document
}

/** The tools of a report, each at most once; null: an agent of ours does not say so. */
export function toolsOf(report: QuarantineReport, nowMs: number): StoredTool[] | null {
  if (report.tools.length > limits.mcpQuarantinedPerTargetMax) return null
  const tools: StoredTool[] = []
  for (const { name, digest, approvedDigest, definition, approvedDefinition } of report.tools) {
    const parsed = StoredTool.safeParse({
      tool: name,
      digest,
      approved: approvedDigest === '' ? null : approvedDigest,
      definition: definition === '' ? null : definition,
      approvedDefinition: approvedDefinition === '' ? null : approvedDefinition,
      sinceMs: nowMs,
    })
    if (!parsed.success || tools.some((one) => one.tool === parsed.data.tool) || !isSound(parsed.data)) return null
    tools.push(parsed.data)
  }
  return tools
}

const isSound = ({ digest, approved, definition, approvedDefinition }: StoredTool): boolean =>
  (definition === null || digestOf(definition) === digest) &&
  (approvedDefinition === null || (approved !== null && digestOf(approvedDefinition) === approved))

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`

/** Since when each says what it says now. */
export function sinceBefore(tools: readonly StoredTool[], before: readonly StoredTool[]): StoredTool[] {
  const known = new Map(before.map((one) => [`${one.tool} ${one.digest}`, one.sinceMs]))
  return tools.map((one) => ({ ...one, sinceMs: known.get(`${one.tool} ${one.digest}`) ?? one.sinceMs }))
}

/** Agents learn of an approval with the next list of the server; people see it at once. */
export function isStillKept(
  { spec }: HttpTargetDocument,
  { tool, digest }: Pick<StoredTool, 'tool' | 'digest'>,
): boolean {
  if (spec.mcp === undefined || spec.mcp.pinning === 'off') return false
  return !Object.hasOwn(spec.mcp.pins, tool) || spec.mcp.pins[tool] !== digest
}
