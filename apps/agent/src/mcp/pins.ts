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
import { openQuarantine, type QuarantineNews } from './quarantine.ts'

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

/** A server as pins know it. */
export interface PinServer {
  readonly target: string
  /** Another address is another server, whatever its name. */
  readonly url: string
  readonly pinning: McpServer['pinning']
}

/** What was approved in the target's document; null: nothing was. */
export type ListedPin = string | null

/** A definition as the server lists it now. */
export interface Listed {
  readonly kind: Pinned
  /** As pins name it. */
  readonly name: string
  readonly digest: string
  /** Null: longer than is kept. */
  readonly text: string | null
  readonly pin: ListedPin
}

/** What is known of all servers, kept once for all who serve them. */
export interface PinBook {
  isApproved(server: PinServer, listed: Listed): boolean
  refusal(server: PinServer, name: string, pin: ListedPin): SallyportError | null
  isFresh(server: PinServer, kind: Pinned): boolean
  listed(server: PinServer, names: readonly string[], kind: Pinned): void
  changed(server: PinServer, kind: Pinned): void
}

/** Looks things up in the book by documents and definitions. */
export function pinsIn(book: PinBook): McpPins {
  return {
    isApproved(where, definition, kind = 'tool') {
      const name = pinnedName(kind, definition)
      // Of a tool with the name of a prompt nobody could tell which of the two was approved.
      if (name === null || kindOf(name) !== kind) return false
      const text = definitionText(definition)
      return book.isApproved(serverOf(where), {
        kind,
        name,
        digest: digestOfText(text),
        text: text.length > limits.mcpDefinitionCharsMax ? null : text,
        pin: listedPin(where, name),
      })
    },
    refusal(where, bare, kind = 'tool') {
      if (where.server.pinning === 'off') return null
      const name = nameOf(kind, bare)
      return book.refusal(serverOf(where), name, listedPin(where, name))
    },
    isFresh: (where, kind = 'tool') => where.server.pinning === 'off' || book.isFresh(serverOf(where), kind),
    listed(where, bare, kind = 'tool') {
      book.listed(
        serverOf(where),
        [...bare].map((name) => nameOf(kind, name)),
        kind,
      )
    },
    changed: (where, kind = 'tool') => book.changed(serverOf(where), kind),
  }
}

const serverOf = ({ document, server }: PinnedServer): PinServer => ({
  target: document.metadata.name,
  url: document.spec.url,
  pinning: server.pinning,
})

const listedPin = ({ server: { pins } }: PinnedServer, name: string): ListedPin =>
  Object.hasOwn(pins, name) ? (pins[name] ?? null) : null

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
export function openPinBook({ path, approvedDirectory, clock, onQuarantine, onChange }: PinsDeps): PinBook {
  const seen = openSeen(path)
  const approved = openApproved(approvedDirectory)
  const quarantine = openQuarantine({ approvedText: approved.find, onChange })
  const known = new Map<string, Known>()
  const knownOf = (server: PinServer): Known => knownIn(known, keyOf(server))
  const pinOf = (server: PinServer, name: string, pin: ListedPin): string | undefined =>
    pin ?? (server.pinning === 'listed' ? undefined : seen.of(keyOf(server), name))
  return {
    isApproved(server, { kind, name, digest, text, pin: listedPin }) {
      const key = keyOf(server)
      const kept = { target: server.target, key }
      if (server.pinning === 'off') {
        quarantine.release(kept, name)
        return true
      }
      const { now } = knownOf(server)
      if (now.size >= limits.mcpPinsPerTargetMax && !now.has(name)) return false
      const before = now.get(name)
      now.set(name, digest)
      if (server.pinning === 'first-seen' && pinOf(server, name, listedPin) === undefined) seen.note(key, name, digest)
      const pin = pinOf(server, name, listedPin)
      if (pin === digest) {
        quarantine.release(kept, name)
        if (text !== null) approved.keep(key, name, { digest, text })
        return true
      }
      // Of templates nobody is told but the log.
      const isNews = quarantine.note(kept, { tool: name, digest, approved: pin ?? null, definition: text })
      if (isNews || (kind === 'template' && before !== digest)) onQuarantine(server.target, name, digest)
      return false
    },
    refusal(server, name, listedPin) {
      const digest = knownOf(server).now.get(name)
      const pin = pinOf(server, name, listedPin)
      return digest !== undefined && digest === pin ? null : quarantined(server.target, name, digest, pin)
    },
    isFresh: (server, kind) => clock.nowMs() - (knownOf(server).listedMs.get(kind) ?? never) < limits.mcpListAgeMsMax,
    listed(server, all, kind) {
      const found = knownOf(server)
      const names = new Set(all)
      for (const name of [...found.now.keys()]) if (kindOf(name) === kind && !names.has(name)) found.now.delete(name)
      quarantine.listed({ target: server.target, key: keyOf(server) }, names, (name) => kindOf(name) === kind)
      found.listedMs.set(kind, clock.nowMs())
    },
    changed(server, kind) {
      knownOf(server).listedMs.delete(kind)
    },
  }
}

const never = Number.NEGATIVE_INFINITY

function knownIn(all: Map<string, Known>, key: string): Known {
  const found = all.get(key) ?? { now: new Map(), listedMs: new Map() }
  all.set(key, found)
  return found
}

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

const keyOf = ({ target, url }: PinServer): string => `${target} ${url}`

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
