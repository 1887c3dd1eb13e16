// What a text makes and then uses: plain tables and enums that CREATE describes wholly are added to what the statements
// behind it are judged by. Whatever is not added here stays a changed name, and its use a refusal (sequence.ts).
import type { AlterTableCmd, Constraint, CreateEnumStmt, CreateStmt, IndexStmt, Node } from '@pgsql/types'
import type { CatalogColumn, CatalogRelation } from './catalog.ts'
import { type CatalogIndex, elementType } from './catalog-index.ts'
import { isItself, serialType } from './ddl-elements.ts'
import { newDraft } from './draft.ts'
import type { StatementFacts } from './facts.ts'
import { followed } from './followed.ts'
import { createdName, createdRelation } from './objects.ts'
import type { Environment } from './scope.ts'
import { payload, texts } from './tree.ts'
import { typeNameOf } from './types.ts'

export interface Made {
  readonly index: CatalogIndex
  /** `schema.name` or `schema:name` of what was added, changed or taken out: at the end of the transaction it may be undone. */
  readonly objects: readonly string[]
  /** Names without their schema may mean something else from here on. */
  readonly forgetsPath?: true
}

/** Tables and enums of one text; those past it count as changed names. Each costs a copy of the index. */
const madeMax = 200

/** OIDs of objects that do not exist yet are below zero: no rule and no result can mean them. */
const isMadeOid = (oid: number): boolean => oid < 0
export const isMade = ({ oid }: Pick<CatalogRelation, 'oid'>): boolean => isMadeOid(oid)

/** The index with what this statement makes; null when it makes nothing, or not all of it can be told. */
export function made(statement: Node, facts: StatementFacts, env: Environment): Made | null {
  if (facts.unknowns.length > 0 || runsOwnCode(facts)) return null
  const table = payload(statement, 'CreateStmt')
  if (table !== undefined) return madeTable(table, { ...env, draft: newDraft() })
  const type = payload(statement, 'CreateEnumStmt')
  const inner = { ...env, draft: newDraft() }
  return type === undefined ? followed(statement, inner) : madeEnum(type, inner)
}

/** A default or check that runs code of the target could bring in what no statement behind it names. */
const runsOwnCode = ({ opaque, functions, effects }: StatementFacts): boolean =>
  opaque.length > 0 ||
  functions.some(({ name }) => !name.startsWith('pg_catalog.')) ||
  effects.some(({ operation, object }) => operation === 'call' && !object.startsWith('pg_catalog.'))

function madeEnum(found: CreateEnumStmt, env: Environment): Made {
  const object = createdName(texts(found.typeName), env)
  return { objects: [object], index: { ...env.index, types: new Map(env.index.types).set(object, 'enum') } }
}

function madeTable(found: CreateStmt, env: Environment): Made | null {
  const { relname: name } = found.relation ?? {}
  const inherits = found.inhRelations ?? []
  if (name === undefined || inherits.length > 0 || found.ofTypename !== undefined || found.partspec !== undefined)
    return null
  const oid = madeOid(env.index)
  if (oid === null) return null
  const object = createdRelation(found.relation, env)
  const schema = object.slice(0, -name.length - 1)
  // With IF NOT EXISTS it may be another table that is there.
  if ((env.index.named.get(name) ?? []).some((one) => one.schema === schema)) return null
  const columns: CatalogColumn[] = []
  for (const node of found.tableElts ?? []) {
    if (payload(node, 'Constraint') !== undefined) continue
    const column = columnOf(node, columns.length + 1, env)
    if (column === null) return null
    columns.push(column)
  }
  if (found.tableElts === undefined || env.draft.unknowns.size > 0) return null
  const cascades = constraintsOf(found).flatMap((one) => toItself(one, object, oid, env))
  return { objects: [object], index: withRelation(env.index, { ...relationOf(oid, schema, name, columns), cascades }) }
}

/** What its foreign keys to itself do when its rows change. */
function toItself(
  constraint: Constraint,
  object: string,
  oid: number,
  env: Environment,
): readonly CatalogRelation['cascades'][number][] {
  if (constraint.contype !== 'CONSTR_FOREIGN' || !isItself(constraint.pktable, object, { env })) return []
  const act = (action: string | undefined): 'none' | 'cascade' | 'set' =>
    stays.test(action ?? '') ? 'none' : action === 'c' ? 'cascade' : 'set'
  return [{ fromOid: oid, onDelete: act(constraint.fk_del_action), onUpdate: act(constraint.fk_upd_action) }]
}

/** A number for what does not exist yet; null when the text has made as much as is followed. */
export function madeOid(index: CatalogIndex): number | null {
  const before = Math.min(0, ...[...index.byOid.keys()].filter(isMadeOid))
  return before <= -madeMax ? null : before - 1
}

function constraintsOf(found: CreateStmt): readonly Constraint[] {
  const elements = [...(found.tableElts ?? []), ...(found.constraints ?? [])]
  return elements.flatMap((node) => {
    const own = payload(node, 'Constraint')
    return own === undefined ? inlineConstraints(node) : [own]
  })
}

const inlineConstraints = (node: Node | undefined): readonly Constraint[] =>
  (payload(node, 'ColumnDef')?.constraints ?? []).flatMap((one) => payload(one, 'Constraint') ?? [])

/** Null for a generated column, and for anything that is no column. */
export function columnOf(node: Node, number: number, env: Environment): CatalogColumn | null {
  const column = payload(node, 'ColumnDef')
  if (column?.colname === undefined) return null
  const kinds = (column.constraints ?? []).map((one) => payload(one, 'Constraint')?.contype)
  const type = serialType(column.typeName) ?? typeNameOf(column.typeName, env)
  if (type === null || kinds.includes('CONSTR_GENERATED')) return null
  const notNull = kinds.includes('CONSTR_NOTNULL') || kinds.includes('CONSTR_PRIMARY')
  return { number, name: column.colname, typeOid: 0, type, notNull, generated: 'no', expression: null }
}

export const relationOf = (
  oid: number,
  schema: string,
  name: string,
  columns: readonly CatalogColumn[],
): CatalogRelation => ({
  oid,
  schema,
  name,
  kind: 'table',
  temporary: schema === 'pg_temp',
  columns,
  definition: null,
  parents: [],
  rules: [],
  triggers: [],
  cascades: [],
  rowSecurity: false,
})

export function withRelation(index: CatalogIndex, relation: CatalogRelation): CatalogIndex {
  const { oid, schema, name } = relation
  const full = `${schema}.${name}`
  const runsCode = relation.columns.some(({ type }) => index.codeTypes.has(elementType(type)))
  return {
    ...index,
    byOid: new Map(index.byOid).set(oid, relation),
    named: new Map(index.named).set(name, [...(index.named.get(name) ?? []), relation]),
    types: new Map(index.types).set(full, 'composite'),
    codeTypes: runsCode ? new Set(index.codeTypes).add(full) : index.codeTypes,
    columns: new Map(index.columns),
  }
}

/**
 * What DDL that makes nothing new does to the objects that it names: nothing that an analysis looks at (`none`), what
 * happens when their rows change (`rows`), or what they are (`all`).
 */
export type Reach = 'none' | 'rows' | 'all'

/** Statements after which the analysis sees the same objects. */
const seesTheSame = [
  'CommentStmt',
  'AlterEnumStmt',
  'AlterSeqStmt',
  'AlterOwnerStmt',
  'GrantStmt',
  'CreatePublicationStmt',
  'AlterPublicationStmt',
] as const

/** `wholly`: what the statement creates or changes is in the index. */
export function reachOf(statement: Node | undefined, wholly: boolean): Reach {
  if (statement === undefined) return 'all'
  if (seesTheSame.some((tag) => payload(statement, tag) !== undefined)) return 'none'
  const index = payload(statement, 'IndexStmt')
  if (index !== undefined) return isPlainIndex(index) ? 'none' : 'rows'
  const created = payload(statement, 'CreateStmt')
  if (created !== undefined && wholly) return widest(constraintsOf(created).map(ofOwnConstraint))
  const altered = payload(statement, 'AlterTableStmt')
  if (altered === undefined) return wholly ? 'none' : 'all'
  return widest((altered.cmds ?? []).map((node) => ofCommand(payload(node, 'AlterTableCmd'), wholly)))
}

const widest = (all: readonly Reach[]): Reach => (all.includes('all') ? 'all' : all.includes('rows') ? 'rows' : 'none')

const isPlainIndex = (found: IndexStmt): boolean =>
  found.whereClause === undefined &&
  (found.indexParams ?? []).every((node) => payload(node, 'IndexElem')?.expr === undefined)

function ofCommand(command: AlterTableCmd | undefined, wholly: boolean): Reach {
  if (command?.subtype === 'AT_AddColumn' && wholly) return widest(inlineConstraints(command.def).map(ofOwnConstraint))
  if (command?.subtype !== 'AT_AddConstraint') return wholly ? 'none' : 'all'
  const constraint = payload(command.def, 'Constraint')
  return constraint === undefined ? 'all' : ofConstraint(constraint)
}

/** Its own checks run nothing of the target; what its keys do to other relations counts. */
const ofOwnConstraint = (constraint: Constraint): Reach =>
  constraint.contype === 'CONSTR_CHECK' ? 'none' : ofConstraint(constraint)

/** `a` NO ACTION, `r` RESTRICT (parsenodes.h, FKCONSTR_ACTION). */
const stays = /^[ar ]?$/

function ofConstraint(constraint: Constraint): Reach {
  switch (constraint.contype) {
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
    case 'CONSTR_NOTNULL':
    case 'CONSTR_NULL':
    case 'CONSTR_DEFAULT':
    case 'CONSTR_IDENTITY':
    case 'CONSTR_ATTR_DEFERRABLE':
    case 'CONSTR_ATTR_NOT_DEFERRABLE':
    case 'CONSTR_ATTR_DEFERRED':
    case 'CONSTR_ATTR_IMMEDIATE':
      return 'none'
    case 'CONSTR_FOREIGN':
      return stays.test(constraint.fk_del_action ?? '') && stays.test(constraint.fk_upd_action ?? '') ? 'none' : 'rows'
    default:
      return 'rows'
  }
}
