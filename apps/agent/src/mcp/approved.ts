// The definition of each tool that was approved last, as text, so that people can compare it with what the tool says now. Nothing is
// decided by it: what counts are the digests of pins.ts.
// INVARIANT: a text that is found has the digest that was asked for, whatever has become of its file.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { limits } from '@sallyport/base/limits'
import { readPrivate, writeDurably } from '../link/files.ts'
import { digestOfText } from './definition.ts'

export interface ApprovedDefinitions {
  /** Kept if there is room for it; it takes the place of the tool's one of before. */
  keep(server: string, tool: string, definition: { readonly digest: string; readonly text: string }): void
  /** Null: not kept, or not this one. */
  find(server: string, tool: string, digest: string): string | null
}

/** `directory` null: in memory. */
export function openApproved(directory: string | null): ApprovedDefinitions {
  const files = directory === null ? memory() : folder(directory)
  const perServer = new Map<string, number>()
  /** What this process knows to be there, by name of file. */
  const digests = new Map<string, string>()
  for (const name of files.names) {
    digests.set(name, '')
    perServer.set(serverIn(name), (perServer.get(serverIn(name)) ?? 0) + 1)
  }
  return {
    keep(server, tool, { digest, text }) {
      const name = fileOf(server, tool)
      const known = digests.get(name)
      if (known === digest || text.length > limits.mcpDefinitionCharsMax) return
      const count = perServer.get(serverIn(name)) ?? 0
      if (known === undefined && count >= limits.mcpDefinitionsPerTargetMax) return
      if (!files.write(name, text)) return
      digests.set(name, digest)
      if (known === undefined) perServer.set(serverIn(name), count + 1)
    },
    find(server, tool, digest) {
      const text = files.read(fileOf(server, tool))
      return text !== null && digestOfText(text) === digest ? text : null
    },
  }
}

const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32)
const fileOf = (server: string, tool: string): string => `${short(server)}-${short(tool)}.json`
const serverIn = (name: string): string => name.slice(0, 32)

interface Files {
  readonly names: readonly string[]
  /** False: it could not be written. People then compare by what they know; no call is refused for it. */
  write(name: string, text: string): boolean
  read(name: string): string | null
}

const memory = (): Files => {
  const texts = new Map<string, string>()
  return {
    names: [],
    write: (name, text) => texts.set(name, text) === texts,
    read: (name) => texts.get(name) ?? null,
  }
}

function folder(directory: string): Files {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return {
    names: readdirSync(directory).filter((name) => /^[0-9a-f]{32}-[0-9a-f]{32}\.json$/.test(name)),
    write: (name, text) => attempt(() => writeDurably(join(directory, name), text)) !== undefined,
    read: (name) => attempt(() => readPrivate(join(directory, name))?.toString('utf8') ?? null) ?? null,
  }
}

function attempt<T>(run: () => T): T | null | undefined {
  try {
    return run() ?? null
  } catch {
    return undefined
  }
}
