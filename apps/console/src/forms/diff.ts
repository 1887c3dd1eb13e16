// Two texts as the lines that differ, with a few around them. Pure.
import { Chunk } from '@codemirror/merge'
import { Text } from '@codemirror/state'

export type DiffRow =
  | {
      readonly kind: 'same' | 'added' | 'removed'
      readonly text: string
      readonly before: number | null
      readonly after: number | null
    }
  | { readonly kind: 'gap'; readonly lines: number }

/** Lines kept around a change. */
const aroundLines = 3

export interface Diff {
  readonly rows: readonly DiffRow[]
  readonly added: number
  readonly removed: number
}

export function diffOf(before: string, after: string): Diff {
  const [old, fresh] = [linesOf(before), linesOf(after)]
  // The empty line at the end is in both, so that a line that is added last does not seem to change the one before.
  const [oldText, freshText] = [Text.of([...old, '']), Text.of([...fresh, ''])]
  const chunks = Chunk.build(oldText, freshText)
  const rows: DiffRow[] = []
  let [oldLine, freshLine] = [0, 0]
  for (const chunk of chunks) {
    const [fromOld, toOld] = lineSpan(oldText, chunk.fromA, chunk.toA)
    const [fromFresh, toFresh] = lineSpan(freshText, chunk.fromB, chunk.toB)
    while (oldLine < fromOld) rows.push(same(old, oldLine++, freshLine++))
    while (oldLine < toOld) rows.push({ kind: 'removed', text: old[oldLine] ?? '', before: ++oldLine, after: null })
    freshLine = fromFresh
    while (freshLine < toFresh)
      rows.push({ kind: 'added', text: fresh[freshLine] ?? '', before: null, after: ++freshLine })
  }
  while (oldLine < old.length) rows.push(same(old, oldLine++, freshLine++))
  const counted = (kind: DiffRow['kind']): number => rows.filter((row) => row.kind === kind).length
  return { rows: folded(rows), added: counted('added'), removed: counted('removed') }
}

/** Without the empty line that a last line end makes. */
const linesOf = (text: string): readonly string[] => text.replace(/\n$/, '').split('\n')

/** Lines from the one at `from` up to `to`, 0-based, end excluded. A chunk ends behind its last line end, or past the text. */
function lineSpan(text: Text, from: number, to: number): readonly [number, number] {
  if (from >= to)
    return from > text.length ? [text.lines, text.lines] : [text.lineAt(from).number - 1, text.lineAt(from).number - 1]
  const first = text.lineAt(Math.min(from, text.length)).number - 1
  return [first, text.lineAt(Math.min(to - 1, text.length)).number]
}

const same = (lines: readonly string[], before: number, after: number): DiffRow => ({
  kind: 'same',
  text: lines[before] ?? '',
  before: before + 1,
  after: after + 1,
})

/** Long runs of equal lines become one row that says how many they are. */
function folded(rows: readonly DiffRow[]): DiffRow[] {
  const isNear = rows.map((_, index) =>
    rows.slice(Math.max(0, index - aroundLines), index + aroundLines + 1).some((row) => row.kind !== 'same'),
  )
  const shown: DiffRow[] = []
  for (const [index, row] of rows.entries()) {
    const last = shown.at(-1)
    if (isNear[index] === true) shown.push(row)
    else if (last?.kind === 'gap') shown[shown.length - 1] = { kind: 'gap', lines: last.lines + 1 }
    else shown.push({ kind: 'gap', lines: 1 })
  }
  return shown
}
