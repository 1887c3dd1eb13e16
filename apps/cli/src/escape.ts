// Makes text from elsewhere safe to show on a terminal: nothing that it prints moves the cursor, changes colours, hides
// text or turns its direction. It never shortens anything.

// Controls (C0, DEL, C1), soft hyphen, bidirectional controls (Unicode UAX #9), zero-width and invisible characters,
// line and paragraph separators, variation selectors, interlinear annotations, tags, and lone surrogates.
const unsafe = new RegExp(
  [
    '[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f]',
    '[\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb]',
    '[\\u{e0000}-\\u{e0fff}]',
    '\\p{Surrogate}',
  ].join('|'),
  'gu',
)

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function shown(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return named[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 4)}}`)
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0')

// Emoji are made with joiners and selectors; a whole sequence of the Unicode list is harmless as it is.
const emojiSequence = '^\\p{RGI_Emoji}$'
const sets = 'v'
const emoji = new RegExp(emojiSequence, sets)
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** One line: every unsafe character as a visible escape, `\n`, `\x1b`, `\u{202e}`. */
export function escapeText(text: string): string {
  if (text.search(unsafe) === -1) return text
  let result = ''
  for (const { segment } of graphemes.segment(text))
    result += emoji.test(segment) ? segment : segment.replace(unsafe, shown)
  return result
}

/** Several lines: line feeds stay, the rest is escaped. */
export const escapeLines = (text: string): string => text.split(/\r?\n/).map(escapeText).join('\n')

/** JSON whose text is safe on a terminal too: what is unsafe is written as the JSON escape of the same character. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(unsafe, (character) => {
    if (character === '\n') return character
    let units = ''
    for (let index = 0; index < character.length; index++) units += `\\u${hex(character.charCodeAt(index), 4)}`
    return units
  })
}
