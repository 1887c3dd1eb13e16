// Makes every character of a text visible that could hide another: controls, zero-width, bidirectional, odd spaces.
// Returns pieces, so that the page draws the marks as marks; nothing is dropped and nothing is reordered.

export interface VisiblePiece {
  readonly text: string
  /** A name such as U+202E when the piece stands for a hidden character, else null. */
  readonly mark: string | null
}

// By category: controls, formats (bidirectional, zero-width, tags), every space but the plain one, half surrogates, private
// and unassigned characters. Then those that Unicode counts as letters, marks or symbols and that draw nothing: combining
// grapheme joiner, Hangul and Khmer fillers, Mongolian and other variation selectors, the empty braille cell, null notehead.
const hiddenSource =
  '(?![\\t\\n ])[\\p{Cc}\\p{Cf}\\p{Z}\\p{Cs}\\p{Co}\\p{Cn}\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u2800\\u3164\\ufe00-\\ufe0f\\uffa0\\u{1d159}\\u{e0100}-\\u{e01ef}]'
const hidden = new RegExp(hiddenSource, 'gu')
// Printable ASCII, tab and line feed: nearly every text, and nothing in it can hide.
const plain = /^[\t\n -~]*$/
const startsHidden = new RegExp(`^${hiddenSource}`, 'u')

const labels: Readonly<Record<string, string>> = {
  'U+0000': 'null',
  'U+0008': 'backspace',
  'U+000B': 'vertical tab',
  'U+000C': 'form feed',
  'U+000D': 'carriage return',
  'U+001B': 'escape',
  'U+007F': 'delete',
  'U+0085': 'next line',
  'U+00A0': 'no-break space',
  'U+00AD': 'soft hyphen',
  'U+061C': 'Arabic letter mark',
  'U+200B': 'zero width space',
  'U+200C': 'zero width non-joiner',
  'U+200D': 'zero width joiner',
  'U+200E': 'left-to-right mark',
  'U+200F': 'right-to-left mark',
  'U+2028': 'line separator',
  'U+2029': 'paragraph separator',
  'U+202A': 'left-to-right embedding',
  'U+202B': 'right-to-left embedding',
  'U+202C': 'end of embedding',
  'U+202D': 'left-to-right override',
  'U+202E': 'right-to-left override',
  'U+2060': 'word joiner',
  'U+2066': 'left-to-right isolate',
  'U+2067': 'right-to-left isolate',
  'U+2068': 'first strong isolate',
  'U+2069': 'end of isolate',
  'U+3000': 'ideographic space',
  'U+FEFF': 'byte order mark',
}

/** `U+0430` of a character. */
export const codeOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

/** What a mark stands for, in words: `right-to-left override`. */
export const labelOf = (mark: string): string => labels[mark] ?? 'a character that does not show'

export const isHidden = (character: string): boolean => startsHidden.test(character)

/** Splits a text into plain pieces and marks. Joining `text` of all pieces gives the text back. */
export function visiblePieces(text: string): VisiblePiece[] {
  if (plain.test(text)) return text === '' ? [] : [{ text, mark: null }]
  const pieces: VisiblePiece[] = []
  let from = 0
  for (const match of text.matchAll(hidden)) {
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), mark: null })
    pieces.push({ text: match[0], mark: codeOf(match[0]) })
    from = match.index + match[0].length
  }
  if (from < text.length) pieces.push({ text: text.slice(from), mark: null })
  return pieces
}
