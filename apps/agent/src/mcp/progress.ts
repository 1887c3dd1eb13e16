// What a client hears while its call waits for a person (MCP, "Progress"; DESIGN §5).
import { limits } from '@sallyport/base/limits'
import { isJsonObject, type JsonValue } from '@sallyport/wire/http/json'
import type { McpRequest } from '@sallyport/wire/mcp/message'
import type { Responder } from './responder.ts'
import { tokenKey } from './route.ts'

/** By which it is told, as it came; undefined where it did not ask. */
const tokenOf = ({ params }: Pick<McpRequest, 'params'>): JsonValue | undefined => {
  const meta = params.get('_meta')
  const token = isJsonObject(meta) ? meta.get('progressToken') : undefined
  return typeof token === 'string' || typeof token === 'bigint' ? token : undefined
}

/** The same, to be compared; null where it did not ask. */
export function progressOf(request: Pick<McpRequest, 'params'>): string | null {
  const token = tokenOf(request)
  return token === undefined ? null : tokenKey(token)
}

/** Tells it now and again that people are asked, and where. Returns how to stop. */
export function tellWaiting(responder: Responder, request: Pick<McpRequest, 'params'>, text: string): () => void {
  const token = tokenOf(request)
  if (token === undefined) return () => {}
  let told = 0n
  responder.stream()
  const tell = (): void => {
    told += 1n
    const params = new Map<string, JsonValue>([
      ['progressToken', token],
      ['progress', told],
      ['message', text],
    ])
    responder.event({ kind: 'notification', method: 'notifications/progress', params }).catch(() => {})
  }
  tell()
  const timer = setInterval(tell, limits.mcpProgressEveryMs)
  return () => clearInterval(timer)
}
