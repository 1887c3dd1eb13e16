// Definitions of tools that count: those that somebody has approved in the target's document, or those that this agent saw first. One
// that says something else than before is kept from callers until somebody approves it (THREATS ).
// INVARIANT: where nobody knows what a tool says now, or the file of what was seen cannot be read, the tool is refused.
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { HttpTargetDocument } from '@sallyport/policy/document'
import type { McpServer } from '@sallyport/policy/mcp-target'
import type { JsonObject } from '@sallyport/wire/mcp/message'
import { z } from 'zod'
import { readPrivate, writeDurably } from '../link/files.ts'
import { openApproved } from './approved.ts'
import { definitionText, digestOfText } from './definition.ts'
import { openQuarantine, type QuarantineNews, type Server } from './quarantine.ts'

export interface PinnedServer {
  readonly document: HttpTargetDocument
  readonly server: McpServer
}

export interface McpPins {
  /** Looks at a definition as the server lists it now. False: it is kept from callers. */
  isApproved(where: PinnedServer, definition: JsonObject): boolean
  /** Null: it may be called. */
  refusal(where: PinnedServer, tool: string): SallyportError | null
  /** Is what is known of the server's list so young that calls may be judged by it? */
  isFresh(where: PinnedServer): boolean
  /** The whole list was looked at, of which these are all. */
  listed(where: PinnedServer, tools: ReadonlySet<string>): void
  /** The server says that its list is another one. */
  changed(where: PinnedServer): void
}

const Seen = z.record(z.string(), z.record(z.string(), z.string()))

interface Known {
  /** As each tool was when it was last listed. */
  readonly now: Map<string, string>
  listedMs: number
}

export interface PinsDeps {
  /** Where what was seen first is kept; null: nowhere. */
  readonly path: string | null
  /** Where the definitions that were approved are kept; null: in memory. */
  readonly approvedDirectory: string | null
  readonly clock: Clock
  /** A tool is kept from callers that was not, or not for this. */
  readonly onQuarantine: (target: string, tool: string) => void
  /** All that is kept from callers of one target now. */
  readonly onChange: (news: QuarantineNews) => void
}

/** Throws CONFIG_INVALID for a file that is none of ours. */
export function openPins({ path, approvedDirectory, clock, onQuarantine, onChange }: PinsDeps): McpPins {
  const seen = openSeen(path)
  const approved = openApproved(approvedDirectory)
  const quarantine = openQuarantine({ approvedText: approved.find, onChange })
  const known = new Map<string, Known>()
  const knownOf = (where: PinnedServer): Known => {
    const key = keyOf(where)
    const found = known.get(key) ?? { now: new Map(), listedMs: Number.NEGATIVE_INFINITY }
    known.set(key, found)
    return found
  }
  const pinOf = (where: PinnedServer, tool: string): string | undefined =>
    listedPin(where, tool) ?? (where.server.pinning === 'listed' ? undefined : seen.of(keyOf(where), tool))
  return {
    isApproved(where, definition) {
      const tool = definition.get('name')
      if (typeof tool !== 'string') return false
      const server = serverOf(where)
      if (where.server.pinning === 'off') {
        quarantine.release(server, tool)
        return true
      }
      const text = definitionText(definition)
      const digest = digestOfText(text)
      const { now } = knownOf(where)
      if (now.size >= limits.mcpPinsPerTargetMax && !now.has(tool)) return false
      now.set(tool, digest)
      if (where.server.pinning === 'first-seen' && pinOf(where, tool) === undefined) seen.note(server.key, tool, digest)
      const pin = pinOf(where, tool)
      if (pin === digest) {
        quarantine.release(server, tool)
        approved.keep(server.key, tool, { digest, text })
        return true
      }
      if (quarantine.note(server, { tool, digest, approved: pin ?? null, definition: text }))
        onQuarantine(server.target, tool)
      return false
    },
    refusal(where, tool) {
      if (where.server.pinning === 'off') return null
      const digest = knownOf(where).now.get(tool)
      const pin = pinOf(where, tool)
      if (digest !== undefined && digest === pin) return null
      return quarantined(where.document.metadata.name, tool, digest, pin)
    },
    isFresh: (where) =>
      where.server.pinning === 'off' || clock.nowMs() - knownOf(where).listedMs < limits.mcpListAgeMsMax,
    listed(where, tools) {
      const found = knownOf(where)
      for (const tool of [...found.now.keys()]) if (!tools.has(tool)) found.now.delete(tool)
      quarantine.listed(serverOf(where), tools)
      found.listedMs = clock.nowMs()
    },
    changed(where) {
      knownOf(where).listedMs = Number.NEGATIVE_INFINITY
    },
  }
}

const listedPin = ({ server: { pins } }: PinnedServer, tool: string): string | undefined =>
  Object.hasOwn(pins, tool) ? pins[tool] : undefined

interface SeenFirst {
  of(key: string, tool: string): string | undefined
  /** After the return it is on the disk. */
  note(key: string, tool: string, digest: string): void
}

function openSeen(path: string | null): SeenFirst {
  const seen = read(path)
  return {
    of: (key, tool) => seen.get(key)?.get(tool),
    note(key, tool, digest) {
      const first = seen.get(key) ?? new Map<string, string>()
      if (first.size >= limits.mcpPinsPerTargetMax) return
      first.set(tool, digest)
      seen.set(key, first)
      const stored = [...seen].map(([name, pins]) => [name, Object.fromEntries(pins)] as const)
      if (path !== null) writeDurably(path, JSON.stringify(Object.fromEntries(stored)))
    },
  }
}

/** Another address is another server, whatever its name. */
const keyOf = ({ document }: Pick<PinnedServer, 'document'>): string => `${document.metadata.name} ${document.spec.url}`

const serverOf = ({ document }: PinnedServer): Server => ({
  target: document.metadata.name,
  key: keyOf({ document }),
})

function read(path: string | null): Map<string, Map<string, string>> {
  const bytes = path === null ? undefined : readPrivate(path)
  if (bytes === undefined) return new Map()
  try {
    const stored = Seen.parse(JSON.parse(bytes.toString('utf8')))
    return new Map(Object.entries(stored).map(([key, pins]) => [key, new Map(Object.entries(pins))]))
  } catch (cause) {
    throw new SallyportError('CONFIG_INVALID', `"${path}" holds no definitions of tools`, {
      cause,
      hint: 'restore the file; without it the agent would take whatever servers say now for what they said first',
    })
  }
}

function quarantined(
  target: string,
  tool: string,
  digest: string | undefined,
  pin: string | undefined,
): SallyportError {
  if (digest === undefined)
    return new SallyportError('TOOL_QUARANTINED', `the server of "${target}" lists no tool "${tool}"`, {
      hint: 'ask for the list of tools again',
    })
  const why = pin === undefined ? 'was never approved' : 'is not what it was when it was approved'
  return new SallyportError(
    'TOOL_QUARANTINED',
    `tool "${tool}" of "${target}" ${why}; its definition is now ${digest}`,
    {
      hint: `the owner of the target compares what the tool says now, and approves it as mcp.pins: { ${tool}: "${digest}" }`,
    },
  )
}
