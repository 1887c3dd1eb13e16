// The definition of a tool as one text: what its digest is of, and what people compare.
import { createHash } from 'node:crypto'
import { isJsonList, isJsonObject, type JsonValue } from '@sallyport/wire/http/json'
import type { JsonObject } from '@sallyport/wire/mcp/message'

/** Everything that a model or a client reads of it, names in one order; only `_meta` is the server's own. */
export const definitionText = (definition: JsonObject): string =>
  canonical(new Map([...definition].filter(([name]) => name !== '_meta')))

export const digestOfText = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`

export const definitionDigest = (definition: JsonObject): string => digestOfText(definitionText(definition))

/** Names in one order, so that a server may write them in any. */
function canonical(value: JsonValue): string {
  if (typeof value === 'bigint') return value.toString()
  if (isJsonList(value)) return `[${value.map(canonical).join(',')}]`
  if (!isJsonObject(value)) return JSON.stringify(value)
  const members = [...value].sort(([left], [right]) => (left < right ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}
