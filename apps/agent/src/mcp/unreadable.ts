// Refusals of what a server of MCP answers: it quotes nothing of it.
import { SallyportError } from '@sallyport/base/errors'

/** `why` is about its form. */
export const unreadable = (why: string, cause?: unknown): SallyportError =>
  new SallyportError('ANSWER_REFUSED', `the MCP server's answer does not pass: ${why}`, {
    hint: 'ask the owner of the server; docs/mcp.md says what passes',
    cause,
  })
