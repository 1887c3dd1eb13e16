// What the body of a message is, by its Content-Type: as far as anybody has to look into it. What is not listed here is
// nothing that can be read (THREATS R-4.7).
import { ProtocolError } from '../protocol-error.ts'

/** `lines`: a JSON text a line. `events`: server-sent events. `form`: names and values. `opaque`: everything else. */
export type MediaKind = 'json' | 'lines' | 'events' | 'form' | 'text' | 'opaque'

export interface Media {
  readonly kind: MediaKind
  /** Lower case; null where none is named. */
  readonly charset: string | null
}

const lineTypes: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
  'application/jsonlines',
  'application/x-jsonl',
  'text/x-ndjson',
])

const textTypes: ReadonlySet<string> = new Set([
  'application/xml',
  'application/yaml',
  'application/x-yaml',
  'application/javascript',
  'application/ecmascript',
  'application/toml',
  'application/sql',
  'application/graphql',
])

const parameter =
  /^;[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=("(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"|[!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*/

/** Throws ProtocolError for a type that two readers could read in two ways (RFC 9110, 8.3.1). Undefined: opaque. */
export function mediaOf(contentType: string | undefined): Media {
  if (contentType === undefined) return { kind: 'opaque', charset: null }
  const head = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*/.exec(contentType)
  if (head === null) throw new ProtocolError('a Content-Type that is none')
  const type = (head[1] ?? '').toLowerCase()
  let charset: string | null = null
  for (let rest = contentType.slice(head[0].length); rest !== ''; ) {
    const found = parameter.exec(rest)
    if (found === null) throw new ProtocolError('a Content-Type that is none')
    const [whole, name = '', value = ''] = found
    if (name.toLowerCase() === 'charset') {
      if (charset !== null) throw new ProtocolError('a Content-Type with two charsets')
      charset = value.replace(/^"(.*)"$/, '$1').toLowerCase()
    }
    rest = rest.slice(whole.length)
  }
  return { kind: kindOf(type), charset }
}

function kindOf(type: string): MediaKind {
  if (type === 'application/json' || type === 'text/json' || type.endsWith('+json')) return 'json'
  if (lineTypes.has(type)) return 'lines'
  if (type === 'text/event-stream') return 'events'
  if (type === 'application/x-www-form-urlencoded') return 'form'
  if (type.startsWith('text/') || type.endsWith('+xml') || textTypes.has(type)) return 'text'
  return 'opaque'
}

/** Charsets in which ASCII is ASCII and every byte is one character. */
const singleByte: ReadonlySet<string> = new Set(['iso-8859-1', 'latin1', 'windows-1252', 'iso-8859-15'])

/** How the bytes of a text are read: as UTF-8, byte by byte, or not at all (UTF-16, UTF-7 and what nobody knows). */
export function charsetOf({ charset }: Media): 'utf-8' | 'bytes' | null {
  if (charset === null || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii' || charset === 'ascii')
    return 'utf-8'
  return singleByte.has(charset) ? 'bytes' : null
}
