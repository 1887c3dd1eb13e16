// The trace of a message: what `_meta` says comes before what the request said, since whoever made the message knows better than
// what carries it. Both go on with the gateway's part as the parent.
import { isJsonObject, type JsonValue } from '@sallyport/wire/http/json'
import { readTraceparent } from '@sallyport/wire/http/trace-context'
import type { McpNotification, McpRequest } from '@sallyport/wire/mcp/message'
import { tracingOf } from '../session/tracing.ts'
import type { McpCall } from './call.ts'

export function tracedMessage<M extends McpRequest | McpNotification>(
  call: McpCall,
  message: M,
): { readonly call: McpCall; readonly message: M } {
  const meta = message.params.get('_meta')
  const value = isJsonObject(meta) ? meta.get('traceparent') : undefined
  if (!isJsonObject(meta) || value === undefined) return { call, message }
  const said = typeof value === 'string' ? readTraceparent(value) : null
  const tracing = said === null ? call.tracing : tracingOf(said, call.serving.deps.random)
  const others = [...meta].filter(([name]) => name !== 'traceparent' && (said !== null || name !== 'tracestate'))
  const own = new Map<string, JsonValue>([...others, ['traceparent', tracing.traceparent]])
  const params = new Map([...message.params, ['_meta', own] as const])
  return { call: { ...call, tracing }, message: { ...message, params } }
}
