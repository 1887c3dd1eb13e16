// A statement as it will run, for eyes that have to judge it: React text nodes only, drawn in the order of its characters,
// every trick a token, every cut announced. The colours come from the server's spans.
import type { TokenSpan } from '@sallyport/api/approvals'
import { memo, useMemo, useState } from 'react'
import { CopyButton } from '../ui/CopyButton.tsx'
import { ScrollBox } from '../ui/ScrollBox.tsx'
import { count, plural } from '../util/format.ts'
import { labelOf } from '../util/visible.ts'
import { type Line, linesOf, type Piece, type PieceKind, tallyOf } from './pieces.ts'
import { weightOf } from './risk.ts'

/** Lines drawn at first; the rest is one press away, and the button says how many they are. */
const linesDrawnMax = 400
const lineHeight = 21

const colours: Readonly<Record<PieceKind, string>> = {
  plain: '',
  keyword: 'font-semibold text-accent',
  name: 'text-ink',
  string: 'text-allow',
  number: 'text-mask',
  operator: 'text-ink-2',
  comment: 'text-ink-3 italic',
  parameter: 'font-semibold text-hold',
}

function colourOf(piece: Piece): string {
  if (piece.kind === 'keyword' && weightOf(piece.text) !== 'read') return 'font-bold text-deny'
  return colours[piece.kind]
}

const token = 'mx-px rounded-sm px-1 text-[0.85em] font-medium not-italic select-none'

function PieceText({ piece }: { readonly piece: Piece }) {
  switch (piece.shape) {
    case 'text':
      return <span className={colourOf(piece)}>{piece.text}</span>
    case 'hidden':
      return (
        <span className={`${token} bg-deny-soft text-deny`} title={labelOf(piece.label)}>
          {piece.label}
          <span className="sr-only"> {labelOf(piece.label)}</span>
        </span>
      )
    case 'gap':
      return (
        <span className={`${token} bg-hold-soft text-hold`} title="Left out so that it hides nothing">
          ⟨{piece.label}⟩
        </span>
      )
    case 'foreign':
      return (
        <span title="Not ASCII: may look like another letter" className="rounded-sm bg-hold-soft">
          <span className={`${colourOf(piece)} underline decoration-hold decoration-wavy underline-offset-4`}>
            {piece.text}
          </span>
          <span className={`${token} text-hold`}>{piece.label}</span>
        </span>
      )
  }
}

const LineText = memo(function LineText({ line, number }: { readonly line: Line; readonly number: number }) {
  return (
    <div className="flex overflow-hidden [content-visibility:auto]">
      <span aria-hidden className="w-9 shrink-0 pr-3 text-right text-ink-3 tabular-nums select-none">
        {number}
      </span>
      <span className="in-order min-w-0 grow whitespace-pre-wrap [overflow-wrap:anywhere] [tab-size:4]">
        {line.pieces.map((piece, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one line never move
          <PieceText key={index} piece={piece} />
        ))}
        {line.pieces.length === 0 ? '\u200b' : null}
      </span>
    </div>
  )
})

/** Line numbers of the text; a token for empty lines stands for several. */
function numbered(lines: readonly Line[]): readonly (readonly [number, Line])[] {
  let next = 1
  return lines.map((line) => {
    const number = next
    next += 1 + line.pieces.reduce((sum, piece) => sum + piece.text.split('\n').length - 1, 0)
    return [number, line] as const
  })
}

function Counts({
  statements,
  noun,
  tally,
}: {
  readonly statements: number
  readonly noun: string
  readonly tally: ReturnType<typeof tallyOf>
}) {
  return (
    <span className="flex flex-wrap gap-x-2 text-xs text-ink-3 tabular-nums">
      <span className={statements > 1 ? 'font-semibold text-deny' : ''}>{plural(statements, noun)}</span>
      <span>{plural(tally.characters, 'character')}</span>
      <span>{plural(tally.lines, 'line')}</span>
      {tally.hidden === 0 ? null : (
        <span className="font-semibold text-deny">{plural(tally.hidden, 'hidden character')}</span>
      )}
      {tally.foreign === 0 ? null : (
        <span className="font-semibold text-hold">{plural(tally.foreign, 'letter')} beyond ASCII</span>
      )}
    </span>
  )
}

interface StatementProps {
  readonly text: string
  /** Without them everything is plain: an unparsed text still shows its tricks. */
  readonly spans?: readonly TokenSpan[]
  readonly statements?: number
  /** What it is, in a word. */
  readonly noun?: string
  readonly isOpen?: boolean
  readonly onOpen?: (open: boolean) => void
  /** Limits the height while it is closed. */
  readonly closedClass?: string
  /** Takes the height that is left in a column of a `@container`, instead of a height of its own. */
  readonly fill?: boolean
}
const noSpans: readonly TokenSpan[] = []

/** The whole statement with its counts. `isOpen` and `onOpen` let a key open it; without them it keeps that itself. */
export function Statement(props: StatementProps) {
  const { text, spans = noSpans, statements = 1, noun = 'statement', closedClass = 'max-h-80', fill = false } = props
  const isFilling = fill && props.isOpen !== true
  const [opened, setOpened] = useState(false)
  const [all, setAll] = useState(false)
  const lines = useMemo(() => linesOf(text, spans), [text, spans])
  const tally = useMemo(() => tallyOf(text, lines), [text, lines])
  const shown = all ? lines : lines.slice(0, linesDrawnMax)
  return (
    <div
      className={`min-w-0 rounded-lg border border-line bg-canvas ${isFilling ? '@2xl:flex @2xl:min-h-0 @2xl:flex-col' : ''}`}
    >
      <div className="flex min-h-8 shrink-0 items-center justify-between gap-x-3 border-b border-line py-0.5 pr-1 pl-3">
        <Counts statements={statements} noun={noun} tally={tally} />
        <CopyButton text={text} what={`the ${noun}`} quiet />
      </div>
      <ScrollBox
        label={`Statement, ${plural(tally.lines, 'line')}`}
        lineHeight={lineHeight}
        isOpen={props.isOpen ?? opened}
        onOpen={props.onOpen ?? setOpened}
        closedClass={closedClass}
        fill={fill}
      >
        <code dir="ltr" className="block py-2 pr-3 font-mono text-[13px] leading-[21px]">
          {numbered(shown).map(([number, line]) => (
            <LineText key={number} line={line} number={number} />
          ))}
        </code>
        {shown.length === lines.length ? null : (
          <button
            type="button"
            onClick={() => setAll(true)}
            className="min-h-9 w-full border-t border-deny/40 bg-deny-soft text-xs font-semibold text-deny"
          >
            {count(lines.length - shown.length)} more lines are not drawn yet: show all
          </button>
        )}
      </ScrollBox>
    </div>
  )
}
