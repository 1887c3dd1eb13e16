// Which header fields go on, in both directions. Fields that steer a connection, name who calls, or choose another resource
// are the gateway's own: a caller's never pass, whatever `Connection` lists (THREATS ).
import { ProtocolError } from '../protocol-error.ts'

/** Names in lower case, in the order in which they came; a name may be there several times. */
export type Fields = readonly (readonly [name: string, value: string])[]

export const fieldsMax = 100

/** From Node's `rawHeaders`. Throws ProtocolError for what could be read in two ways. */
export function fieldsOf(raw: readonly string[]): Fields {
  if (raw.length / 2 > fieldsMax) throw new ProtocolError(`${raw.length / 2} header fields`)
  const fields: [string, string][] = []
  const seen = new Set<string>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    const value = (raw[index + 1] ?? '').trim()
    if (!isFieldName(name)) throw new ProtocolError('a field name that is no token')
    if (!isFieldValue(value)) throw new ProtocolError(`a value of "${name}" with a control character`)
    if (singles.has(name)) {
      if (seen.has(name)) throw new ProtocolError(`"${name}" is there twice`)
      seen.add(name)
    }
    fields.push([name, value])
  }
  return fields
}

/** RFC 9110, 5.6.2: token. */
export const isFieldName = (name: string): boolean => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/.test(name)
/** RFC 9110, 5.5, without obs-text: what is not ASCII is read differently from server to server. */
export const isFieldValue = (value: string): boolean => /^[\t\x20-\x7e]*$/.test(value)

/** The same with obs-text, which targets still send. */
export const isAnswerValue = (value: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

/** The value of a field that may be there once. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  for (const field of fields) if (field[0] === name) return field[1]
  return undefined
}

/** Of these two lines mean two things to two servers. */
const singles: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'authorization',
  'sallyport-authorization',
  'sallyport-initiator',
  'expect',
  'prefer',
  'if-match',
  'if-none-match',
])

/** RFC 9110, 7.6.1, and what browsers and servers use in its place. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/** Fields of a request that the gateway sets itself, or that would choose another caller, resource or method. */
const callersOwn: ReadonlySet<string> = new Set([
  'host',
  'expect',
  'authorization',
  'cookie',
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-original-url',
  'x-rewrite-url',
  'x-original-method',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-host',
  // WebDAV: a second resource.
  'destination',
  // A slice of an answer cannot be looked through, and an answer is asked for as it is.
  'range',
  'if-range',
  'accept-encoding',
])

const isCallersOwn = (name: string): boolean =>
  callersOwn.has(name) ||
  name.startsWith('x-forwarded') ||
  name.startsWith('sallyport-') ||
  // Servers that hand fields on as variables cannot tell `x_forwarded_for` from `x-forwarded-for`.
  name.includes('_')

/** What of a caller's request goes to the target. `keep`: fields that the target's document lets through. */
export function requestFields(fields: Fields, keep: ReadonlySet<string> = new Set()): Fields {
  const listed = connectionOptions(fields)
  return fields.filter(
    ([name]) => !hopByHop.has(name) && (keep.has(name) || (!isCallersOwn(name) && !listed.has(name))),
  )
}

/** Fields of an answer that would lead a caller around the gateway, or hold what belongs to the target's login. */
const targetsOwn: ReadonlySet<string> = new Set([
  'set-cookie',
  'set-cookie2',
  'www-authenticate',
  'authentication-info',
  'alt-svc',
  'strict-transport-security',
  'public-key-pins',
  'clear-site-data',
  'refresh',
  'x-accel-redirect',
  'x-sendfile',
  'location',
  'content-location',
  // Set anew.
  'via',
])

/** What of a target's answer goes to the caller; `location` is the gateway's to write. */
export function responseFields(fields: Fields): Fields {
  const listed = connectionOptions(fields)
  return fields.filter(([name]) => !hopByHop.has(name) && !targetsOwn.has(name) && !listed.has(name))
}

/** Names that `Connection` lists: they end here. */
function connectionOptions(fields: Fields): ReadonlySet<string> {
  const first = fieldOf(fields, 'connection')
  // By far the most say nothing or this; it is a field of the connection itself, which ends here anyhow.
  if (first === undefined || (first === 'keep-alive' && !isThereTwice(fields, 'connection'))) return noOptions
  const names = fields
    .filter(([name]) => name === 'connection')
    .flatMap(([, value]) => value.split(','))
    .map((name) => name.trim().toLowerCase())
  return new Set(names)
}

function isThereTwice(fields: Fields, name: string): boolean {
  let count = 0
  for (const field of fields) if (field[0] === name) count += 1
  return count > 1
}

const noOptions: ReadonlySet<string> = new Set()

/** Of object stores: a second object, which no rule about routes sees. Without the field the request would be another one. */
export const secondObjectFields = ['x-amz-copy-source', 'x-ms-copy-source', 'x-goog-copy-source'] as const

/** A field whose value was put together from what is not ours: refused rather than split (THREATS ). */
export function checkedField(name: string, value: string): readonly [string, string] {
  if (!isFieldName(name) || !isFieldValue(value)) throw new ProtocolError(`a field "${name}" that cannot be sent`)
  return [name, value]
}
