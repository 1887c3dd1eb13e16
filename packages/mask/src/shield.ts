// Protected columns arranged for look-ups: which protections a column that a statement names falls under. Nothing is decided
// here; plan.ts does.
import { type JsonPath, meet } from './json/path.ts'
import type { PlanInput, Planned, PlanRef, ProtectedColumn } from './plan.ts'
import type { MaskMethod, Predicates } from './rule.ts'
import { strictestColumn } from './strictest.ts'

/** One protection that a reference falls under: of a column, or of a part of it. */
export interface Guard {
  readonly name: string
  readonly path: JsonPath | null
  readonly method: MaskMethod
  readonly predicates: Predicates
  readonly orderShown?: true
  readonly rule: string
}

/** Protected columns by (relation, number), the strictest of several rules; and the relations that hold one. */
export interface Shield {
  readonly columns: ReadonlyMap<string, ProtectedColumn>
  /** Strictest protection inside each relation: what a whole-row reference must be treated as. */
  readonly relations: ReadonlyMap<number, ProtectedColumn>
  /** Plans made so far: a plan depends on the lineage and the columns, and on nothing else. */
  readonly plans: WeakMap<PlanInput, Planned>
}

// The list is the same object for every statement of a chain under one catalog, so its index is made once.
const shields = new WeakMap<readonly ProtectedColumn[], Shield>()

export function shieldOf(columns: readonly ProtectedColumn[]): Shield {
  const known = shields.get(columns)
  if (known !== undefined) return known
  const byColumn = new Map<string, ProtectedColumn>()
  const byRelation = new Map<number, ProtectedColumn>()
  for (const column of columns) {
    const key = columnKey(column)
    const other = byColumn.get(key)
    byColumn.set(key, other === undefined ? column : strictestColumn(other, column))
    const neighbour = byRelation.get(column.relationOid)
    byRelation.set(column.relationOid, neighbour === undefined ? column : strictestColumn(neighbour, column))
  }
  const shield = { columns: byColumn, relations: byRelation, plans: new WeakMap<PlanInput, Planned>() }
  shields.set(columns, shield)
  return shield
}

const strictOnes = new WeakMap<readonly ProtectedColumn[], readonly ProtectedColumn[]>()

/** Columns of policies that let nothing through that is not proven; the list itself where those are all. */
export function strictColumns(columns: readonly ProtectedColumn[]): readonly ProtectedColumn[] {
  const known = strictOnes.get(columns)
  if (known !== undefined) return known
  const strict = columns.some(({ relaxed }) => relaxed === true)
    ? columns.filter(({ relaxed }) => relaxed !== true)
    : columns
  strictOnes.set(columns, strict)
  return strict
}

export const columnKey = (ref: { readonly relationOid: number; readonly number: number }): string =>
  `${ref.relationOid}.${ref.number}`

/** All protections that references fall under. Number 0 is the whole row (PostgreSQL, InvalidAttrNumber): all its columns. */
export function guardsOf(shield: Shield, refs: readonly PlanRef[]): readonly Guard[] {
  const found: Guard[] = []
  for (const ref of refs) {
    const column = ref.number === 0 ? shield.relations.get(ref.relationOid) : shield.columns.get(columnKey(ref))
    if (column === undefined) continue
    const { name, parts } = column
    if (parts === undefined || ref.number === 0) found.push({ ...column, path: null })
    else for (const part of parts) if (meet(ref.path ?? [], part.path).kind !== 'apart') found.push({ ...part, name })
  }
  return found
}
