// What a write sets off: children, triggers, foreign keys that cascade, rules, and the relations behind a view.
// Everything found here is derived: it can deny or hold a statement, never allow it.
import type { CatalogRelation } from './catalog.ts'
import { descendants, relationName } from './catalog-index.ts'
import {
  behindView,
  computedOnWrite,
  movesRows,
  probed,
  referredTo,
  testedTogether,
  type Written,
} from './constraints.ts'
import { newDraft } from './draft.ts'
import { relationColumns, relationEffect } from './relations.ts'
import { type Environment, unknown } from './scope.ts'
import { fireTrigger } from './triggers.ts'
import { isSystemTypeName, plain } from './values.ts'

export type Write = 'insert' | 'update' | 'delete' | 'truncate'

/** The effect of a write on a relation, and all that follows from it. */
export function writeEffects(
  env: Environment,
  operation: Write,
  relation: CatalogRelation,
  children: boolean,
  via: 'direct' | 'derived' = 'direct',
): void {
  relationEffect(env, operation, relation, via, children)
  quoted(env, [relation, ...(children ? descendants(env.index, relation) : [])])
  const seen = new Set<string>()
  follow(env, operation, relation, seen)
  if (children) for (const child of descendants(env.index, relation)) follow(env, operation, child, seen)
}

/** An error of a write quotes the row: also what it holds of other relations, as a whole row of one. */
function quoted(env: Environment, relations: readonly CatalogRelation[]): void {
  for (const relation of relations)
    if (relation.columns.some(({ type }) => !isSystemTypeName(type)))
      for (const { value } of relationColumns({ ...env, draft: newDraft() }, relation))
        for (const { relationOid } of value.sources) env.draft.relations.add(relationOid)
}

function follow(env: Environment, operation: Write, relation: CatalogRelation, seen: Set<string>): void {
  const key = `${operation} ${relation.oid}`
  if (seen.has(key)) return
  seen.add(key)
  if (relation.rules.length > 0) unknown(env, `the rules of "${relationName(relation)}"`)
  for (const trigger of relation.triggers) if (trigger.events.includes(operation)) fireTrigger(env, relation, trigger)
  if (operation === 'insert' || operation === 'update') computedOnWrite(env, relation)
  if (operation === 'insert') probed(env, relation, null, false)
  if (operation === 'delete') referredTo(env, relation, null, false)
  if (operation === 'delete' || operation === 'update') cascade(env, operation, relation, seen)
  if (relation.kind === 'view') throughView(env, operation, relation)
}

/** What runs where a row goes from one partition to another: it is deleted there, and inserted here. `written`: null, not known. */
export function moved(env: Environment, relation: CatalogRelation, written: Written | null): void {
  if (relation.kind === 'view') behindView(env, relation, written, (base, behind) => moved(env, base, behind))
  if (!movesRows(env, relation, written)) return
  for (const one of descendants(env.index, relation))
    for (const trigger of one.triggers)
      if (trigger.events.includes('insert') || trigger.events.includes('delete')) fireTrigger(env, one, trigger)
}

/** ON DELETE and ON UPDATE actions run as statements on the referencing relation, which may go on from there. */
function cascade(env: Environment, operation: 'delete' | 'update', relation: CatalogRelation, seen: Set<string>): void {
  for (const key of relation.cascades) {
    const action = operation === 'delete' ? key.onDelete : key.onUpdate
    const from = env.index.byOid.get(key.fromOid)
    if (action === 'none') continue
    if (from === undefined) {
      unknown(env, `a foreign key that points at "${relationName(relation)}"`)
      continue
    }
    const next: Write = operation === 'delete' && action === 'cascade' ? 'delete' : 'update'
    relationEffect(env, next, from, 'derived', true)
    if (next === 'update') {
      testedTogether(env, from, writtenBy(key, from), true)
      moved(env, from, writtenBy(key, from))
    }
    for (const one of [from, ...descendants(env.index, from)]) follow(env, next, one, seen)
  }
}

/** What an action writes: the columns that refer; null where the catalog does not say which those are. */
const writtenBy = ({ columns }: CatalogRelation['cascades'][number], from: CatalogRelation): Written | null =>
  columns === undefined
    ? null
    : new Map(from.columns.flatMap(({ name, number }) => (columns.includes(number) ? [[name, plain()]] : [])))

/** A view that can be written to passes the write on to the relations that it reads. */
function throughView(env: Environment, operation: Write, view: CatalogRelation): void {
  const bases = new Set<number>()
  for (const { value } of relationColumns(env, view))
    for (const column of value.sources) if (column.relationOid !== view.oid) bases.add(column.relationOid)
  for (const oid of bases) {
    const base = env.index.byOid.get(oid)
    if (base !== undefined) writeEffects(env, operation, base, true, 'derived')
  }
}
