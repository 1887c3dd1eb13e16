// What differs between two texts: signs and words, not colour alone. Loaded only where it is used.
import { VisibleText } from '../ui/VisibleText.tsx'
import { plural } from '../util/format.ts'
import { type DiffRow, diffOf } from './diff.ts'

export function DiffTable({
  label,
  before,
  after,
}: {
  readonly label: string
  readonly before: string
  readonly after: string
}) {
  const { rows, added, removed } = diffOf(before, after)
  if (added + removed === 0) return <p className="text-ink-2">No line differs.</p>
  return (
    <figure className="overflow-hidden rounded-lg border border-line bg-canvas">
      <figcaption className="border-b border-line px-3 py-1.5 text-xs text-ink-3">
        {label}: {plural(added, 'line')} added, {plural(removed, 'line')} removed
      </figcaption>
      <div className="font-mono text-[13px] leading-5">
        {rows.map((row, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows of one diff never move
          <Row key={index} row={row} />
        ))}
      </div>
    </figure>
  )
}

const looks = {
  same: { sign: ' ', word: '', tone: '' },
  added: { sign: '+', word: 'added: ', tone: 'bg-allow-soft text-allow' },
  removed: { sign: '−', word: 'removed: ', tone: 'bg-deny-soft text-deny' },
} as const

function Row({ row }: { readonly row: DiffRow }) {
  if (row.kind === 'gap')
    return <p className="bg-surface-2 px-3 py-0.5 font-sans text-xs text-ink-3">{plural(row.lines, 'equal line')}</p>
  const look = looks[row.kind]
  return (
    <p className={`flex ${look.tone}`}>
      <span aria-hidden className="w-10 shrink-0 pr-2 text-right text-xs leading-5 text-ink-3 tabular-nums select-none">
        {row.after ?? row.before}
      </span>
      <span aria-hidden className="w-4 shrink-0 select-none">
        {look.sign}
      </span>
      <span className="min-w-0 grow pr-3 whitespace-pre-wrap [overflow-wrap:anywhere]">
        <span className="sr-only">{look.word}</span>
        <VisibleText text={row.text} />
      </span>
    </p>
  )
}
