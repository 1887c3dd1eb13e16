// What a client may send to a server of MCP, method by method: what each is about, and which members it has. What is not listed
// here does not pass (THREATS ).
import { SallyportError } from '@sallyport/base/errors'
import type { McpSubject } from '@sallyport/policy/mcp'
import { isMcpName } from '@sallyport/policy/mcp-objects'
import { isJsonObject, type JsonValue } from '@sallyport/wire/http/json'
import type { JsonObject } from '@sallyport/wire/mcp/message'
import { checkUri } from '@sallyport/wire/mcp/uri'
import { ProtocolError } from '@sallyport/wire/protocol-error'

/** Those that are negotiated; another one is another protocol. The last is offered where a client asks for none of them. */
export const protocolVersions: readonly string[] = ['2025-03-26', '2025-06-18', '2025-11-25']

/** What comes back: by it the answer is filtered and masked. */
export type AnswerKind =
  | 'plain'
  | 'initialize'
  | 'tools'
  | 'resources'
  | 'templates'
  | 'prompts'
  | 'call'
  | 'contents'
  | 'messages'

interface Method {
  readonly answer: AnswerKind
  /** Members of its params beside `_meta`. */
  readonly members: readonly string[]
  /** Throws ProtocolError where it cannot be told. */
  readonly subject?: (params: JsonObject) => McpSubject
}

const paged = ['cursor']

const requests: Readonly<Record<string, Method>> = {
  initialize: { answer: 'initialize', members: ['protocolVersion', 'capabilities', 'clientInfo'] },
  ping: { answer: 'plain', members: [] },
  'tools/list': { answer: 'tools', members: paged },
  'tools/call': { answer: 'call', members: ['name', 'arguments'], subject: named('tool') },
  'resources/list': { answer: 'resources', members: paged },
  'resources/templates/list': { answer: 'templates', members: paged },
  'resources/read': { answer: 'contents', members: ['uri'], subject: located },
  'resources/subscribe': { answer: 'plain', members: ['uri'], subject: located },
  'resources/unsubscribe': { answer: 'plain', members: ['uri'], subject: located },
  'prompts/list': { answer: 'prompts', members: paged },
  'prompts/get': { answer: 'messages', members: ['name', 'arguments'], subject: named('prompt') },
  'completion/complete': { answer: 'plain', members: ['ref', 'argument', 'context'], subject: completed },
  'logging/setLevel': { answer: 'plain', members: ['level'] },
}

/** Notifications that go on; `notifications/roots/list_changed` is about what the server was never told. */
const notifications: ReadonlySet<string> = new Set(['notifications/initialized', 'notifications/cancelled'])
export const droppedNotifications: ReadonlySet<string> = new Set([
  'notifications/roots/list_changed',
  'notifications/progress',
])

export const isNotification = (method: string): boolean => notifications.has(method)

export interface Understood {
  readonly answer: AnswerKind
  readonly subject: McpSubject | null
  readonly arguments: JsonObject
}

/** Throws METHOD_UNSUPPORTED, or ProtocolError for params that are not its own. */
export function understood(method: string, params: JsonObject): Understood {
  const known = Object.hasOwn(requests, method) ? requests[method] : undefined
  if (known === undefined)
    throw new SallyportError('METHOD_UNSUPPORTED', 'the method is none that passes the gateway', {
      hint: 'see docs/mcp.md for those that do; names are compared letter by letter',
    })
  for (const name of params.keys())
    if (name !== '_meta' && !known.members.includes(name))
      throw new ProtocolError('params with a member that the method does not have')
  const meta = params.get('_meta')
  if (meta !== undefined && !isJsonObject(meta)) throw new ProtocolError('a "_meta" that is no object')
  return { answer: known.answer, subject: known.subject?.(params) ?? null, arguments: argumentsOf(params) }
}

function argumentsOf(params: JsonObject): JsonObject {
  const value = params.get('arguments')
  if (value === undefined) return new Map()
  if (!isJsonObject(value)) throw new ProtocolError('arguments that are no object')
  return value
}

function named(kind: 'tool' | 'prompt'): (params: JsonObject) => McpSubject {
  return (params) => ({ kind, name: nameOf(params.get('name')) })
}

function located(params: JsonObject): McpSubject {
  return { kind: 'resource', name: uriOf(params.get('uri')) }
}

function completed(params: JsonObject): McpSubject {
  const ref = params.get('ref')
  const type = isJsonObject(ref) ? ref.get('type') : undefined
  if (isJsonObject(ref) && type === 'ref/prompt') return { kind: 'prompt', name: nameOf(ref.get('name')) }
  if (isJsonObject(ref) && type === 'ref/resource') return { kind: 'resource', name: uriOf(ref.get('uri')) }
  throw new ProtocolError('a completion of nothing that has a name')
}

/** Nothing is folded or repaired: another spelling is another name (THREATS ). */
function nameOf(value: JsonValue | undefined): string {
  if (typeof value === 'string' && isMcpName(value)) return value
  throw new ProtocolError('a name that is not of 1 to 64 letters, digits, "_", "." and "-"')
}

function uriOf(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new ProtocolError('a URI that is no text')
  return checkUri(value)
}
