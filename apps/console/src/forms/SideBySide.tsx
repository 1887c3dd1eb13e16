// Two texts beside each other, line by line; what differs has a sign and a word, not a colour alone. Text nodes only.
import { VisibleText } from '../ui/VisibleText.tsx'
import { plural } from '../util/format.ts'
import { diffOf } from './diff.ts'
import { type PairedRow, paired } from './paired.ts'

interface SideBySideProps {
  readonly before: string
  readonly after: string
  readonly beforeLabel: string
  readonly afterLabel: string
}

export function SideBySide({ before, after, beforeLabel, afterLabel }: SideBySideProps) {
  const rows = paired(diffOf(before, after).rows)
  return (
    <table className="w-full table-fixed overflow-hidden rounded-lg border border-line bg-canvas text-left">
      <thead className="border-b border-line text-xs text-ink-3">
        <tr>
          <th scope="col" className="px-3 py-1.5 font-normal">
            {beforeLabel}
          </th>
          <th scope="col" className="border-l border-line px-3 py-1.5 font-normal">
            {afterLabel}
          </th>
        </tr>
      </thead>
      <tbody className="font-mono text-[13px] leading-5">
        {rows.map((row, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows of one diff never move
          <Row key={index} row={row} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ row }: { readonly row: PairedRow }) {
  if (row.kind === 'gap')
    return (
      <tr>
        <td colSpan={2} className="bg-surface-2 px-3 py-0.5 font-sans text-xs text-ink-3">
          {plural(row.lines, 'equal line')}
        </td>
      </tr>
    )
  const isSame = row.kind === 'same'
  return (
    <tr className="align-top">
      <Side text={row.before} sign={isSame ? ' ' : '−'} word={isSame ? '' : 'before: '} />
      <Side text={row.after} sign={isSame ? ' ' : '+'} word={isSame ? '' : 'now: '} />
    </tr>
  )
}

const tones: Readonly<Record<string, string>> = { '−': 'bg-deny-soft text-deny', '+': 'bg-allow-soft text-allow' }

function Side({ text, sign, word }: { readonly text: string | null; readonly sign: string; readonly word: string }) {
  const edge = sign === '−' || word === '' ? '' : 'border-l border-line'
  if (text === null) return <td className={`bg-surface-2 ${edge}`} />
  return (
    <td className={`px-3 ${edge} ${tones[sign] ?? ''}`}>
      <span className="flex">
        <span aria-hidden className="w-4 shrink-0 select-none">
          {sign}
        </span>
        <span className="min-w-0 grow whitespace-pre-wrap [overflow-wrap:anywhere]">
          <span className="sr-only">{word}</span>
          <VisibleText text={text} />
        </span>
      </span>
    </td>
  )
}
