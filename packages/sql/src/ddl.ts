// DDL and administration: which object a statement works on, and what it can learn or move by doing so. A rename carries a
// column to another name, a constraint tests the rows that are there, a foreign table shows rows under another name.
import type { Node, VariableSetStmt } from '@pgsql/types'
import { dropCascade } from './cascade.ts'
import { descendants } from './catalog-index.ts'
import { computedAnew } from './constraints.ts'
import { addControlOf, addDirect, addFlow } from './draft.ts'
import { walk } from './expressions.ts'
import { noteHidingDefinition } from './hiding.ts'
import { createdName, createdType, effectOnObject, effectOnRelation, kindOf, nameParts } from './objects.ts'
import { done, type Outcome } from './outcome.ts'
import { everything, noteGranted, published } from './reach.ts'
import { type Environment, emptyScope, unknown } from './scope.ts'
import { refusePinned, settingEffect, settingValue } from './settings.ts'
import { type Handlers, payload, texts } from './tree.ts'
import { typeNameOf } from './types.ts'

/** Marks a whole subtree as understood: names and options that carry no lineage. */
export function understood(env: Environment, root: unknown): void {
  const stack: unknown[] = [root]
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (typeof next !== 'object' || next === null) continue
    env.draft.seen.add(next)
    for (const inner of Object.values(next)) if (inner !== undefined) stack.push(inner)
  }
}

/** True when a call in it could mean a function outside pg_catalog. */
function callsOwnCode(root: unknown, env: Environment): boolean {
  const stack: unknown[] = [root]
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (typeof next !== 'object' || next === null) continue
    const names = 'funcname' in next && Array.isArray(next.funcname) ? texts(next.funcname) : []
    const [name = '', schema = ''] = [...names].reverse()
    if (name !== '' && schema !== 'pg_catalog' && (schema !== '' || env.index.functions.has(name))) return true
    for (const inner of Object.values(next)) if (inner !== undefined) stack.push(inner)
  }
  return false
}

/** Whoever inserts a row without a value of the type stores what its default reads. */
function defaultOf(expression: Node, name: readonly Node[] | undefined, env: Environment): void {
  const value = walk(expression, emptyScope(env))
  addFlow(env.draft, createdName(texts(name), env), null, value.sources)
  addControlOf(env.draft, value, 'DEFAULT')
}

const hasComputed = ({ index }: Environment): boolean =>
  [...index.byOid.values()].some(({ columns }) => columns.some(({ generated }) => generated !== 'no'))

/** A statement that changes the catalog. */
export function changed(verb: string, env: Environment): Outcome {
  env.draft.session.push({ kind: 'ddl' })
  return done(verb)
}

/** Administration of what no object pattern covers: one effect on `kind:name`, all options taken as part of it. */
function admin(verb: string, object: string, found: unknown, env: Environment): Outcome {
  understood(env, found)
  addDirect(env.draft, 'admin', object)
  return changed(verb, env)
}

/** Its script runs, and what it brings takes part in what names mean. */
function extension(verb: string, found: { readonly extname?: string }, env: Environment): Outcome {
  env.draft.opaque.add('the script of an extension')
  return admin(verb, `extension:${found.extname ?? ''}`, found, env)
}

const roles = (list: readonly Node[] | undefined): string =>
  (list ?? []).map((node) => payload(node, 'RoleSpec')?.rolename ?? '').join(',')

function settingOf(found: VariableSetStmt | undefined, env: Environment): void {
  settingEffect(env, 'set', found?.name?.toLowerCase() ?? 'all', false)
  refusePinned(env, found?.name ?? '', settingValue(found?.args) ?? '')
}

export const ddl: Handlers<[env: Environment], Outcome> = {
  DropStmt: (found, env) => {
    for (const node of found.objects ?? [])
      effectOnObject(env, 'drop', found.removeType, node, found.missing_ok === true)
    understood(env, found.objects)
    if (found.behavior === 'DROP_CASCADE') dropCascade(found, env)
    return changed('drop', env)
  },
  CommentStmt: (found, env) => {
    effectOnObject(env, 'alter', found.objtype, found.object)
    understood(env, found.object)
    return changed('comment', env)
  },
  CreateSchemaStmt: (found, env) => {
    addDirect(env.draft, 'create', `schema:${found.schemaname ?? roles(undefined)}`)
    if ((found.schemaElts ?? []).length > 0) unknown(env, 'CREATE SCHEMA with objects in it')
    return changed('create', env)
  },
  CreateEnumStmt: (found, env) => {
    addDirect(env.draft, 'create', createdType(texts(found.typeName), env))
    return changed('create', env)
  },
  CreateRangeStmt: (found, env) => {
    addDirect(env.draft, 'create', createdType(texts(found.typeName), env))
    understood(env, found.params)
    return changed('create', env)
  },
  CreateDomainStmt: (found, env) => {
    addDirect(env.draft, 'create', createdType(texts(found.domainname), env))
    typeNameOf(found.typeName, env)
    for (const node of found.constraints ?? []) {
      const constraint = payload(node, 'Constraint')
      if (constraint?.contype === 'CONSTR_CHECK') {
        // It runs wherever a value of the type is made.
        if (callsOwnCode(constraint.raw_expr, env)) unknown(env, 'a domain whose CHECK calls functions of the target')
        understood(env, constraint.raw_expr)
      } else if (constraint?.raw_expr !== undefined) defaultOf(constraint.raw_expr, found.domainname, env)
    }
    return changed('create', env)
  },
  AlterDomainStmt: (found, env) => {
    addDirect(env.draft, 'alter', createdName(texts(found.typeName), env))
    // A check is tested on the columns of this type, wherever they are.
    if (found.subtype === 'C' || found.subtype === 'V') unknown(env, 'a new constraint on a domain')
    if (found.subtype === 'O' && hasComputed(env)) unknown(env, 'NOT NULL of a domain, where columns are computed')
    if (found.subtype === 'T' && found.def !== undefined) defaultOf(found.def, found.typeName, env)
    else understood(env, found.def)
    return changed('alter', env)
  },
  AlterEnumStmt: (found, env) => {
    addDirect(env.draft, 'alter', createdName(texts(found.typeName), env))
    return changed('alter', env)
  },
  AlterTypeStmt: (found, env) => {
    addDirect(env.draft, 'alter', createdName(texts(found.typeName), env))
    understood(env, found.options)
    return changed('alter', env)
  },
  DefineStmt: (found, env) => {
    understood(env, found)
    noteHidingDefinition(found, env)
    const routine = found.kind === 'OBJECT_AGGREGATE' ? '()' : ''
    const created = found.kind === 'OBJECT_TYPE' ? createdType : createdName
    addDirect(env.draft, 'create', `${created(texts(found.defnames), env)}${routine}`)
    return changed('create', env)
  },
  AlterOwnerStmt: (found, env) => {
    if (found.relation !== undefined) effectOnRelation(env, 'alter', found.relation)
    else effectOnObject(env, 'alter', found.objectType, found.object)
    understood(env, found)
    return changed('alter', env)
  },
  GrantStmt: (found, env) => {
    noteGranted(found, env)
    return admin(found.is_grant === true ? 'grant' : 'revoke', `grant:${kindOf(found.objtype)}`, found, env)
  },
  GrantRoleStmt: (found, env) =>
    admin(found.is_grant === true ? 'grant' : 'revoke', `role:${roles(found.grantee_roles)}`, found, env),
  AlterDefaultPrivilegesStmt: (found, env) => admin('alter', 'grant:default', found, env),
  CreateRoleStmt: (found, env) => admin('create', `role:${found.role ?? ''}`, found, env),
  AlterRoleStmt: (found, env) => admin('alter', `role:${found.role?.rolename ?? ''}`, found, env),
  AlterRoleSetStmt: (found, env) => {
    settingOf(found.setstmt, env)
    return admin('alter', `role:${found.role?.rolename ?? ''}`, found, env)
  },
  DropRoleStmt: (found, env) => admin('drop', `role:${roles(found.roles)}`, found, env),
  DropOwnedStmt: (found, env) => {
    everything(env, 'drop', null)
    return admin('drop', `role:${roles(found.roles)}`, found, env)
  },
  ReassignOwnedStmt: (found, env) => {
    everything(env, 'alter', null)
    return admin('reassign', `role:${roles(found.roles)}`, found, env)
  },
  CreatedbStmt: (found, env) => admin('create', `database:${found.dbname ?? ''}`, found, env),
  AlterDatabaseStmt: (found, env) => admin('alter', `database:${found.dbname ?? ''}`, found, env),
  AlterDatabaseRefreshCollStmt: (found, env) => admin('alter', `database:${found.dbname ?? ''}`, found, env),
  AlterDatabaseSetStmt: (found, env) => {
    settingOf(found.setstmt, env)
    return admin('alter', `database:${found.dbname ?? ''}`, found, env)
  },
  DropdbStmt: (found, env) => admin('drop', `database:${found.dbname ?? ''}`, found, env),
  AlterSystemStmt: (found, env) => {
    settingOf(found.setstmt, env)
    return admin('alter', 'system:settings', found, env)
  },
  CreateTableSpaceStmt: (found, env) => admin('create', `tablespace:${found.tablespacename ?? ''}`, found, env),
  DropTableSpaceStmt: (found, env) => admin('drop', `tablespace:${found.tablespacename ?? ''}`, found, env),
  AlterTableSpaceOptionsStmt: (found, env) => admin('alter', `tablespace:${found.tablespacename ?? ''}`, found, env),
  AlterTableMoveAllStmt: (found, env) => admin('alter', `tablespace:${found.orig_tablespacename ?? ''}`, found, env),
  CreateExtensionStmt: (found, env) => extension('create', found, env),
  AlterExtensionStmt: (found, env) => extension('alter', found, env),
  AlterExtensionContentsStmt: (found, env) => admin('alter', `extension:${found.extname ?? ''}`, found, env),
  AlterObjectDependsStmt: (found, env) => admin('alter', `extension:${found.extname?.sval ?? ''}`, found, env),
  CreateFdwStmt: (found, env) => admin('create', `fdw:${found.fdwname ?? ''}`, found, env),
  AlterFdwStmt: (found, env) => admin('alter', `fdw:${found.fdwname ?? ''}`, found, env),
  CreateForeignServerStmt: (found, env) => admin('create', `foreign_server:${found.servername ?? ''}`, found, env),
  AlterForeignServerStmt: (found, env) => admin('alter', `foreign_server:${found.servername ?? ''}`, found, env),
  CreateUserMappingStmt: (found, env) => admin('create', `user_mapping:${found.servername ?? ''}`, found, env),
  AlterUserMappingStmt: (found, env) => admin('alter', `user_mapping:${found.servername ?? ''}`, found, env),
  DropUserMappingStmt: (found, env) => admin('drop', `user_mapping:${found.servername ?? ''}`, found, env),
  ImportForeignSchemaStmt: (found, env) => {
    unknown(env, 'IMPORT FOREIGN SCHEMA: which relations it makes')
    return admin('import', `foreign_server:${found.server_name ?? ''}`, found, env)
  },
  CreateEventTrigStmt: (found, env) => admin('create', `event_trigger:${found.trigname ?? ''}`, found, env),
  AlterEventTrigStmt: (found, env) => admin('alter', `event_trigger:${found.trigname ?? ''}`, found, env),
  CreatePLangStmt: (found, env) => admin('create', `language:${found.plname ?? ''}`, found, env),
  CreateAmStmt: (found, env) => admin('create', `access_method:${found.amname ?? ''}`, found, env),
  CreatePublicationStmt: (found, env) => {
    published(found.pubobjects, found.for_all_tables === true, `publication:${found.pubname ?? ''}`, env)
    return admin('create', `publication:${found.pubname ?? ''}`, found, env)
  },
  AlterPublicationStmt: (found, env) => {
    if (found.action !== 'AP_DropObjects')
      published(found.pubobjects, found.for_all_tables === true, `publication:${found.pubname ?? ''}`, env)
    return admin('alter', `publication:${found.pubname ?? ''}`, found, env)
  },
  CreateSubscriptionStmt: (found, env) => admin('create', `subscription:${found.subname ?? ''}`, found, env),
  AlterSubscriptionStmt: (found, env) => admin('alter', `subscription:${found.subname ?? ''}`, found, env),
  DropSubscriptionStmt: (found, env) => admin('drop', `subscription:${found.subname ?? ''}`, found, env),
  SecLabelStmt: (found, env) =>
    admin('security', `${kindOf(found.objtype)}:${nameParts(found.object).join('.')}`, found, env),
  CreateConversionStmt: (found, env) =>
    admin('create', `conversion:${texts(found.conversion_name).join('.')}`, found, env),
  CheckPointStmt: (_, env) => maintenance('checkpoint', 'system:checkpoint', env),
  LoadStmt: (found, env) => maintenance('load', `library:${found.filename ?? ''}`, env),
  VacuumStmt: (found, env) => {
    understood(env, found.options)
    const relations = (found.rels ?? []).flatMap((node) => payload(node, 'VacuumRelation')?.relation ?? [])
    const resolved = relations.map((range) => effectOnRelation(env, 'admin', range))
    if (relations.length === 0) addDirect(env.draft, 'admin', 'database:current')
    maintained(relations.length === 0 ? null : resolved, env)
    return done(found.is_vacuumcmd === true ? 'vacuum' : 'analyze')
  },
  ClusterStmt: (found, env) => {
    understood(env, found.params)
    // Rows come in the order of the index from then on, and by a plain SELECT.
    unknown(env, 'CLUSTER: it orders rows by what an index holds')
    if (found.relation === undefined) addDirect(env.draft, 'admin', 'database:current')
    else effectOnRelation(env, 'admin', found.relation)
    return done('cluster')
  },
  ReindexStmt: (found, env) => {
    understood(env, found)
    const isTable = found.kind === 'REINDEX_OBJECT_TABLE'
    maintained(isTable ? [effectOnRelation(env, 'admin', found.relation)] : null, env)
    if (isTable) return done('reindex')
    if (found.kind === 'REINDEX_OBJECT_SCHEMA') addDirect(env.draft, 'admin', `schema:${found.name ?? ''}`)
    else addDirect(env.draft, 'admin', `index:${found.relation?.relname ?? found.name ?? ''}`)
    return done('reindex')
  },
}

/** Errors and notices quote rows, and index expressions are computed of them; of indexes, schemas and databases it may be any (null). */
function maintained(all: readonly ReturnType<typeof effectOnRelation>[] | null, env: Environment): void {
  const named = (all ?? []).flatMap((one) => (one?.kind === 'catalog' ? [one.relation] : []))
  const family = named.flatMap((one) => [one, ...descendants(env.index, one)])
  for (const one of all === null ? env.index.byOid.values() : family) computedAnew(env, one)
}

function maintenance(verb: string, object: string, env: Environment): Outcome {
  addDirect(env.draft, 'admin', object)
  return done(verb)
}
