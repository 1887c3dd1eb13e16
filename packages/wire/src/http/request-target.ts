// The request-target of HTTP/1.1 and the `:path` of HTTP/2 as exactly one meaning: decoded once, and written again in one
// canonical form (THREATS R-4.5). What a server behind us could read in another way is refused, never repaired.
// INVARIANT: what is returned is what is sent; whoever decides sees no other form.
import { ProtocolError } from '../protocol-error.ts'

export interface RequestTarget {
  /** Canonical, percent-encoded, beginning with `/`; a slash at the end is kept. */
  readonly path: string
  /** Segments of the path, decoded; the last is empty where the path ends with a slash. */
  readonly segments: readonly string[]
  /** Decoded, in order; a name may be there several times. */
  readonly query: readonly (readonly [name: string, value: string])[]
  /** Canonical, without `?`; empty when there is none. */
  readonly search: string
}

/** A request-target, in bytes (RFC 9110 recommends at least 8,000). */
export const targetBytesMax = 8_192
export const segmentsMax = 256
export const queryPairsMax = 512

/** Only origin-form (RFC 9112, 3.2.1). Throws ProtocolError, naming what is wrong and never the value. */
export function parseRequestTarget(text: string): RequestTarget {
  if (text.length > targetBytesMax) throw new ProtocolError(`a request-target of ${text.length} bytes`)
  if (!text.startsWith('/')) throw new ProtocolError('a request-target that is not in origin-form')
  // RFC 3986, 2: nothing else is in a URI; a fragment is never sent.
  if (/[^\x21-\x7e]|["<>\\^`{|}#]/.test(text)) throw new ProtocolError('a character that no URI holds')
  const mark = text.indexOf('?')
  const rawPath = mark === -1 ? text : text.slice(0, mark)
  const rawQuery = mark === -1 ? '' : text.slice(mark + 1)
  const segments = rawPath.slice(1).split('/').map(decodeSegment)
  if (segments.length > segmentsMax) throw new ProtocolError(`a path of ${segments.length} segments`)
  // Servers merge empty segments, or do not.
  if (segments.slice(0, -1).includes('')) throw new ProtocolError('an empty segment in the path')
  const query = parsePairs(rawQuery, 'query')
  return {
    segments,
    query,
    // Nearly always whoever asks writes them anew, of a part of it.
    get path() {
      return `/${segments.map(encodeSegment).join('/')}`
    },
    get search() {
      return queryText(query)
    },
  }
}

/** `name=value&…`, percent-encoded. */
export const queryText = (query: RequestTarget['query']): string =>
  query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')

function decodeSegment(raw: string): string {
  // Most are of letters and digits alone, in which none of what follows can be.
  if (/^[A-Za-z0-9\-_~]*$/.test(raw)) return raw
  const text = percentDecode(raw, 'path')
  if (text === '.' || text === '..') throw new ProtocolError('a dot segment in the path')
  // Windows drops them, other servers do not.
  if (/[. ]$/.test(text)) throw new ProtocolError('a segment that ends with a dot or a space')
  // `;` begins parameters that some servers cut off before they route.
  if (/[/\\;]/.test(text)) throw new ProtocolError('a slash, backslash or semicolon inside a segment')
  if (hasControl(text)) throw new ProtocolError('a control character in the path')
  if (/%[0-9a-f]{2}/i.test(text)) throw new ProtocolError('a path that is encoded twice')
  return text
}

/** As `pchar` of RFC 3986 has it: unreserved, sub-delims, `:` and `@` stay, all else is encoded. */
export const encodeSegment = (text: string): string =>
  /^[A-Za-z0-9\-._~!$&'()*+,:=@]*$/.test(text)
    ? text
    : encodeURIComponent(text).replace(/%(?:24|26|2B|2C|3A|3D|40)/g, (code) => decodeURIComponent(code))

/** Names and values of a query, or of a body that is a form. Throws ProtocolError for what two servers read in two ways. */
export function parsePairs(raw: string, where: 'query' | 'form'): RequestTarget['query'] {
  if (raw === '') return []
  // A query is written anew; a form goes on as it is, and a few servers split it there too, or take the mark off.
  if (where === 'form' && /^\ufeff|;/.test(raw))
    throw new ProtocolError('a form with a bare semicolon or a byte order mark')
  const pairs = raw.split('&')
  if (pairs.length > queryPairsMax) throw new ProtocolError(`a ${where} of ${pairs.length} pairs`)
  const query = pairs.map((pair) => {
    const at = pair.indexOf('=')
    const name = decodeForm(at === -1 ? pair : pair.slice(0, at), where)
    return [name, at === -1 ? '' : decodeForm(pair.slice(at + 1), where)] as const
  })
  checkNames(
    query.map(([name]) => name),
    where,
  )
  return query
}

/** A name as the most careless server reads it: without case, brackets, and with dots and spaces as underscores (PHP). */
export const foldedName = (name: string): string =>
  name.trim().toLowerCase().replace(/\[.*$/s, '').replace(/[. ]/g, '_')

/** Of two spellings of one name a rule sees two, and a server one; frameworks take another method from the query. */
function checkNames(names: readonly string[], where: 'query' | 'form'): void {
  const spellings = new Map<string, string>()
  for (const name of names) {
    const folded = foldedName(name)
    if (/^(_method|_httpmethod|x-http-method(-override)?|x-method-override)$/.test(folded))
      throw new ProtocolError(`a method override in the ${where}`)
    const known = spellings.get(folded) ?? name
    spellings.set(folded, known)
    if (known !== name && !(known.includes('[') && name.includes('[')))
      throw new ProtocolError(`one name of the ${where} in two spellings`)
  }
}

function decodeForm(raw: string, where: 'query' | 'form'): string {
  const text = percentDecode(raw.replaceAll('+', ' '), where)
  if (text.includes('\0')) throw new ProtocolError(`a NUL in the ${where}`)
  return text
}

function percentDecode(raw: string, where: string): string {
  if (!raw.includes('%')) return raw
  try {
    // Refuses what is no UTF-8, overlong forms and surrogates as well.
    return decodeURIComponent(raw)
  } catch {
    throw new ProtocolError(`percent-encoding in the ${where} that cannot be read`)
  }
}

const hasControl = (text: string): boolean => {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return true
  }
  return false
}
