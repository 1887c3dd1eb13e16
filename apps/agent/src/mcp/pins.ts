// Definitions that count, of tools, prompts and templates of resources: those that somebody has approved in the target's document, or
// those that this agent saw first. One that says something else than before is kept from callers until somebody approves it
// (THREATS ).
// INVARIANT: where nobody knows what a tool or prompt says now, or the file of what was seen cannot be read, it is refused.
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { HttpTargetDocument } from '@sallyport/policy/document'
import { promptPrefix } from '@sallyport/policy/mcp-objects'
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

/** What servers list. Resources themselves are contents, which come and go: they are policed when they are read. */
export type Pinned = 'tool' | 'prompt' | 'template'

/** As pins, the record and people name it. Null: it has no name. */
export function pinnedName(kind: Pinned, definition: JsonObject): string | null {
  const name = definition.get(kind === 'template' ? 'uriTemplate' : 'name')
  return typeof name === 'string' ? nameOf(kind, name) : null
}

const nameOf = (kind: Pinned, name: string): string =>
  kind === 'tool' ? name : `${kind === 'prompt' ? promptPrefix : templatePrefix}${name}`
const templatePrefix = 'template:'

const kindOf = (name: string): Pinned =>
  name.startsWith(promptPrefix) ? 'prompt' : name.startsWith(templatePrefix) ? 'template' : 'tool'

export interface McpPins {
  /** Looks at a definition as the server lists it now. False: it is kept from callers. */
  isApproved(where: PinnedServer, definition: JsonObject, kind?: Pinned): boolean
  /** Null: it may be called, or asked for. */
  refusal(where: PinnedServer, name: string, kind?: Pinned): SallyportError | null
  /** Is what is known of the server's list so young that calls may be judged by it? */
  isFresh(where: PinnedServer, kind?: Pinned): boolean
  /** The whole list was looked at, of which these are all, by their names alone. */
  listed(where: PinnedServer, names: ReadonlySet<string>, kind?: Pinned): void
  /** The server says that its list is another one. */
  changed(where: PinnedServer, kind?: Pinned): void
}

const Seen = z.record(z.string(), z.record(z.string(), z.string()))

interface Known {
  /** As each was when it was last listed. */
  readonly now: Map<string, string>
  readonly listedMs: Map<Pinned, number>
}

export interface PinsDeps {
  /** Where what was seen first is kept; null: nowhere. */
  readonly path: string | null
  /** Where the definitions that were approved are kept; null: in memory. */
  readonly approvedDirectory: string | null
  readonly clock: Clock
  /** A tool is kept from callers that was not, or not for this. */
  readonly onQuarantine: (target: string, tool: string, digest: string) => void
  /** All that is kept from callers of one target now. */
  readonly onChange: (news: QuarantineNews) => void
}

/** Throws CONFIG_INVALID for a file that is none of ours. */
export function openPins({ path, approvedDirectory, clock, onQuarantine, onChange }: PinsDeps): McpPins {
  const seen = openSeen(path)
  const approved = openApproved(approvedDirectory)
  const quarantine = openQuarantine({ approvedText: approved.find, onChange })
  const known = new Map<string, Known>()
  const knownOf = (where: PinnedServer): Known => knownIn(known, keyOf(where))
  const pinOf = (where: PinnedServer, tool: string): string | undefined =>
    listedPin(where, tool) ?? (where.server.pinning === 'listed' ? undefined : seen.of(keyOf(where), tool))
  return {
    isApproved(where, definition, kind = 'tool') {
      const tool = pinnedName(kind, definition)
      // Of a tool with the name of a prompt nobody could tell which of the two was approved.
      if (tool === null || kindOf(tool) !== kind) return false
      const server = serverOf(where)
      if (where.server.pinning === 'off') {
        quarantine.release(server, tool)
        return true
      }
      const text = definitionText(definition)
      const digest = digestOfText(text)
      const { now } = knownOf(where)
      if (now.size >= limits.mcpPinsPerTargetMax && !now.has(tool)) return false
      const before = now.get(tool)
      now.set(tool, digest)
      if (where.server.pinning === 'first-seen' && pinOf(where, tool) === undefined) seen.note(server.key, tool, digest)
      const pin = pinOf(where, tool)
      if (pin === digest) {
        quarantine.release(server, tool)
        approved.keep(server.key, tool, { digest, text })
        return true
      }
      // Of templates nobody is told but the log.
      const isNews = quarantine.note(server, { tool, digest, approved: pin ?? null, definition: text })
      if (isNews || (kind === 'template' && before !== digest)) onQuarantine(server.target, tool, digest)
      return false
    },
    refusal(where, name, kind = 'tool') {
      if (where.server.pinning === 'off') return null
      const tool = nameOf(kind, name)
      const digest = knownOf(where).now.get(tool)
      const pin = pinOf(where, tool)
      if (digest !== undefined && digest === pin) return null
      return quarantined(where.document.metadata.name, tool, digest, pin)
    },
    isFresh: (where, kind = 'tool') =>
      where.server.pinning === 'off' ||
      clock.nowMs() - (knownOf(where).listedMs.get(kind) ?? never) < limits.mcpListAgeMsMax,
    listed(where, bare, kind = 'tool') {
      const found = knownOf(where)
      const names = new Set([...bare].map((name) => nameOf(kind, name)))
      for (const name of [...found.now.keys()]) if (kindOf(name) === kind && !names.has(name)) found.now.delete(name)
      quarantine.listed(serverOf(where), names, (name) => kindOf(name) === kind)
      found.listedMs.set(kind, clock.nowMs())
    },
    changed(where, kind = 'tool') {
      knownOf(where).listedMs.delete(kind)
    },
  }
}

const never = Number.NEGATIVE_INFINITY

function knownIn(all: Map<string, Known>, key: string): Known {
  const found = all.get(key) ?? { now: new Map(), listedMs: new Map() }
  all.set(key, found)
  return found
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
    return new SallyportError('TOOL_QUARANTINED', `the server of "${target}" lists no ${shownAs(tool)}`, {
      hint: `ask for the list of ${kindOf(tool)}s again`,
    })
  const why = pin === undefined ? 'was never approved' : 'is not what it was when it was approved'
  return new SallyportError(
    'TOOL_QUARANTINED',
    `${shownAs(tool)} of "${target}" ${why}; its definition is now ${digest}`,
    {
      hint: `the owner of the target compares what it says now, and approves it as mcp.pins: { ${tool}: "${digest}" }`,
    },
  )
}

/** In words: the kind, and the name without its prefix. */
const shownAs = (name: string): string => `${kindOf(name)} "${name.slice(nameOf(kindOf(name), '').length)}"`
