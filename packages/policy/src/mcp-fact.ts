// What conditions read as `mcp`. The CEL library tells types apart by their constructor, so it is a class.
import type { McpFacts, McpKind } from './mcp.ts'

/** A message of MCP. Of anything else nothing can be read: a condition on it is an error there, and denies. */
export class McpFact {
  readonly #message: McpFacts | null
  constructor(message: McpFacts | null) {
    this.#message = message
  }
  get #known(): McpFacts {
    if (this.#message === null) throw new Error('something else was read as a message of MCP')
    return this.#message
  }
  get method(): string {
    return this.#known.method
  }
  /** Empty where it is about something else. */
  get tool(): string {
    return this.#nameOf('tool')
  }
  get prompt(): string {
    return this.#nameOf('prompt')
  }
  get uri(): string {
    return this.#nameOf('resource')
  }
  /** Of a tool or prompt; an empty object where none were sent. */
  get arguments(): unknown {
    const { arguments: given } = this.#known
    if (given.kind === 'known') return given.value
    throw new Error('the arguments are not known yet')
  }
  #nameOf(kind: McpKind): string {
    const { subject } = this.#known
    return subject?.kind === kind ? subject.name : ''
  }
}

export const mcpFields = { method: 'string', tool: 'string', prompt: 'string', uri: 'string', arguments: 'dyn' }
