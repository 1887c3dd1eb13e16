// Server-sent events (HTML, "Server-sent events", 9.2.6): bytes to events and back. Comments and fields that nobody knows
// are left out: they carry nothing that a client reads.
import { ProtocolError } from '../protocol-error.ts'
import { splitLines } from './lines.ts'

/** One block, up to its empty line; one of comments alone keeps the connection alive, and has nothing. */
export interface ServerEvent {
  readonly event: string | null
  /** Its lines joined by LF; null without any. */
  readonly data: string | null
  readonly id: string | null
  readonly retry: string | null
}

export interface Events {
  /** Whole events. Throws ProtocolError for one that is longer than may be, or is no UTF-8. */
  push(chunk: Uint8Array): readonly ServerEvent[]
}

/** What stands behind the last empty line is no event, and clients drop it. */
export function readEvents(bytesMax: number): Events {
  const lines = splitLines('any', bytesMax)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let open: Open = newOpen()
  let bytes = 0
  let isFirst = true
  const line = (raw: Uint8Array): ServerEvent | null => {
    const text = decoded(decoder, raw)
    // One BOM at the very beginning is none of the first line's.
    const bare = isFirst && text.startsWith('\ufeff') ? text.slice(1) : text
    isFirst = false
    if (bare === '') {
      const done = eventOf(open)
      open = newOpen()
      bytes = 0
      return done
    }
    bytes += raw.length
    if (bytes > bytesMax) throw new ProtocolError(`an event of more than ${bytesMax} bytes`)
    take(open, bare)
    return null
  }
  return { push: (chunk) => lines.push(chunk).flatMap((raw) => line(raw) ?? []) }
}

interface Open {
  event: string | null
  readonly data: string[]
  id: string | null
  retry: string | null
}
const newOpen = (): Open => ({ event: null, data: [], id: null, retry: null })

const eventOf = ({ event, data, id, retry }: Open): ServerEvent => ({
  event,
  data: data.length === 0 ? null : data.join('\n'),
  id,
  retry,
})

function decoded(decoder: { decode(bytes: Uint8Array): string }, raw: Uint8Array): string {
  try {
    return decoder.decode(raw)
  } catch {
    throw new ProtocolError('an event that is no UTF-8')
  }
}

function take(open: Open, line: string): void {
  const colon = line.indexOf(':')
  if (colon === 0) return
  const name = colon === -1 ? line : line.slice(0, colon)
  const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
  switch (name) {
    case 'event':
      open.event = value
      break
    case 'data':
      open.data.push(value)
      break
    case 'id':
      if (!value.includes('\0')) open.id = value
      break
    case 'retry':
      if (/^[0-9]{1,9}$/.test(value)) open.retry = value
      break
    default:
      break
  }
}

/** A line end in a field would begin another one: `data` has a line each, of the others none is left. */
export function eventText({ event, data, id, retry }: ServerEvent): string {
  const field = (name: string, value: string | null): string =>
    value === null ? '' : `${name}: ${value.replace(/[\r\n\0]/g, '')}\n`
  const lines = data === null ? [] : data.split(/\r\n|\r|\n/)
  return `${field('event', event)}${lines.map((one) => `data: ${one}\n`).join('')}${field('id', id)}${field('retry', retry)}\n`
}
