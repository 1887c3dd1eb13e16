// Messages of the Model Context Protocol: JSON-RPC 2.0, one object each, read in exactly one way and written anew. What could
// be a second message, another kind of message or another id to somebody else is refused (THREATS ).
import { isJsonList, isJsonObject, type JsonBounds, type JsonValue, jsonText, parseJson } from '../http/json.ts'
import { ProtocolError } from '../protocol-error.ts'

export type JsonObject = ReadonlyMap<string, JsonValue>
/** MCP allows no null (Base protocol, "Requests"); a whole number, so that no reader rounds it to another one. */
export type MessageId = string | bigint

export interface McpRequest {
  readonly kind: 'request'
  readonly id: MessageId
  readonly method: string
  readonly params: JsonObject
}
export interface McpNotification {
  readonly kind: 'notification'
  readonly method: string
  readonly params: JsonObject
}
/** Of its result or of its error one is null. An error in answer to nothing has no id. */
export interface McpResponse {
  readonly kind: 'response'
  readonly id: MessageId | null
  readonly result: JsonObject | null
  readonly error: McpError | null
}
export interface McpError {
  readonly code: number
  readonly message: string
  readonly data: JsonValue | undefined
}
export type McpMessage = McpRequest | McpNotification | McpResponse

const idCharsMax = 256
const methodCharsMax = 128

/** Throws ProtocolError for whatever is not one message, naming what is wrong and never a value. */
export function readMessage(text: string, bounds: JsonBounds): McpMessage {
  return messageOf(parseJson(text, bounds))
}

/** The same of a value that was read before. */
export function messageOf(value: JsonValue): McpMessage {
  // Removed in 2025-06-18; some servers still answer each element.
  if (isJsonList(value)) throw new ProtocolError('a batch: one message is sent at a time')
  if (!isJsonObject(value)) throw new ProtocolError('a message that is no JSON object')
  if (value.get('jsonrpc') !== '2.0') throw new ProtocolError('a message that is not JSON-RPC 2.0')
  const method = value.get('method')
  if (method === undefined) return responseOf(value)
  onlyKnown(value, ['jsonrpc', 'id', 'method', 'params'])
  if (typeof method !== 'string' || method === '' || method.length > methodCharsMax)
    throw new ProtocolError('a message without a method that can be read')
  const params = paramsOf(value.get('params'))
  if (!value.has('id')) return { kind: 'notification', method, params }
  return { kind: 'request', id: idOf(value.get('id')), method, params }
}

function responseOf(value: JsonObject): McpResponse {
  onlyKnown(value, ['jsonrpc', 'id', 'result', 'error'])
  if (value.has('result') === value.has('error'))
    throw new ProtocolError('a message that is neither question nor answer')
  const error = value.has('error') ? errorOf(value.get('error')) : null
  const raw = value.get('id')
  if (error !== null && (raw === undefined || raw === null)) return { kind: 'response', id: null, result: null, error }
  const id = idOf(raw)
  if (error !== null) return { kind: 'response', id, result: null, error }
  const result = value.get('result')
  if (!isJsonObject(result)) throw new ProtocolError('an answer whose result is no object')
  return { kind: 'response', id, result, error: null }
}

function errorOf(value: JsonValue | undefined): McpError {
  const code = isJsonObject(value) ? value.get('code') : undefined
  const message = isJsonObject(value) ? value.get('message') : undefined
  if (
    !isJsonObject(value) ||
    typeof code !== 'bigint' ||
    typeof message !== 'string' ||
    !Number.isSafeInteger(Number(code))
  )
    throw new ProtocolError('an error without code and message')
  onlyKnown(value, ['code', 'message', 'data'])
  return { code: Number(code), message, data: value.get('data') }
}

function paramsOf(value: JsonValue | undefined): JsonObject {
  if (value === undefined) return new Map()
  if (!isJsonObject(value)) throw new ProtocolError('params that are no object')
  return value
}

function idOf(value: JsonValue | undefined): MessageId {
  if (typeof value === 'string' && value.length <= idCharsMax) return value
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return value
  throw new ProtocolError('an id that is neither a text nor a whole number')
}

/** A member that nobody here reads could be what somebody else acts on. */
function onlyKnown(value: JsonObject, names: readonly string[]): void {
  for (const name of value.keys())
    if (!names.includes(name)) throw new ProtocolError('a message with a member that has no meaning')
}

/** Of two ids that are told apart: 1 is not "1". */
export const idKey = (id: MessageId): string => (typeof id === 'bigint' ? `n${id}` : `s${id}`)

/** One message in one spelling, without line ends. */
export const messageText = (message: McpMessage): string => jsonText(messageValue(message))

export function messageValue(message: McpMessage): JsonObject {
  const head: [string, JsonValue][] = [['jsonrpc', '2.0']]
  switch (message.kind) {
    case 'request':
      return new Map<string, JsonValue>([
        ...head,
        ['id', message.id],
        ['method', message.method],
        ['params', message.params],
      ])
    case 'notification':
      return new Map<string, JsonValue>([...head, ['method', message.method], ['params', message.params]])
    case 'response':
      return new Map<string, JsonValue>([...head, ['id', message.id], answerOf(message)])
  }
}

function answerOf({ result, error }: McpResponse): [string, JsonValue] {
  if (error === null) return ['result', result]
  const { code, message, data } = error
  const parts: [string, JsonValue][] = [
    ['code', BigInt(code)],
    ['message', message],
  ]
  if (data !== undefined) parts.push(['data', data])
  return ['error', new Map(parts)]
}
