// The bytes of a body with its escapes read, while it streams: whoever looks for a credential in it finds one however each letter is
// escaped. What is no escape stays; nothing here decides what a body means (THREATS ).
import type { MediaKind } from '@sallyport/wire/http/media'

export interface Unescaping {
  push(chunk: Buffer): Buffer
  /** Bytes of an escape that has begun. */
  readonly held: number
}

/** Bytes of the longest escape of one byte: `\u0041`. */
export const escapeBytesMax = 6

/** Null: this kind of body has no escapes. */
export function unescaping(kind: MediaKind): Unescaping | null {
  switch (kind) {
    case 'json':
    case 'lines':
    case 'events':
      return reading(/\\(?:u([0-9a-fA-F]{4})|([^u]))/gs, /\\(?:u[0-9a-fA-F]{0,3})?$/, (hex, plain) =>
        hex === undefined ? (plain ?? '') : String.fromCharCode(Number.parseInt(hex, 16) & 0xff),
      )
    case 'form':
      return reading(/%([0-9a-fA-F]{2})|(\+)/g, /%[0-9a-fA-F]?$/, (hex) =>
        hex === undefined ? ' ' : String.fromCharCode(Number.parseInt(hex, 16)),
      )
    case 'text':
    case 'opaque':
      return null
  }
}

/** Byte by byte (latin1): credentials are looked for as bytes, and an escape of another character than ASCII is part of none. */
function reading(
  written: RegExp,
  begun: RegExp,
  read: (hex: string | undefined, plain: string | undefined) => string,
): Unescaping {
  let held = ''
  return {
    push(chunk) {
      const all = held + chunk.toString('latin1')
      const cut = cutOf(all, begun)
      held = all.slice(cut)
      const text = all.slice(0, cut).replace(written, (_, hex?: string, plain?: string) => read(hex, plain))
      return Buffer.from(text, 'latin1')
    },
    get held() {
      return held.length
    },
  }
}

/** Where an escape has begun that the next chunk ends. A backslash behind a backslash begins none. */
function cutOf(all: string, begun: RegExp): number {
  // The longest that may have begun is five characters; nothing before them is looked at by the pattern.
  const from = Math.max(0, all.length - escapeBytesMax)
  const found = begun.exec(all.slice(from))
  if (found === null) return all.length
  const at = from + found.index
  let before = at
  while (before > 0 && all[before - 1] === '\\') before -= 1
  return all[at] === '\\' && (at - before) % 2 === 1 ? all.length : at
}
