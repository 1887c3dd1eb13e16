// Makes every character of a text visible that could hide another: controls, zero-width, bidirectional, odd spaces.
// Returns pieces, so that the page draws the marks as marks; nothing is dropped and nothing is reordered.

export interface VisiblePiece {
  readonly text: string
  /** A name such as U+202E when the piece stands for a hidden character, else null. */
  readonly mark: string | null
}

// Controls but tab and newline, soft hyphen, Arabic letter mark, zero-width, bidi embeddings and isolates, word joiner,
// invisible operators, BOM, variation selectors, interlinear marks, tags; and spaces that are no plain space.
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: combining characters are meant one by one
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|\udb40[\udc00-\uddef]/g

const nameOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

/** Splits a text into plain pieces and marks. Joining `text` of all pieces that are no marks, and the marked characters, gives the text back. */
export function visiblePieces(text: string): VisiblePiece[] {
  const pieces: VisiblePiece[] = []
  let from = 0
  for (const match of text.matchAll(hidden)) {
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), mark: null })
    pieces.push({ text: match[0], mark: nameOf(match[0]) })
    from = match.index + match[0].length
  }
  if (from < text.length) pieces.push({ text: text.slice(from), mark: null })
  return pieces
}
