// Refusals as JSON-RPC errors, with the code, the page that explains it and the next step; a call that waits for people has a
// result that says so, which models read (DESIGN §5).
import { errorDocsUrl, type SallyportError, surfacesOf } from '@sallyport/base/errors'
import type { JsonValue } from '@sallyport/wire/http/json'
import type { McpResponse, MessageId } from '@sallyport/wire/mcp/message'
import { approvalUrlOf } from '../http/refuse.ts'

/** `requestId` names it in the record. */
export function refusalMessage(error: SallyportError, id: MessageId | null, requestId: string | null): McpResponse {
  return {
    kind: 'response',
    id,
    result: null,
    error: { code: rpcCode(error), message: error.message, data: new Map(membersOf(error, requestId)) },
  }
}

/** JSON-RPC 2.0, 5.1: its own codes, and those that are left to servers. */
export function rpcCode({ code }: SallyportError): number {
  const { http } = surfacesOf(code)
  if (http === 400 || http === 413) return -32600
  if (http === 405 || http === 501) return -32601
  if (http === 429) return -32029
  if (http >= 500) return -32050
  return -32003
}

/** Of a call of a tool that is held: no error, since the same call sent again is the way on. */
export function pendingMessage(error: SallyportError, id: MessageId, requestId: string | null): McpResponse {
  const text = [error.message, error.hint ?? '', 'Send the same call again to see whether it was decided.']
  const result = new Map<string, JsonValue>([
    [
      'content',
      [
        new Map<string, JsonValue>([
          ['type', 'text'],
          ['text', text.filter((one) => one !== '').join('\n')],
        ]),
      ],
    ],
    ['isError', true],
    ['_meta', new Map<string, JsonValue>([['sallyport/refusal', new Map(membersOf(error, requestId))]])],
  ])
  return { kind: 'response', id, result, error: null }
}

function membersOf(error: SallyportError, requestId: string | null): [string, JsonValue][] {
  const url = approvalUrlOf(error)
  return [
    ['code', error.code],
    ['type', errorDocsUrl(error.code)],
    ...(error.hint === undefined ? [] : [['hint', error.hint] satisfies [string, JsonValue]]),
    ...(requestId === null ? [] : [['requestId', requestId] satisfies [string, JsonValue]]),
    ...(url === undefined ? [] : [['approvalUrl', url] satisfies [string, JsonValue]]),
  ]
}
