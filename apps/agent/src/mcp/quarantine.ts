// Which tools of which servers are kept from callers now, and what they say of themselves: told upward, so that people see it without
// a caller who complains. What a server can make of it is bounded; nothing is decided here.
import { limits } from '@sallyport/base/limits'
import { isMcpDefinitionName } from '@sallyport/policy/mcp-objects'

export interface QuarantinedTool {
  readonly tool: string
  readonly digest: string
  /** Null: nobody has approved any. */
  readonly approved: string | null
  /** Null: longer than what is told. */
  readonly definition: string | null
  /** Null: not kept. */
  readonly approvedDefinition: string | null
}

export interface QuarantineNews {
  readonly target: string
  readonly tools: readonly QuarantinedTool[]
  /** Further ones, which are not named. */
  readonly more: number
}

export interface Server {
  readonly target: string
  /** Another address is another server. */
  readonly key: string
}

export interface Quarantine {
  /** True: this is news. */
  note(server: Server, tool: Omit<QuarantinedTool, 'approvedDefinition'>): boolean
  release(server: Server, tool: string): void
  /** These are all that the server has of those that `isListed` says would be among them. */
  listed(server: Server, tools: ReadonlySet<string>, isListed: (tool: string) => boolean): void
}

interface Kept {
  readonly key: string
  readonly tools: Map<string, QuarantinedTool>
  readonly more: Set<string>
}

export interface QuarantineDeps {
  readonly approvedText: (server: string, tool: string, digest: string) => string | null
  readonly onChange: (news: QuarantineNews) => void
}

export function openQuarantine({ approvedText, onChange }: QuarantineDeps): Quarantine {
  const servers = new Map<string, Kept>()
  const tell = (target: string, { tools, more }: Kept): void =>
    onChange({ target, tools: [...tools.values()], more: more.size })
  const keptOf = ({ target, key }: Server): Kept => {
    const found = servers.get(target)
    if (found?.key === key) return found
    const kept: Kept = { key, tools: new Map(), more: new Set() }
    servers.set(target, kept)
    if (found !== undefined && found.tools.size > 0) tell(target, kept)
    return kept
  }
  return {
    note(server, one) {
      // Other names do not exist here, or nobody is told of them.
      if (!isMcpDefinitionName(one.tool)) return false
      const kept = keptOf(server)
      const before = kept.tools.get(one.tool)
      if (before?.digest === one.digest && before.approved === one.approved) return false
      if (before === undefined && kept.tools.size >= limits.mcpQuarantinedPerTargetMax) {
        if (kept.more.has(one.tool)) return false
        kept.more.add(one.tool)
      } else {
        kept.more.delete(one.tool)
        const isLong = one.definition !== null && one.definition.length > limits.mcpDefinitionCharsMax
        kept.tools.set(one.tool, {
          ...one,
          definition: isLong ? null : one.definition,
          approvedDefinition: one.approved === null ? null : approvedText(server.key, one.tool, one.approved),
        })
      }
      tell(server.target, kept)
      return true
    },
    release(server, tool) {
      const kept = keptOf(server)
      if (kept.tools.delete(tool) || kept.more.delete(tool)) tell(server.target, kept)
    },
    listed(server, tools, isListed) {
      const kept = keptOf(server)
      const gone = [...kept.tools.keys(), ...kept.more].filter((tool) => isListed(tool) && !tools.has(tool))
      for (const tool of gone) if (!kept.tools.delete(tool)) kept.more.delete(tool)
      if (gone.length > 0) tell(server.target, kept)
    },
  }
}
