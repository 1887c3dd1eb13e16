// Columns and constraints of CREATE TABLE and ALTER TABLE: defaults may call functions, generated columns copy, checks and
// keys test the rows that are there.
import type { ColumnDef, Constraint, Node, PartitionBoundSpec, RangeVar, TypeName } from '@pgsql/types'
import type { CatalogRelation } from './catalog.ts'
import { columnRefs } from './catalog-index.ts'
import { understood } from './ddl.ts'
import { addControlOf, addFlow } from './draft.ts'
import { condition, walk } from './expressions.ts'
import { effectOnRelation } from './objects.ts'
import { placedBy, relationColumns, resolveRelation } from './relations.ts'
import { type Environment, type Scope, unknown } from './scope.ts'
import { payload, texts } from './tree.ts'
import { typeNameOf } from './types.ts'

/** `object` is `schema.relation`, for flows into columns that are stored: of the rows that are there, which get the default. */
export function columnElement(column: ColumnDef, object: string, scope: Scope): void {
  if (column.typeName !== undefined && serialType(column.typeName) === null) typeNameOf(column.typeName, scope.env)
  stored(column.raw_default, column.colname, object, scope)
  understood(scope.env, column.fdwoptions)
  for (const node of column.constraints ?? []) {
    const constraint = payload(node, 'Constraint')
    if (constraint === undefined) unknown(scope.env, 'a column constraint')
    else if (constraint.contype === 'CONSTR_GENERATED')
      generated(column.colname ?? '', constraint.raw_expr, object, scope)
    else constraintElement(constraint, object, scope, column.colname)
  }
}

const serials: ReadonlyMap<string, string> = new Map([
  ['smallserial', 'pg_catalog.int2'],
  ['serial2', 'pg_catalog.int2'],
  ['serial', 'pg_catalog.int4'],
  ['serial4', 'pg_catalog.int4'],
  ['bigserial', 'pg_catalog.int8'],
  ['serial8', 'pg_catalog.int8'],
])

/** In a column definition these words are no types, whatever the search_path has (parse_utilcmd.c, transformColumnDefinition). */
export function serialType(type: TypeName | undefined): string | null {
  const [name = '', ...more] = texts(type?.names)
  if (more.length > 0 || type?.pct_type === true || (type?.arrayBounds ?? []).length > 0) return null
  return serials.get(name) ?? null
}

/** A generated column stores what it is computed from. */
export const generated = (name: string, expression: Node | undefined, object: string, scope: Scope): void =>
  stored(expression, name, object, scope, 'GENERATED')

export function stored(
  expression: Node | undefined,
  name: string | undefined,
  object: string,
  scope: Scope,
  where = 'DEFAULT',
) {
  if (expression === undefined) return
  const value = walk(expression, scope)
  addFlow(scope.env.draft, `${object}.${name ?? ''}`, null, value.sources)
  addControlOf(scope.env.draft, value, where)
}

/** The bounds of a partition are computed by the statement, and stand in the catalog for everybody to read. */
export function partitionBound(bound: PartitionBoundSpec | undefined, scope: Scope): void {
  for (const node of bound?.listdatums ?? []) addControlOf(scope.env.draft, walk(node, scope), 'FOR VALUES')
  for (const node of [...(bound?.lowerdatums ?? []), ...(bound?.upperdatums ?? [])])
    if (payload(node, 'ColumnRef') === undefined)
      addControlOf(scope.env.draft, walk(payload(node, 'PartitionRangeDatum')?.value ?? node, scope), 'FOR VALUES')
    // MINVALUE and MAXVALUE are written like columns.
    else understood(scope.env, node)
}

/** Rows of the default partition are tested by the bounds of a new one. Whether there is one the catalog does not say. */
export function boundsTested(env: Environment, parent: CatalogRelation): void {
  const names = placedBy(env.index, parent)
  const columns = relationColumns(env, parent).filter(({ name }) => names === null || names.has(name))
  for (const { value } of columns) addControlOf(env.draft, value, 'FOR VALUES')
}

/** Columns that a key names, read from the relation in scope. */
function keyed(names: readonly string[], scope: Scope, where: string): void {
  for (const entry of scope.entries)
    for (const column of entry.columns)
      if (names.includes(column.name)) addControlOf(scope.env.draft, column.value, where)
}

export function constraintElement(constraint: Constraint, object: string, scope: Scope, column?: string): void {
  const own = column === undefined ? [] : [column]
  understood(scope.env, constraint.options)
  switch (constraint.contype) {
    case 'CONSTR_NULL':
    case 'CONSTR_ATTR_DEFERRABLE':
    case 'CONSTR_ATTR_NOT_DEFERRABLE':
    case 'CONSTR_ATTR_DEFERRED':
    case 'CONSTR_ATTR_IMMEDIATE':
    case 'CONSTR_ATTR_ENFORCED':
    case 'CONSTR_ATTR_NOT_ENFORCED':
    case 'CONSTR_IDENTITY':
      return
    case 'CONSTR_NOTNULL':
      // Nullness of a column is a declared release; that of what is computed tells more.
      for (const { name, value } of scope.entries.flatMap((entry) => entry.columns))
        if (texts(constraint.keys).includes(name) && value.kind !== 'direct')
          addControlOf(scope.env.draft, value, 'NOT NULL')
      return
    case 'CONSTR_DEFAULT':
      stored(constraint.raw_expr, column, object, scope)
      return
    case 'CONSTR_CHECK':
      condition(constraint.raw_expr, scope, 'CHECK')
      return
    case 'CONSTR_GENERATED':
      generated(column ?? '', constraint.raw_expr, object, scope)
      return
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
      // USING INDEX names no columns: the index has tested them.
      keyed([...own, ...texts(constraint.keys)], scope, 'UNIQUE')
      // It has not tested that they are there.
      if (constraint.contype === 'CONSTR_PRIMARY' && constraint.indexname !== undefined)
        for (const { value } of scope.entries.flatMap((entry) => entry.columns))
          if (value.kind !== 'direct') addControlOf(scope.env.draft, value, 'NOT NULL')
      return
    case 'CONSTR_FOREIGN':
      foreignKey(constraint, own, object, scope)
      return
    default:
      // EXCLUDE: elements, operators and a predicate.
      for (const entry of scope.entries)
        for (const { value } of entry.columns) addControlOf(scope.env.draft, value, 'CONSTRAINT')
      understood(scope.env, constraint.exclusions)
      understood(scope.env, constraint.where_clause)
  }
}

/** The relation that the same statement makes, which nothing hides: its rows are yet to come. */
export function isItself(range: RangeVar | undefined, object: string, { env }: Pick<Scope, 'env'>): boolean {
  if (range === undefined || resolveRelation(env, range).kind !== 'missing') return false
  const { schemaname, relname = '', catalogname } = range
  if (catalogname !== undefined) return false
  const schema = object.slice(0, -relname.length - 1)
  if (object !== `${schema}.${relname}`) return false
  const isFound = schemaname === undefined && (schema === 'pg_temp' || env.searchPath?.includes(schema) === true)
  if (schemaname !== schema && !isFound) return false
  env.draft.seen.add(range)
  return true
}

/** A foreign key tests both sides against each other. */
function foreignKey(constraint: Constraint, own: readonly string[], object: string, scope: Scope): void {
  keyed([...own, ...texts(constraint.fk_attrs)], scope, 'FOREIGN KEY')
  if (isItself(constraint.pktable, object, scope)) return
  const resolved = effectOnRelation(scope.env, 'alter', constraint.pktable)
  if (resolved?.kind !== 'catalog') return
  const names = texts(constraint.pk_attrs)
  // Without names it is the primary key, and each of its columns is NOT NULL.
  const columns = resolved.relation.columns.filter(({ name, notNull }) =>
    names.length === 0 ? notNull : names.includes(name),
  )
  const refs = columnRefs(scope.env.index, resolved.relation)
  for (const ref of refs)
    if (columns.some(({ number }) => number === ref.number))
      addControlOf(
        scope.env.draft,
        { kind: 'direct', sources: new Set([ref]), nulls: new Set(), type: null, fields: null },
        'FOREIGN KEY',
      )
}
