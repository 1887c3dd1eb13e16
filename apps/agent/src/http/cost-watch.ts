// Looks in one answer, while it passes, for what it says that it cost: in a field, in its JSON, or in the events and lines of a stream.
// It changes nothing, and keeps no more than limits.httpCostBodyBytesMax of it.
import { limits } from '@sallyport/base/limits'
import type { JsonPath } from '@sallyport/mask/json/path'
import type { CostSource } from '@sallyport/policy/costs'
import { readEvents } from '@sallyport/wire/http/events'
import { type Fields, fieldOf } from '@sallyport/wire/http/fields'
import { splitLines } from '@sallyport/wire/http/lines'
import { mediaOf } from '@sallyport/wire/http/media'

export interface CostWatch {
  /** Decoded bytes of the body, before anything is hidden in them. */
  push(chunk: Uint8Array): void
  end(): ReadonlyMap<CostSource, number>
}

/** The most that stands at each source; nothing where it says nothing that can be read. */
export function costWatch(sources: readonly CostSource[], fields: Fields): CostWatch {
  const found = new Map<CostSource, number>()
  const note = (source: CostSource, value: number): void => {
    if (Number.isFinite(value) && value > (found.get(source) ?? 0)) found.set(source, value)
  }
  for (const source of sources) if (source.from === 'field') note(source, numberIn(fieldOf(fields, source.name) ?? ''))
  const inBody = sources.flatMap((source) => (source.from === 'body' ? [source] : []))
  const read = (text: string): void => {
    const value = parsed(text)
    for (const source of inBody) for (const one of numbersAt(value, source.path)) note(source, one)
  }
  const texts = inBody.length === 0 ? null : textsOf(fields)
  let isLost = texts === null
  const guarded = (run: () => readonly string[]): void => {
    if (isLost) return
    try {
      for (const text of run()) read(text)
    } catch {
      // Longer than is kept, or no text: what it cost is not known, and what was taken before counts.
      isLost = true
    }
  }
  return {
    push: (chunk) => guarded(() => texts?.push(chunk) ?? []),
    end() {
      guarded(() => texts?.end() ?? [])
      return found
    },
  }
}

const numberIn = (text: string): number => (/^[0-9]{1,15}(\.[0-9]{1,9})?$/.test(text) ? Number(text) : 0)

interface Texts {
  /** JSON texts that are whole. */
  push(chunk: Uint8Array): readonly string[]
  end(): readonly string[]
}

/** Null for an answer that is no JSON in any form. */
function textsOf(fields: Fields): Texts | null {
  const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  switch (kindOf(fields)) {
    case 'json': {
      const chunks: Uint8Array[] = []
      let bytes = 0
      return {
        push(chunk) {
          bytes += chunk.length
          if (bytes > limits.httpCostBodyBytesMax) {
            chunks.length = 0
            throw new Error('longer than is kept')
          }
          chunks.push(Buffer.from(chunk))
          return []
        },
        end: () => [utf8(Buffer.concat(chunks))],
      }
    }
    case 'lines': {
      const lines = splitLines('lf', limits.httpCostBodyBytesMax)
      return { push: (chunk) => lines.push(chunk).map(utf8), end: () => [utf8(lines.end())] }
    }
    case 'events': {
      const events = readEvents(limits.httpCostBodyBytesMax)
      return { push: (chunk) => events.push(chunk).flatMap(({ data }) => (data === null ? [] : [data])), end: () => [] }
    }
    default:
      return null
  }
}

function kindOf(fields: Fields): ReturnType<typeof mediaOf>['kind'] {
  try {
    return mediaOf(fieldOf(fields, 'content-type')).kind
  } catch {
    return 'opaque'
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch {
    return null
  }
}

/** Arrays are looked through, as everywhere in paths. */
function numbersAt(value: unknown, path: JsonPath): readonly number[] {
  if (Array.isArray(value)) return value.flatMap((one) => numbersAt(one, path))
  const [name, ...rest] = path
  if (name === undefined) return typeof value === 'number' ? [value] : []
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return []
  return numbersAt(Reflect.get(value, name), rest)
}
