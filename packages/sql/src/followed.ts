// What ALTER, RENAME, DROP and CREATE … AS do to the index by which the statements behind them in the same text are judged.
// Only what is wholly told by the statement is followed; null for all else, and its names stay changed ones (sequence.ts).
import type {
  AlterTableCmd,
  AlterTableStmt,
  CreateSeqStmt,
  CreateTableAsStmt,
  DropStmt,
  Node,
  RenameStmt,
  SelectStmt,
  ViewStmt,
} from '@pgsql/types'
import type { CatalogColumn, CatalogRelation, RelationKind } from './catalog.ts'
import { type CatalogIndex, columnNamed, descendants, relationName } from './catalog-index.ts'
import { newDraft } from './draft.ts'
import { columnOf, type Made, madeOid, relationOf, withRelation } from './made.ts'
import { createdRelation, nameParts, rangeOf } from './objects.ts'
import { resolveRelation } from './relations.ts'
import { type Environment, emptyScope } from './scope.ts'
import { isQuery, queryColumns } from './select.ts'
import { payload, texts } from './tree.ts'
import { typeNameOf } from './types.ts'
import type { Column } from './values.ts'

/** The statement has no unknowns and runs no code of the target; `env` has a draft of its own. */
export function followed(statement: Node, env: Environment): Made | null {
  const altered = payload(statement, 'AlterTableStmt')
  if (altered !== undefined) return alteredTable(altered, env)
  const renamed = payload(statement, 'RenameStmt')
  if (renamed !== undefined) return renamedRelation(renamed, env)
  const dropped = payload(statement, 'DropStmt')
  if (dropped !== undefined) return withoutDropped(dropped, env)
  const sequence = payload(statement, 'CreateSeqStmt')
  if (sequence !== undefined) return madeSequence(sequence, env)
  const view = payload(statement, 'ViewStmt')
  if (view !== undefined) return madeView(view, env)
  const created = payload(statement, 'CreateTableAsStmt')
  if (created !== undefined) return createdAs(created, env)
  const select = payload(statement, 'SelectStmt')
  if (select !== undefined) return selectedInto(select, env)
  const schema = payload(statement, 'CreateSchemaStmt')
  return schema === undefined ? null : madeSchema(schema.schemaname ?? '', (schema.schemaElts ?? []).length, env)
}

/** A table that stands by itself: what happens to it happens to nothing else. */
function ownTable(range: Parameters<typeof resolveRelation>[1] | undefined, env: Environment): CatalogRelation | null {
  const found = range === undefined ? null : resolveRelation(env, range)
  if (found?.kind !== 'catalog' || found.relation.kind !== 'table') return null
  const { relation } = found
  const isAlone = relation.parents.length === 0 && descendants(env.index, relation).length === 0
  return isAlone && relation.rules.length === 0 ? relation : null
}

/** Definitions that name it or its columns: they follow a change of names, and their texts here do not. */
function isNamedElsewhere(relation: CatalogRelation, { index }: Environment): boolean {
  if (index.dependents === null) return true
  const isPlain = (thing: string): boolean => {
    const [kind, id] = thing.split(' ')
    // A sequence that a column owns names nothing; keys and other parts are read from the target, not from a text.
    return kind === 'key' || kind === 'part' || index.byOid.get(Number(id))?.kind === 'sequence'
  }
  return !(index.dependents.get(`relation ${relation.oid}`) ?? []).every(isPlain)
}

function alteredTable(found: AlterTableStmt, env: Environment): Made | null {
  if (found.objtype === 'OBJECT_INDEX' || found.objtype === 'OBJECT_SEQUENCE') return unchanged(env)
  const relation = ownTable(found.relation, env)
  if (relation === null) return null
  let changed: CatalogRelation | null = relation
  for (const node of found.cmds ?? []) {
    const command = payload(node, 'AlterTableCmd')
    changed = command === undefined || changed === null ? null : afterCommand(command, changed, env)
  }
  if (changed === null || env.draft.unknowns.size > 0) return null
  return { index: replaced(env.index, relation, changed), objects: [relationName(relation)] }
}

/** Commands after which the analysis sees the same table. */
const sameTable =
  /^AT_(AddConstraint|DropConstraint|ValidateConstraint|AlterConstraint|AddIdentity|SetIdentity|DropIdentity|ChangeOwner|SetStatistics|SetStorage|SetCompression|SetOptions|ResetOptions|SetRelOptions|ResetRelOptions|ReplicaIdentity|ClusterOn|DropCluster|SetTableSpace|SetLogged|SetUnLogged)$/

function afterCommand(command: AlterTableCmd, relation: CatalogRelation, env: Environment): CatalogRelation | null {
  const type = command.subtype ?? ''
  if (sameTable.test(type)) return relation
  if (type === 'AT_AddColumn') return withColumn(command, relation, env)
  const column = columnNamed(relation, command.name ?? '')
  if (type === 'AT_DropColumn') {
    if (command.behavior === 'DROP_CASCADE' || isNamedElsewhere(relation, env)) return null
    if (column === undefined) return command.missing_ok === true ? relation : null
    return { ...relation, columns: relation.columns.filter((one) => one !== column) }
  }
  if (column === undefined || column.generated !== 'no') return null
  const changed = changedColumn(command, column, env)
  return changed === null
    ? null
    : { ...relation, columns: relation.columns.map((one) => (one === column ? changed : one)) }
}

function changedColumn(command: AlterTableCmd, column: CatalogColumn, env: Environment): CatalogColumn | null {
  switch (command.subtype) {
    case 'AT_ColumnDefault':
      // Nothing of the target's code is in it, or the statement were not followed.
      return { ...column, expression: null }
    case 'AT_SetNotNull':
      return { ...column, notNull: true }
    case 'AT_DropNotNull':
      return { ...column, notNull: false }
    case 'AT_AlterColumnType': {
      const type = typeNameOf(payload(command.def, 'ColumnDef')?.typeName, env)
      return type === null ? null : { ...column, type, typeOid: 0 }
    }
    default:
      return null
  }
}

/** Numbers of columns that do not exist yet are below zero: no rule can mean them. */
function withColumn(command: AlterTableCmd, relation: CatalogRelation, env: Environment): CatalogRelation | null {
  if (command.def === undefined) return null
  const number = Math.min(0, ...relation.columns.map((column) => column.number)) - 1
  const column = columnOf(command.def, number, env)
  if (column === null) return null
  if (columnNamed(relation, column.name) !== undefined) return command.missing_ok === true ? relation : null
  return { ...relation, columns: [...relation.columns, column] }
}

function renamedRelation(found: RenameStmt, env: Environment): Made | null {
  const { renameType, newname = '', subname = '' } = found
  if (renameType === 'OBJECT_INDEX' || renameType === 'OBJECT_TABCONSTRAINT') return unchanged(env)
  const relation = ownTable(found.relation, env)
  if (relation === null || isNamedElsewhere(relation, env)) return null
  if (renameType === 'OBJECT_TABLE') {
    const to = `${relation.schema}.${newname}`
    if ((env.index.named.get(newname) ?? []).some(({ schema }) => schema === relation.schema)) return null
    return {
      index: replaced(env.index, relation, { ...relation, name: newname }),
      objects: [relationName(relation), to],
    }
  }
  const column = renameType === 'OBJECT_COLUMN' ? columnNamed(relation, subname) : undefined
  if (column === undefined || columnNamed(relation, newname) !== undefined) return null
  const columns = relation.columns.map((one) => (one === column ? { ...one, name: newname } : one))
  return { index: replaced(env.index, relation, { ...relation, columns }), objects: [relationName(relation)] }
}

const droppable: ReadonlySet<string> = new Set(['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_SEQUENCE'])

function withoutDropped(found: DropStmt, env: Environment): Made | null {
  if (found.behavior === 'DROP_CASCADE') return null
  if (found.removeType === 'OBJECT_INDEX') return unchanged(env)
  if (!droppable.has(found.removeType ?? '')) return null
  const gone: CatalogRelation[] = []
  for (const node of found.objects ?? []) {
    const resolved = resolveRelation(env, rangeOf(nameParts(node)))
    // Should it be there by then, it is gone after that as well.
    if (resolved.kind === 'missing' && resolved.isRelation === true && found.missing_ok === true) continue
    if (resolved.kind !== 'catalog') return null
    gone.push(resolved.relation, ...descendants(env.index, resolved.relation))
  }
  return { index: gone.reduce(removed, env.index), objects: gone.map(relationName) }
}

function madeSequence(found: CreateSeqStmt, env: Environment): Made | null {
  const names = [
    ['last_value', 'pg_catalog.int8'],
    ['log_cnt', 'pg_catalog.int8'],
    ['is_called', 'pg_catalog.bool'],
  ] as const
  const columns = names.map(([name, type], at) => columnOfType(name, type, at + 1))
  return added(found.sequence, 'sequence', columns, env)
}

const columnOfType = (name: string, type: string, number: number): CatalogColumn => ({
  number,
  name,
  typeOid: 0,
  type,
  notNull: false,
  generated: 'no',
  expression: null,
})

function added(
  range: Parameters<typeof createdRelation>[0],
  kind: RelationKind,
  columns: readonly CatalogColumn[],
  env: Environment,
): (Made & { readonly relation: CatalogRelation }) | null {
  const oid = madeOid(env.index)
  const name = range?.relname
  if (oid === null || name === undefined) return null
  const object = createdRelation(range, env)
  const schema = object.slice(0, -name.length - 1)
  const isThere = (env.index.named.get(name) ?? []).some((one) => one.schema === schema)
  if (isThere || env.draft.unknowns.size > 0) return null
  const relation = { ...relationOf(oid, schema, name, columns), kind }
  return { index: withRelation(env.index, relation), objects: [object], relation }
}

/** Columns as they are stored or shown under new names. Null where the type of one is not known. */
function storedColumns(columns: readonly Column[], names: readonly string[]): readonly CatalogColumn[] | null {
  const found = columns.map(({ name, value }, at) =>
    value.type === null ? null : columnOfType(names[at] ?? name, textWhereUnknown(value.type), at + 1),
  )
  return found.every((one) => one !== null) ? found : null
}

/** A literal without a type becomes a text (parse_coerce.c, since PostgreSQL 10). */
const textWhereUnknown = (type: string): string => (type === 'unknown' ? 'pg_catalog.text' : type)

/** The statement before the text has no names of its own for what a definition means. */
const asDefinition = (env: Environment): Environment => ({
  ...env,
  context: { ...env.context, prepared: new Map(), cursors: new Map(), preset: 'none' },
})

function madeView(found: ViewStmt, env: Environment): Made | null {
  const { query } = found
  if (query === undefined || !isQuery(query)) return null
  const inner = asDefinition({ ...env, draft: newDraft() })
  const columns = queryColumns(query, emptyScope(inner))
  const stored = storedColumns(columns, texts(found.aliases))
  const view = stored === null || inner.draft.unknowns.size > 0 ? null : added(found.view, 'view', stored, env)
  if (view === null) return null
  // What the target says of a result names the view, which the catalog does not have yet.
  const shown = columns.map((column) => ({ ...column, value: { ...column.value, kind: 'derived' as const } }))
  const views = new Map(env.index.madeViews).set(view.relation.oid, { columns: shown, draft: inner.draft })
  return { index: { ...view.index, madeViews: views }, objects: view.objects }
}

/** What is stored is no column of the catalog any more; what flows into it the statement has told. */
function createdAs(found: CreateTableAsStmt, env: Environment): Made | null {
  const { query } = found
  if (query === undefined || !isQuery(query) || found.objtype !== 'OBJECT_TABLE') return null
  const columns = queryColumns(query, emptyScope({ ...env, draft: newDraft() }))
  const stored = storedColumns(columns, texts(found.into?.colNames))
  return stored === null ? null : added(found.into?.rel, 'table', stored, env)
}

function selectedInto(select: SelectStmt, env: Environment): Made | null {
  let first = select
  while (first.larg !== undefined) first = first.larg
  const into = first.intoClause
  if (into === undefined) return null
  const draft = newDraft()
  draft.seen.add(into)
  const stored = storedColumns(queryColumns({ SelectStmt: select }, emptyScope({ ...env, draft })), [])
  return stored === null ? null : added(into.rel, 'table', stored, env)
}

/** With the schema there the search_path may mean another one: names without their schema are not followed behind it. */
function madeSchema(name: string, elements: number, env: Environment): Made | null {
  if (name === '' || elements > 0) return null
  if (env.index.schemas.has(name)) return { index: env.index, objects: [`schema:${name}`] }
  const schemas = new Map(env.index.schemas).set(name, false)
  return { index: { ...env.index, schemas }, objects: [`schema:${name}`], forgetsPath: true }
}

const unchanged = ({ index }: Environment): Made => ({ index, objects: [] })

function removed(index: CatalogIndex, relation: CatalogRelation): CatalogIndex {
  const full = relationName(relation)
  const named = new Map(index.named).set(
    relation.name,
    (index.named.get(relation.name) ?? []).filter((one) => one !== relation),
  )
  const byOid = new Map(index.byOid)
  byOid.delete(relation.oid)
  const types = new Map(index.types)
  types.delete(full)
  const columns = new Map(index.columns)
  columns.delete(relation.oid)
  const children = new Map(
    [...index.children].map(([oid, all]) => [oid, all.filter((one) => one !== relation)] as const),
  )
  const without: CatalogIndex = { ...index, named, byOid, types, columns, children }
  // Its foreign keys have gone with it.
  const pointed = [...byOid.values()].filter(({ cascades }) => cascades.some(({ fromOid }) => fromOid === relation.oid))
  return pointed.reduce(
    (left, one) =>
      replaced(left, one, { ...one, cascades: one.cascades.filter(({ fromOid }) => fromOid !== relation.oid) }),
    without,
  )
}

/** The same relation as the statement has left it. */
function replaced(index: CatalogIndex, from: CatalogRelation, to: CatalogRelation): CatalogIndex {
  const byOid = new Map(index.byOid).set(to.oid, to)
  const named = new Map(index.named).set(
    from.name,
    (index.named.get(from.name) ?? []).filter((one) => one !== from),
  )
  named.set(to.name, [...(named.get(to.name) ?? []), to])
  const types = new Map(index.types)
  types.delete(relationName(from))
  types.set(relationName(to), 'composite')
  const columns = new Map(index.columns)
  columns.delete(to.oid)
  const children = new Map(
    [...index.children].map(([oid, all]) => [oid, all.map((one) => (one === from ? to : one))] as const),
  )
  return { ...index, byOid, named, types, columns, children }
}
