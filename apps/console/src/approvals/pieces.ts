// Cuts a statement into what the page draws: words in the colours of the server's spans, and tokens for everything that an
// eye could miss – hidden characters, letters that only look like ASCII, long runs of nothing. Pure, and nothing is lost:
// the pieces joined are the statement.
import type { TokenSpan } from '@sallyport/api/approvals'
import { plural } from '../util/format.ts'
import { codeOf, isHidden } from '../util/visible.ts'

export type PieceKind = TokenSpan['kind'] | 'plain'
export interface Piece {
  /** The characters it stands for. */
  readonly text: string
  readonly kind: PieceKind
  /**
   * `text`: as it is. `hidden`: a character that does not show. `foreign`: visible characters that could pass for others.
   * `gap`: so much nothing that it could push the rest out of sight.
   */
  readonly shape: 'text' | 'hidden' | 'foreign' | 'gap'
  /** What a token says: `U+202E`, `U+0430`, `240 spaces`. Empty for text. */
  readonly label: string
}
export interface Line {
  readonly pieces: readonly Piece[]
  /** How it ends in the text. */
  readonly end: '' | '\n' | '\r\n'
}

/** Spaces in a row from which on they are drawn as a token. */
export const gapSpacesMin = 24
/** Empty lines in a row from which on they are drawn as a token. */
export const gapLinesMin = 4
/** Combining marks on one letter from which on they are drawn as a token: a stack of them covers other lines. */
const combiningMin = 3
/** Code points that a token for letters beyond ASCII spells out. */
const codesShownMax = 4

// Beyond ASCII, in places where SQL has words and signs. In strings and comments only what could pass for a quote or for the
// end of a statement: other writing belongs there.
const lookalikes =
  /[\u02b9-\u02bc\u02c8\u02ee\u0374\u037e\u055a\u05f3\u1fbd\u1fbf\u2018-\u201f\u2032-\u2037\ua78c\ufe10-\ufe19\uff02\uff07\uff1b]/u

function* segments(text: string, spans: readonly TokenSpan[]): Generator<readonly [string, PieceKind]> {
  let at = 0
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    // A span that overlaps or leaves the text is the server's mistake: its characters are still shown, without a colour.
    if (span.start < at || span.end <= span.start || span.end > text.length) continue
    if (span.start > at) yield [text.slice(at, span.start), 'plain']
    yield [text.slice(span.start, span.end), span.kind]
    at = span.end
  }
  if (at < text.length) yield [text.slice(at), 'plain']
}

const parts = new RegExp(
  `\\r?\\n|[ \\t]{${gapSpacesMin},}|\\p{M}{${combiningMin},}|[\\x21-\\x7e]+|[^\\x21-\\x7e]`,
  'gu',
)

type Cut = Piece | { readonly shape: 'end'; readonly text: '\n' | '\r\n' }

function cutOf(text: string, kind: PieceKind): Cut {
  if (text === '\n' || text === '\r\n') return { shape: 'end', text }
  if (text === ' ' || text === '\t' || /^[\x21-\x7e]/.test(text)) return { text, kind, shape: 'text', label: '' }
  if (text.length >= gapSpacesMin && /^[ \t]/.test(text)) return { text, kind, shape: 'gap', label: spacesOf(text) }
  const characters = [...text]
  if (characters.length >= combiningMin)
    return { text, kind, shape: 'hidden', label: plural(characters.length, 'combining mark') }
  if (isHidden(text)) return { text, kind, shape: 'hidden', label: codeOf(text) }
  const isQuoted = kind === 'string' || kind === 'comment'
  const isForeign = isQuoted ? lookalikes.test(text) : /[^\t\x20-\x7e]/u.test(text)
  return isForeign ? { text, kind, shape: 'foreign', label: codeOf(text) } : { text, kind, shape: 'text', label: '' }
}

function spacesOf(run: string): string {
  if (!run.includes('\t')) return plural(run.length, 'space')
  return run.includes(' ') ? `${plural(run.length, 'space')} and tabs` : plural(run.length, 'tab')
}

const isJoined = (before: Piece | undefined, next: Piece): before is Piece =>
  before !== undefined &&
  before.kind === next.kind &&
  before.shape === next.shape &&
  (next.shape === 'text' || next.shape === 'foreign')

/** The code points of a token, once its letters are all there. */
function named(piece: Piece): Piece {
  if (piece.shape !== 'foreign') return piece
  const codes = [...piece.text].map(codeOf)
  const shown = codes.slice(0, codesShownMax).join(' ')
  return { ...piece, label: codes.length > codesShownMax ? `${shown} +${codes.length - codesShownMax}` : shown }
}

/** The statement as lines of pieces. Without spans everything is plain. */
export function linesOf(text: string, spans: readonly TokenSpan[]): readonly Line[] {
  const lines: Line[] = []
  let pieces: Piece[] = []
  for (const [segment, kind] of segments(text, spans)) {
    // Nothing is joined over the edge of a span.
    let fresh = true
    for (const [part] of segment.matchAll(parts)) {
      const cut = cutOf(part, kind)
      if (cut.shape === 'end') {
        lines.push({ pieces: pieces.map(named), end: cut.text })
        pieces = []
        continue
      }
      const before = pieces.at(-1)
      if (!fresh && isJoined(before, cut)) pieces[pieces.length - 1] = { ...before, text: before.text + cut.text }
      else pieces.push(cut)
      fresh = false
    }
  }
  lines.push({ pieces: pieces.map(named), end: '' })
  return withoutEmptyRuns(lines)
}

const rawOf = (line: Line): string => line.pieces.map((piece) => piece.text).join('') + line.end
const isEmpty = (line: Line): boolean => line.pieces.every((piece) => /^[ \t]*$/.test(piece.text))

function withoutEmptyRuns(lines: readonly Line[]): readonly Line[] {
  const out: Line[] = []
  let run: Line[] = []
  const close = () => {
    if (run.length < gapLinesMin) out.push(...run)
    else out.push(emptyRun(run))
    run = []
  }
  for (const line of lines) {
    if (isEmpty(line)) run.push(line)
    else {
      close()
      out.push(line)
    }
  }
  close()
  return out
}

function emptyRun(run: readonly Line[]): Line {
  const end = run.at(-1)?.end ?? ''
  const text = run.map(rawOf).join('')
  const label = plural(run.length, 'empty line')
  const shown = end === '' ? text : text.slice(0, text.length - end.length)
  return { pieces: [{ text: shown, kind: 'plain', shape: 'gap', label }], end }
}

export interface Tally {
  readonly characters: number
  readonly lines: number
  /** Characters that do not show. */
  readonly hidden: number
  /** Visible characters beyond ASCII where SQL has words and signs, or that look like a quote. */
  readonly foreign: number
}

export function tallyOf(text: string, lines: readonly Line[]): Tally {
  let hidden = 0
  let foreign = 0
  for (const piece of lines.flatMap((line) => line.pieces)) {
    if (piece.shape === 'hidden') hidden += [...piece.text].length
    if (piece.shape === 'foreign') foreign += [...piece.text].length
  }
  return { characters: [...text].length, lines: text.split('\n').length, hidden, foreign }
}
