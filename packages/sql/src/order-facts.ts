// What the resolver found of the nodes of a statement's tree, by the node itself and never by a name that stands in it, for those who
// prove that the order of rows shows nothing (order-fixed.ts, order-free.ts, fallible.ts). What is not in here is not proven.

import type { A_Expr, FuncCall, Node } from '@pgsql/types'
import { type Builtin, builtin } from './builtins.ts'
import type { CatalogColumn, CatalogRelation } from './catalog.ts'
import { isConstant, payload, texts } from './tree.ts'
import type { Column, Value } from './values.ts'

/** One place where a stored table is read or written: the same table in another place is another one. */
export interface ReadTable {
  readonly relation: CatalogRelation
}

/** A column of a stored table, as it is there. */
export interface StoredColumn {
  readonly table: ReadTable
  readonly column: CatalogColumn
}

/** What a name or a key stands for. */
export interface Found {
  /** The same object for the same column of the same place, or for the same expression of a select list. */
  readonly id: object
  /** As values have it; null where it is not known. */
  readonly type: string | null
  /** Null for anything but a column of a stored table. */
  readonly stored: StoredColumn | null
}

/** A call of one of PostgreSQL's own functions, with the types of its arguments. */
export interface Called {
  readonly builtin: Builtin
  readonly types: readonly (string | null)[]
}

/** `column = constant`, by PostgreSQL's own operator. */
export interface Pin {
  readonly stored: StoredColumn
  /** Of the constant; null for a bare parameter. */
  readonly type: string | null
  /** Number of the parameter that it is, by itself. */
  readonly parameter: number | null
}

/** By payloads of nodes; null for one that was found to be two things. */
export interface OrderFacts {
  readonly tables: Map<object, ReadTable | null>
  readonly columns: Map<object, Found | null>
  /** Of ORDER BY and GROUP BY. */
  readonly keys: Map<object, Found | null>
  readonly casts: Map<object, string | null>
  readonly calls: Map<object, Called | null>
  readonly pins: Map<object, Pin | null>
  /** Types of the columns that SET writes as a whole. */
  readonly written: Map<object, string | null>
  /** Trees of views and of virtual columns that are read with the statement's own. */
  readonly trees: Set<unknown>
  /** OIDs of relations that are read or written by their own names. */
  readonly named: Set<number>
}

export const newOrderFacts = (): OrderFacts => ({
  tables: new Map(),
  columns: new Map(),
  keys: new Map(),
  casts: new Map(),
  calls: new Map(),
  pins: new Map(),
  written: new Map(),
  trees: new Set(),
  named: new Set(),
})

/** Takes over what was found of other trees. */
export function mergeOrder(into: OrderFacts, from: OrderFacts): void {
  for (const [node, found] of from.tables) into.tables.set(node, found)
  for (const [node, found] of from.columns) into.columns.set(node, found)
  for (const [node, found] of from.keys) into.keys.set(node, found)
  for (const [node, found] of from.casts) into.casts.set(node, found)
  for (const [node, found] of from.calls) into.calls.set(node, found)
  for (const [node, found] of from.pins) into.pins.set(node, found)
  for (const [node, found] of from.written) into.written.set(node, found)
  for (const tree of from.trees) into.trees.add(tree)
  for (const oid of from.named) into.named.add(oid)
}

/** A node that is walked twice stands for one thing, or for none. */
function note<T>(map: Map<object, T | null>, node: object | undefined, found: T, isSame: (other: T) => boolean): void {
  if (node === undefined) return
  const before = map.get(node)
  if (before === undefined) map.set(node, found)
  else if (before === null || !isSame(before)) map.set(node, null)
}

export const noteTable = ({ tables }: OrderFacts, range: object, table: ReadTable): void =>
  note(tables, range, table, (other) => other === table)

export const noteColumn = ({ columns }: OrderFacts, node: object, found: Found): void =>
  note(columns, node, found, (other) => isSameColumn(found, other))

export const noteKey = ({ keys }: OrderFacts, key: Node, found: Found): void =>
  note(keys, payloadOf(key), found, (other) => isSameColumn(found, other))

const isSameColumn = (one: Found, other: Found): boolean => one.id === other.id && one.type === other.type

export const noteCast = ({ casts }: OrderFacts, node: object, type: string | null): void =>
  note(casts, node, type ?? '', (other) => other === type)

export const noteWritten = ({ written }: OrderFacts, node: object, type: string): void =>
  note(written, node, type, (other) => other === type)

/** A function of the target's own that has the name is in the draft by itself (Draft.functions). */
export function noteCall({ calls }: OrderFacts, call: FuncCall, values: readonly Value[]): void {
  const [name = '', schema = 'pg_catalog'] = texts(call.funcname).reverse()
  const own = builtin(`${schema}.${name}`)
  if (own === undefined) return
  const types = values.map(({ type }) => type)
  const isSame = (other: Called): boolean =>
    other.types.length === types.length && other.types.every((type, at) => type === types[at])
  note(calls, call, { builtin: own, types }, isSame)
}

/** `=` between a column and a constant, each of which has been walked. */
export function notePin(facts: OrderFacts, found: A_Expr, left: Value | null, right: Value): void {
  if (left === null || found.kind !== 'AEXPR_OP' || texts(found.name).at(-1) !== '=') return
  const isLeft = payload(found.lexpr, 'ColumnRef') !== undefined
  const column = payload(isLeft ? found.lexpr : found.rexpr, 'ColumnRef')
  const stored = column === undefined ? null : (facts.columns.get(column)?.stored ?? null)
  if (stored === null) return
  const constant = isLeft ? found.rexpr : found.lexpr
  if (!isConstant(constant)) return
  const parameter = payload(constant, 'ParamRef')?.number ?? null
  const { type } = isLeft ? right : left
  note(facts.pins, found, { stored, type, parameter }, (other) => other.stored === stored)
}

/** What stands in a node beside its tag. */
export function payloadOf(node: unknown): object | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  const [inner] = Object.values(node)
  return typeof inner === 'object' && inner !== null ? inner : undefined
}

/** What a column of FROM is. */
export const foundInFrom = (column: Column): Found => ({
  id: column,
  type: column.value.type,
  stored: column.stored ?? null,
})

/** What a column of a select list is. */
export const foundInList = (column: Column): Found =>
  column.found ?? { id: column, type: column.value.type, stored: null }
