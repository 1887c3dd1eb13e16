// Which writes ask about a protected column: a unique index says that a value is there, a foreign key that it is not (THREATS ).
// Nothing is counted here: the agent does, once the target has said so.
import type { Chain } from '@sallyport/base/identity'
import type { Catalog } from '@sallyport/sql/catalog'
import type { ColumnRef } from '@sallyport/sql/facts'
import type { Masking } from './columns.ts'
import { type AppliedLimit, columnKey, limitsOn } from './limits.ts'

/** A limit that such an answer counts under. */
export interface Guess extends AppliedLimit {
  /** The column that was written, as the target names it in its answer. */
  readonly column: string
}

/** A written column, with a protected one that its values are compared with: mostly itself. */
interface Compared {
  readonly column: string
  readonly protectedKey: string
}

// A list of guesses belongs to one catalog and lives as long.
const known = new WeakMap<Masking['guesses'], ReadonlyMap<string, readonly Compared[]>>()

export function appliedGuesses(
  written: readonly ColumnRef[],
  guesses: Masking['guesses'],
  catalog: Catalog,
  { target, chain }: { readonly target: string; readonly chain: Chain },
): readonly Guess[] {
  const compared = known.get(guesses) ?? comparedWith(guesses, catalog)
  known.set(guesses, compared)
  return written.flatMap((ref) =>
    (compared.get(columnKey(ref)) ?? []).flatMap(({ column, protectedKey }) => {
      const found = guesses.get(protectedKey)
      return found === undefined ? [] : limitsOn(found, target, chain).map((one) => ({ ...one, column }))
    }),
  )
}

function comparedWith(guesses: Masking['guesses'], catalog: Catalog): ReadonlyMap<string, readonly Compared[]> {
  const found = new Map<string, Compared[]>()
  const relations = new Map(catalog.relations.map((relation) => [relation.oid, relation]))
  const add = (relationOid: number, number: number, protectedKey: string): void => {
    const name = relations.get(relationOid)?.columns.find((column) => column.number === number)?.name
    const key = columnKey({ relationOid, number })
    if (name !== undefined) found.set(key, [...(found.get(key) ?? []), { column: name, protectedKey }])
  }
  for (const { oid, columns, compared, cascades } of catalog.relations)
    for (const { number } of columns) {
      const key = columnKey({ relationOid: oid, number })
      if (!guesses.has(key)) continue
      if (compared?.includes(number) !== false) add(oid, number, key)
      for (const { fromOid, columns: from, keys } of cascades) {
        if (keys?.includes(number) === false) continue
        const referring = from ?? relations.get(fromOid)?.columns.map((column) => column.number) ?? []
        for (const other of referring) add(fromOid, other, key)
      }
    }
  return found
}
