// RETURNING: a select list over the target, as it is after and, by `old`, as it was before the statement (PostgreSQL 18).
// It reads: whoever may write a relation but not select from it gets no columns back.
import type { ReturningClause } from '@pgsql/types'
import type { Target } from './assign.ts'
import { targetColumns } from './output.ts'
import { relationEffect } from './relations.ts'
import { type Entry, type Scope, unknown } from './scope.ts'
import { payload } from './tree.ts'
import type { Column } from './values.ts'

/** `*` gives the target's columns before those of FROM; of a MERGE, those of the source first (parse_merge.c). */
export function returningColumns(
  clause: ReturningClause | undefined,
  target: Target,
  scope: Scope,
  order: 'target first' | 'source first' = 'target first',
): readonly Column[] {
  if (clause === undefined) return []
  let read = false
  const mark = (entry: Entry): Entry => ({
    ...entry,
    columns: entry.columns.map((column) => ({
      ...column,
      read: () => {
        read = true
        column.read?.()
      },
    })),
  })
  const own = mark(target.entry)
  const others = scope.entries.slice(1)
  const names = { old: 'old', new: 'new' }
  for (const node of clause.options ?? []) {
    const option = payload(node, 'ReturningOption')
    if (option?.option === 'RETURNING_OPTION_OLD') names.old = option.value ?? 'old'
    else if (option?.option === 'RETURNING_OPTION_NEW') names.new = option.value ?? 'new'
    else unknown(scope.env, 'an option of RETURNING')
  }
  const taken = new Set([own, ...others].map((entry) => entry.name))
  // A relation of FROM that has the name hides the row of that name.
  const rows = [names.old, names.new]
    .filter((name) => !taken.has(name))
    .map((name) => ({ ...own, name, schema: null, columnsVisible: false }))
  const named = order === 'target first' ? [own, ...others] : [...others, own]
  const entries = [...named, ...rows]
  const columns = targetColumns(clause.exprs, { ...scope, entries })
  if (read && target.relation !== null) relationEffect(scope.env, 'select', target.relation, 'direct', true)
  return columns
}
