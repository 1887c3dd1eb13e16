// How many columns of a terminal a text takes: two for wide East Asian characters and emoji, none for combining marks.

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
const ascii = /^[\x20-\x7e]*$/
const emojiSequence = '^(\\p{RGI_Emoji}|\\p{Emoji_Presentation})$'
const sets = 'v'
const emoji = new RegExp(emojiSequence, sets)
const mark = /^[\p{Mn}\p{Me}\p{Cf}]+$/u

// Table: ranges of East Asian Width W and F (Unicode 16, EastAsianWidth.txt), neighbours joined.
const wide: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18df2],
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f251],
  [0x20000, 0x3fffd],
]

const isWide = (code: number): boolean => wide.some(([first, last]) => code >= first && code <= last)

function graphemeWidth(grapheme: string): number {
  if (emoji.test(grapheme)) return 2
  if (mark.test(grapheme)) return 0
  return isWide(grapheme.codePointAt(0) ?? 0) ? 2 : 1
}

/** Columns of a text without control characters (escape.ts takes them out before). */
export function textWidth(text: string): number {
  if (ascii.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment)
  return width
}

/** Adds spaces up to `width` columns; longer text stays whole. */
export function pad(text: string, width: number, side: 'left' | 'right' = 'right'): string {
  const spaces = ' '.repeat(Math.max(0, width - textWidth(text)))
  return side === 'right' ? text + spaces : spaces + text
}
