// Tools in quarantine as people see them, and their approval: the digest that somebody has looked at becomes a pin of the target's
// document, with a version and a line of the audit log as every change has it.
import type { Quarantined, QuarantinedTool, QuarantineList, ToolApproved } from '@sallyport/api/quarantine'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { z } from 'zod'
import type { Db } from '../db.ts'
import type { Deps } from '../deps.ts'
import { applyDocuments } from '../policies/apply.ts'
import { readDocument, readDocuments, type StoredDocument } from '../policies/store.ts'
import { isStillKept, mcpTargetOf, StoredTool } from './rules.ts'
import { readReports } from './store.ts'

type Kept = QuarantinedTool['definitions'][number]

export async function listQuarantine(deps: Pick<Deps, 'db'>): Promise<QuarantineList> {
  const { kept, more } = await keptOf(deps.db, await readDocuments(deps.db, ['Target']), null)
  const items = kept.map(({ definition: _, approvedDefinition: __, ...item }): Quarantined => item)
  const shown = items.slice(0, limits.mcpQuarantineListMax)
  return { items: shown, more: more + items.length - shown.length }
}

/** Without definitions where the tool is in no quarantine. Throws NOT_FOUND where there is no such MCP server. */
export async function showQuarantined(deps: Pick<Deps, 'db'>, name: string, tool: string): Promise<QuarantinedTool> {
  const target = await readDocument(deps.db, 'Target', name)
  if (target === null || mcpTargetOf(target.document) === null)
    throw new SallyportError('NOT_FOUND', 'there is no such MCP server')
  const { kept } = await keptOf(deps.db, [target], name)
  return { target: name, tool, version: target.version, definitions: kept.filter((one) => one.tool === tool) }
}

type ApproveDeps = Parameters<typeof applyDocuments>[0]

/** Throws NOT_FOUND where no agent has the tool in quarantine, and CONFLICT where it says something else by now. */
export async function approveTool(
  deps: ApproveDeps,
  by: string,
  name: string,
  approved: { readonly tool: string; readonly digest: string; readonly version?: number | undefined },
): Promise<ToolApproved> {
  const { tool, digest } = approved
  const { version: seen, definitions } = await showQuarantined(deps, name, tool)
  if (definitions.length === 0)
    throw new SallyportError('NOT_FOUND', 'no agent has this tool in quarantine', {
      hint: 'see: sallyport mcp quarantine list',
    })
  if (!definitions.some((one) => one.digest === digest))
    throw new SallyportError('CONFLICT', `tool "${tool}" of "${name}" says something else by now`, {
      hint: 'look at what it says now, and approve that or nothing',
    })
  const stored = await readDocument(deps.db, 'Target', name)
  const document = stored === null ? null : mcpTargetOf(stored.document)
  const mcp = document?.spec.mcp
  if (document === null || mcp === undefined) throw new SallyportError('NOT_FOUND', 'there is no such MCP server')
  const pins = Object.fromEntries([...Object.entries(mcp.pins), [tool, digest]])
  const changed = { ...document, spec: { ...document.spec, mcp: { ...mcp, pins } } }
  const expect = [{ kind: 'Target' as const, name, version: approved.version ?? seen }]
  const { changes } = await applyDocuments(deps, by, JSON.stringify(changed), { expect, detail: { tool, digest } })
  return { target: name, tool, digest, version: changes[0]?.version ?? seen }
}

interface Gathered extends StoredTool {
  readonly target: string
  readonly agents: readonly string[]
}

/** What agents keep from callers of these targets, alike ones of several agents together. */
async function keptOf(db: Db, targets: readonly StoredDocument[], only: string | null) {
  const documents = new Map(targets.map(({ name, document }) => [name, mcpTargetOf(document)]))
  const gathered = new Map<string, Gathered>()
  let more = 0
  for (const { target, agent, url, tools, more: unnamed } of await readReports(db, only)) {
    const document = documents.get(target) ?? null
    if (document === null || document.spec.url !== url || !document.spec.agents.includes(agent)) continue
    if (document.spec.mcp?.pinning !== 'off') more += unnamed
    for (const one of z.array(StoredTool).safeParse(tools).data ?? []) {
      if (!isStillKept(document, one)) continue
      const key = JSON.stringify([target, one.tool, one.digest, one.approved])
      const found = gathered.get(key)
      gathered.set(key, {
        ...one,
        target,
        agents: [...(found?.agents ?? []), agent],
        approvedDefinition: found?.approvedDefinition ?? one.approvedDefinition,
        sinceMs: Math.min(found?.sinceMs ?? one.sinceMs, one.sinceMs),
      })
    }
  }
  const shown = ({ sinceMs, agents, ...one }: Gathered): Kept => ({
    ...one,
    since: new Date(sinceMs).toISOString(),
    agents: [...agents].sort(),
  })
  return { kept: [...gathered.values()].map(shown), more }
}
