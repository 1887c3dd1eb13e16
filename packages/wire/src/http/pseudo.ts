// The head of an HTTP/2 request as HTTP/1.1 would say it, so that one reader knows both. Nothing of it may mean a second thing once
// it is written in lines (RFC 9113, 8.2 and 8.3; THREATS ).
import { ProtocolError } from '../protocol-error.ts'

export interface PlainHead {
  readonly method: string
  /** As it came; empty for CONNECT, which has none. */
  readonly url: string
  /** Names and values by turns, with the authority as `host`, and one `cookie`. */
  readonly raw: readonly string[]
}

/** From names and values by turns, in the order in which they came. Throws ProtocolError. */
export function plainHead(raw: readonly string[]): PlainHead {
  const pseudo = new Map<string, string>()
  const fields: string[] = []
  const crumbs: string[] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? ''
    const value = raw[index + 1] ?? ''
    checkValue(value)
    if (name.startsWith(':')) {
      if (fields.length > 0 || crumbs.length > 0) throw new ProtocolError('a pseudo-header behind a field')
      if (!known.has(name) || pseudo.has(name))
        throw new ProtocolError('a pseudo-header that is unknown or there twice')
      pseudo.set(name, value)
    } else if (name === 'cookie') crumbs.push(value)
    else {
      checkField(name, value)
      fields.push(name, value)
    }
  }
  // One line at a server that speaks HTTP/1.1 (RFC 9113, 8.2.3).
  if (crumbs.length > 0) fields.push('cookie', crumbs.join('; '))
  const method = pseudo.get(':method') ?? ''
  if (method !== 'CONNECT') {
    if (pseudo.get(':scheme') !== 'https') throw new ProtocolError('a scheme that is not "https"')
    if ((pseudo.get(':path') ?? '') === '') throw new ProtocolError('a request without ":path"')
  }
  return { method, url: pseudo.get(':path') ?? '', raw: withHost(fields, pseudo.get(':authority')) }
}

const known: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path'])

/** RFC 9113, 8.2.2: what steers a connection of HTTP/1.1 makes the request malformed. */
const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

function checkField(name: string, value: string): void {
  if (name !== name.toLowerCase()) throw new ProtocolError('a field name in capitals')
  if (connectionFields.has(name)) throw new ProtocolError(`a field "${name}" in HTTP/2`)
  if (name === 'te' && value !== 'trailers') throw new ProtocolError('a "te" that is not "trailers"')
}

/** RFC 9113, 8.2.1. */
function checkValue(value: string): void {
  if (/[\0\r\n]/.test(value)) throw new ProtocolError('a value with a line break or a NUL')
  if (/^[ \t]|[ \t]$/.test(value)) throw new ProtocolError('a value that begins or ends with a space')
}

/** RFC 9113, 8.3.1: the authority is the host, and where both are there they are the same. */
function withHost(fields: readonly string[], authority: string | undefined): readonly string[] {
  const hosts = fields.filter((_, index) => index % 2 === 1 && fields[index - 1] === 'host')
  const all = new Set([...hosts, ...(authority === undefined ? [] : [authority])])
  if (all.size > 1) throw new ProtocolError('two authorities')
  const [host] = all
  if (host === undefined) return fields
  // No userinfo, no path, no list.
  if (!/^[A-Za-z0-9._~:[\]-]{1,255}$/.test(host)) throw new ProtocolError('an authority that is no host and port')
  return hosts.length > 0 ? fields : ['host', host, ...fields]
}
