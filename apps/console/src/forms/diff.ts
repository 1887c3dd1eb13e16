// Two texts as the lines that differ, with a few around them. Pure.

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
  const rows: DiffRow[] = []
  let [oldLine, freshLine] = [0, 0]
  // A last pair behind both ends lets the loop close what stands behind the last equal line.
  for (const [oldAt, freshAt] of [...equalLines(old, fresh), [old.length, fresh.length] as const]) {
    while (oldLine < oldAt) rows.push({ kind: 'removed', text: old[oldLine] ?? '', before: ++oldLine, after: null })
    while (freshLine < freshAt)
      rows.push({ kind: 'added', text: fresh[freshLine] ?? '', before: null, after: ++freshLine })
    if (oldAt < old.length) rows.push(same(old, oldLine++, freshLine++))
  }
  const counted = (kind: DiffRow['kind']): number => rows.filter((row) => row.kind === kind).length
  return { rows: folded(rows), added: counted('added'), removed: counted('removed') }
}

/** Without the empty line that a last line end makes; no text has no lines. */
const linesOf = (text: string): readonly string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))

type Pair = readonly [number, number]

/** Pairs of lines compared; beyond it the middle counts as changed whole. Two texts of 2,000 lines that share nothing. */
const pairsMax = 4_000_000

/** The longest common subsequence of lines, as pairs of their numbers, ascending. */
function equalLines(old: readonly string[], fresh: readonly string[]): readonly Pair[] {
  const shorter = Math.min(old.length, fresh.length)
  let head = 0
  while (head < shorter && old[head] === fresh[head]) head += 1
  let tail = 0
  while (tail < shorter - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail += 1
  const middle = commonLines(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail))
  return [
    ...Array.from({ length: head }, (_, index): Pair => [index, index]),
    ...middle.map(([left, right]): Pair => [left + head, right + head]),
    ...Array.from({ length: tail }, (_, index): Pair => [old.length - tail + index, fresh.length - tail + index]),
  ]
}

function commonLines(old: readonly string[], fresh: readonly string[]): Pair[] {
  if (old.length * fresh.length > pairsMax) return []
  // lengths[i * width + j]: the longest common subsequence of old from i and fresh from j.
  const width = fresh.length + 1
  const lengths = new Uint16Array((old.length + 1) * width)
  const lengthAt = (left: number, right: number): number => lengths[left * width + right] ?? 0
  for (let left = old.length - 1; left >= 0; left--)
    for (let right = fresh.length - 1; right >= 0; right--)
      lengths[left * width + right] =
        old[left] === fresh[right]
          ? lengthAt(left + 1, right + 1) + 1
          : Math.max(lengthAt(left + 1, right), lengthAt(left, right + 1))
  const pairs: Pair[] = []
  let [left, right] = [0, 0]
  while (left < old.length && right < fresh.length) {
    if (old[left] === fresh[right]) pairs.push([left++, right++])
    else if (lengthAt(left + 1, right) >= lengthAt(left, right + 1)) left += 1
    else right += 1
  }
  return pairs
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
