// Rows of a diff as pairs of what stood there and what stands there now. Pure.
import type { DiffRow } from './diff.ts'

export type PairedRow =
  | { readonly kind: 'same' | 'changed'; readonly before: string | null; readonly after: string | null }
  | { readonly kind: 'gap'; readonly lines: number }

/** Lines that went away stand beside those that came in their place. */
export function paired(rows: readonly DiffRow[]): PairedRow[] {
  const pairs: PairedRow[] = []
  let removed: string[] = []
  let added: string[] = []
  const close = (): void => {
    for (let at = 0; at < Math.max(removed.length, added.length); at++)
      pairs.push({ kind: 'changed', before: removed[at] ?? null, after: added[at] ?? null })
    removed = []
    added = []
  }
  for (const row of rows) {
    if (row.kind === 'removed') removed.push(row.text)
    else if (row.kind === 'added') added.push(row.text)
    else {
      close()
      pairs.push(row.kind === 'gap' ? row : { kind: 'same', before: row.text, after: row.text })
    }
  }
  close()
  return pairs
}
