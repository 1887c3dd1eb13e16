// Slices of a text by the parser's offsets, which count bytes of UTF-8 and not characters.

import type { SqlParser } from './facts.ts'
import { beyondAscii } from './tree.ts'

/** A look-up from byte offsets to string indices, for ascending offsets. */
export function byteIndex(text: string): (bytes: number) => number {
  if (!beyondAscii(text)) return (bytes) => Math.min(bytes, text.length)
  let at = 0
  let passed = 0
  return (bytes) => {
    if (bytes < passed) {
      at = 0
      passed = 0
    }
    while (passed < bytes && at < text.length) {
      const point = text.codePointAt(at) ?? 0
      passed += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
      at += point < 0x10000 ? 1 : 2
    }
    return at
  }
}

/** The slice of one statement, trimmed. A length of 0 means up to the end. */
export function slice(
  text: string,
  index: (bytes: number) => number,
  location: number | undefined,
  length: number | undefined,
): string {
  const start = index(location ?? 0)
  const end = length === undefined || length === 0 ? text.length : index((location ?? 0) + length)
  return text.slice(start, end).trim()
}

/** Fingerprint of a slice that has parsed as part of its text; '' for one that does not parse by itself. */
export function fingerprintOf(parser: SqlParser, text: string): string {
  try {
    return text === '' ? '' : parser.fingerprint(text)
  } catch {
    return ''
  }
}
