// Columns that hold whole rows of another relation: what is protected there is protected here as well. A row of customers
// that somebody has kept elsewhere has the ssn in it, under the relation's own field names.
import type { CatalogRelation } from './catalog.ts'
import { type CatalogIndex, elementType } from './catalog-index.ts'
import { newDraft } from './draft.ts'
import { relationColumns } from './relations.ts'
import { type Environment, unknown } from './scope.ts'
import { type Column, joinSources, row, type Value } from './values.ts'

/** The value of a column of this type: with the columns of its row type as sources, and each field found again. */
export function ofRowType(env: Environment, type: string, own: Value): Value {
  const element = madeOf(env.index, type)
  const relation = relationOfType(env.index, element.type)
  const ofElement = relationOfType(env.index, elementType(type))
  if (relation !== null && ofElement !== null && relation !== ofElement)
    unknown(env, `the type "${type}", whose name is that of an array as well`)
  if (relation === null) return own
  if (env.expanding.includes(relation.oid)) {
    unknown(env, `the type "${type}", which holds itself`)
    return own
  }
  // What a view or a generated column does is done where its own rows are read, not here.
  const draft = newDraft()
  const columns = relationColumns({ ...env, draft, expanding: [...env.expanding, relation.oid] }, relation)
  for (const why of draft.unknowns) unknown(env, why)
  const fields = columns.map(({ name, value }): Column => ({ name, value: joinSources(value, own) }))
  const whole = joinSources(own, row(fields))
  return element.isRow ? { ...whole, fields: row(fields).fields } : whole
}

/** What a value of a type is made of: domains are their base type, and arrays and ranges hold their elements. `isRow`: it is one of them. */
function madeOf({ contents, types }: CatalogIndex, type: string): { readonly type: string; readonly isRow: boolean } {
  let isRow = true
  let found = type
  for (;;) {
    const inner = contents.get(found)
    const next = inner?.of ?? (types.has(found) ? found : elementType(found))
    if (next === found) return { type: found, isRow }
    if (inner?.kind !== 'domain') isRow = false
    found = next
  }
}

function relationOfType(index: CatalogIndex, type: string): CatalogRelation | null {
  if (index.types.get(type) !== 'composite') return null
  const at = type.indexOf('.')
  const found = index.named.get(type.slice(at + 1)) ?? []
  return found.find((one) => one.schema === type.slice(0, at)) ?? null
}
