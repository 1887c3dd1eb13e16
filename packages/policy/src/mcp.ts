// What a message of the Model Context Protocol does, as the facts that rules look at: a tool that is called, a resource that is
// read, a prompt that is asked for. The same `decide` as for SQL judges it; conditions read the rest as `mcp`.
import type { Effect, StatementFacts } from '@sallyport/sql/facts'
import { factsOfEffects } from './facts-of-effects.ts'

export const mcpKinds = ['tool', 'resource', 'prompt'] as const
export type McpKind = (typeof mcpKinds)[number]

/** What a message is about. */
export interface McpSubject {
  readonly kind: McpKind
  /** Of the tool or prompt; of a resource its URI, as it is sent. */
  readonly name: string
}

export interface McpFacts {
  readonly method: string
  /** Null: it is about nothing that has a name, as a list or a ping. */
  readonly subject: McpSubject | null
  readonly arguments: McpArguments
}

/** `unread`: it is asked which tools somebody may call at all; a condition on arguments fails then. */
export type McpArguments =
  | { readonly kind: 'unread' }
  /** Objects as maps, whole numbers as bigint. */
  | { readonly kind: 'known'; readonly value: unknown }

const operationOf = { tool: 'mcp.call', resource: 'mcp.read', prompt: 'mcp.prompt' } as const satisfies Record<
  McpKind,
  string
>

/** As objects of rules know it: `tool:shop-tools/search_orders`. */
export const mcpObject = (server: string, { kind, name }: McpSubject): string => `${kind}:${server}/${name}`

/** `text` is how the message stands in the record. */
export function mcpFacts(server: string, { method, subject }: McpFacts, text: string): StatementFacts {
  const effects = subject === null ? [] : [effectOf(server, subject)]
  return { ...factsOfEffects(method, effects), text }
}

const effectOf = (server: string, subject: McpSubject): Effect => ({
  operation: operationOf[subject.kind],
  object: mcpObject(server, subject),
  via: 'direct',
  parents: [],
  baseline: false,
})
