// An answer as its client may see it, by what was asked.
import type { McpMessage, McpResponse } from '@sallyport/wire/mcp/message'
import { type Showing, shownError, shownResult } from './results.ts'

export interface Routed {
  /** Null: nothing of it goes on. */
  readonly message: McpMessage | null
  readonly values: number
}

export const dropped: Routed = { message: null, values: 0 }

/** Throws ANSWER_REFUSED for a result that is none of what was asked. */
export function shownAnswer(message: McpResponse, showing: Showing): Routed {
  if (message.error !== null) {
    const { value, values } = shownError(message.error, showing)
    return { message: { ...message, error: value }, values }
  }
  const { value, values } = shownResult(message.result ?? new Map(), showing)
  return { message: { ...message, result: value }, values }
}
