// ALTER TABLE, command by command. A command that is not in the table is an unknown.
import type { AlterTableCmd, AlterTableStmt, AlterTableType } from '@pgsql/types'
import type { CatalogRelation } from './catalog.ts'
import { columnNamed, columnRef, descendants, relationName } from './catalog-index.ts'
import { computedAnew, referredTo, testedTogether } from './constraints.ts'
import { understood } from './ddl.ts'
import { scopeOfRelation } from './ddl-code.ts'
import { boundsTested, columnElement, constraintElement, generated, partitionBound, stored } from './ddl-elements.ts'
import { moveColumns } from './ddl-tables.ts'
import { addControl, addControlOf, addDirect, addFlow } from './draft.ts'
import { walk } from './expressions.ts'
import { left } from './moves.ts'
import { effectOnRelation } from './objects.ts'
import { relationColumns } from './relations.ts'
import { type Environment, emptyScope, type Scope, unknown } from './scope.ts'
import { payload } from './tree.ts'
import { typeNameOf } from './types.ts'

/** Commands that neither test nor move what is in the relation. */
const harmless = new Set<AlterTableType>([
  'AT_DropNotNull',
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_ResetOptions',
  'AT_SetStorage',
  'AT_SetCompression',
  'AT_DropColumn',
  'AT_DropConstraint',
  'AT_ChangeOwner',
  'AT_DropCluster',
  'AT_SetLogged',
  'AT_SetUnLogged',
  'AT_SetAccessMethod',
  'AT_SetTableSpace',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_EnableTrig',
  'AT_DisableTrig',
  'AT_EnableTrigAll',
  'AT_DisableTrigAll',
  'AT_EnableTrigUser',
  'AT_DisableTrigUser',
  'AT_EnableRule',
  'AT_DisableRule',
  'AT_ReplicaIdentity',
  'AT_EnableRowSecurity',
  'AT_DisableRowSecurity',
  'AT_ForceRowSecurity',
  'AT_NoForceRowSecurity',
  'AT_AddIdentity',
  'AT_SetIdentity',
  'AT_DropIdentity',
])
/** Commands that may write the table anew, and its indexes with it. */
const rewriting = new Set<AlterTableType>([
  'AT_AddColumn',
  'AT_AlterColumnType',
  'AT_SetExpression',
  'AT_SetLogged',
  'AT_SetUnLogged',
  'AT_SetAccessMethod',
])

interface Altered {
  readonly relation: CatalogRelation
  readonly scope: Scope
  readonly env: Environment
}

export function alterTable(found: AlterTableStmt, env: Environment): void {
  const [index] = found.objtype === 'OBJECT_INDEX' ? [found.relation] : []
  if (index !== undefined) {
    env.draft.seen.add(index)
    addDirect(env.draft, 'alter', `${index.schemaname ?? env.searchPath?.[0] ?? 'public'}.${index.relname ?? ''}`)
    understood(env, found.cmds)
    return
  }
  const resolved = effectOnRelation(env, 'alter', found.relation)
  if (resolved?.kind !== 'catalog') {
    understood(env, found.cmds)
    return
  }
  // What becomes of columns of this type in tables that are made of it is not followed.
  const isCascade = (found.cmds ?? []).some((node) => payload(node, 'AlterTableCmd')?.behavior === 'DROP_CASCADE')
  if (resolved.relation.kind === 'composite' && isCascade) unknown(env, 'ALTER TYPE … CASCADE')
  const altered: Altered = { relation: resolved.relation, scope: scopeOfRelation(resolved, env), env }
  for (const node of found.cmds ?? []) {
    const command = payload(node, 'AlterTableCmd')
    if (command === undefined) unknown(env, 'a command of ALTER TABLE')
    else oneCommand(command, altered)
  }
}

function oneCommand(command: AlterTableCmd, altered: Altered): void {
  const { env, relation, scope } = altered
  const type = command.subtype
  const object = relationName(relation)
  const column = payload(command.def, 'ColumnDef')
  const constraint = payload(command.def, 'Constraint')
  if (type !== undefined && rewriting.has(type))
    for (const one of [relation, ...descendants(env.index, relation)]) computedAnew(env, one)
  if (type !== undefined && harmless.has(type)) {
    understood(env, command.def)
    return
  }
  switch (type) {
    case 'AT_AddColumn':
      if (column !== undefined) columnElement(column, object, scope)
      return
    case 'AT_ColumnDefault':
      // Whoever inserts a row from then on stores what it reads.
      stored(command.def, command.name, object, scope)
      return
    case 'AT_SetNotNull':
      testColumn(command.name, altered, 'null-test')
      return
    case 'AT_AddConstraint':
      if (constraint !== undefined) constraintElement(constraint, object, scope)
      return
    case 'AT_AlterConstraint':
      // What is enforced from then on is tested on the rows that are there.
      if (payload(command.def, 'ATAlterConstraint')?.is_enforced === true) testAll(altered)
      understood(env, command.def)
      return
    case 'AT_ValidateConstraint':
      testAll(altered)
      return
    case 'AT_AlterColumnType':
      // Every value is converted, and one that cannot be fails the statement.
      testColumn(command.name, altered, 'other')
      if (column?.typeName !== undefined) typeNameOf(column.typeName, env)
      retype(command, altered)
      testedTogether(env, relation, new Map([[command.name ?? '', 'part']]), true)
      return
    case 'AT_SetExpression':
      testedTogether(env, relation, new Map([[command.name ?? '', 'part']]), true)
      generated(command.name ?? '', command.def, object, scope)
      return
    case 'AT_DropExpression':
      for (const { name, value } of relationColumns(env, relation))
        if (name === command.name) addFlow(env.draft, `${object}.${name}`, null, value.sources)
      return
    case 'AT_AddInherit':
    case 'AT_DropInherit':
    case 'AT_AttachPartition':
    case 'AT_DetachPartition':
      changeFamily(command, altered)
      return
    default:
      understood(env, command.def)
      unknown(env, `${type ?? 'a command'} of ALTER TABLE`)
  }
}

function testColumn(name: string | undefined, { env, relation }: Altered, use: 'null-test' | 'other'): void {
  const column = columnNamed(relation, name ?? '')
  const found = relationColumns(env, relation).find((one) => one.name === column?.name)
  if (found === undefined) unknown(env, `the column "${name ?? ''}"`)
  // Whether what is computed is NULL tells more than that of what it is computed of.
  const told = found?.value.kind === 'direct' ? use : 'other'
  for (const source of found?.value.sources ?? []) addControl(env.draft, source, told, 'ALTER TABLE')
}

function testAll(altered: Altered): void {
  for (const { name } of altered.relation.columns) testColumn(name, altered, 'other')
}

function retype(command: AlterTableCmd, { env, relation, scope }: Altered): void {
  const using = payload(command.def, 'ColumnDef')?.raw_default
  if (using === undefined) return
  const value = walk(using, scope)
  addControlOf(env.draft, value, 'ALTER TABLE')
  const own = columnRef(env.index, relation, command.name ?? '') ?? null
  addFlow(env.draft, `${relationName(relation)}.${command.name ?? ''}`, own, value.sources)
}

/** What a rule on a parent covers changes for the child, and the parent shows the child's rows or no longer does. */
function changeFamily(command: AlterTableCmd, { env, relation }: Altered): void {
  const partition = payload(command.def, 'PartitionCmd')
  const other = effectOnRelation(env, 'alter', partition?.name ?? payload(command.def, 'RangeVar'))
  partitionBound(partition?.bound, emptyScope(env))
  understood(env, partition?.bound)
  if (other?.kind !== 'catalog') return
  const child = partition === undefined ? relation : other.relation
  const parent = partition === undefined ? other.relation : relation
  const joins = command.subtype === 'AT_AddInherit' || command.subtype === 'AT_AttachPartition'
  if (!joins) left(env, child)
  if (command.subtype === 'AT_AttachPartition') boundsTested(env, parent)
  // Rows that refer to one of the part forbid it.
  if (command.subtype === 'AT_DetachPartition') referredTo(env, child, null, true)
  moveColumns({ kind: 'catalog', relation: child }, relationName(joins ? parent : child), env)
}
