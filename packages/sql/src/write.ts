// INSERT, UPDATE, DELETE and MERGE: their effects, the flows of values into columns, the columns that decide which rows are
// meant, and RETURNING. All may stand in WITH; all give the columns of RETURNING, none without it.
import type { DeleteStmt, InsertStmt, MergeStmt, MergeWhenClause, Node, RangeVar, UpdateStmt } from '@pgsql/types'
import { assignments, insertFlows, type Target } from './assign.ts'
import { type Write, writeEffects } from './closure.ts'
import { addControlOf, addDirect } from './draft.ts'
import { condition, walk } from './expressions.ts'
import { fromItem, fromItems } from './from.ts'
import { listColumns } from './output.ts'
import { noteMissing, placeOf, relationEffect, relationEntry, resolveRelation } from './relations.ts'
import { returningColumns } from './returning.ts'
import { type Entry, entryOf, inside, type Scope, unknown } from './scope.ts'
import { queryColumns } from './select.ts'
import { payload } from './tree.ts'
import type { Column } from './values.ts'
import { commonTables } from './with.ts'

/** The relation that a statement writes to. */
export function targetOf(range: RangeVar | undefined, operations: readonly Write[], scope: Scope): Target {
  const { env } = scope
  const missing: Target = { relation: null, object: '', entry: entryOf(null, []), children: true }
  if (range === undefined) return missing
  env.draft.seen.add(range)
  const resolved = resolveRelation(env, range)
  const name = range.alias?.aliasname ?? range.relname ?? null
  switch (resolved.kind) {
    case 'missing': {
      noteMissing(env, resolved)
      for (const operation of operations) addDirect(env.draft, operation, resolved.object)
      return { ...missing, object: resolved.object, entry: entryOf(name, []) }
    }
    case 'system':
      unknown(env, `a write to "${resolved.relation.name}"`)
      for (const operation of operations) addDirect(env.draft, operation, resolved.relation.name)
      return { ...missing, object: resolved.relation.name, entry: entryOf(name, []) }
    case 'catalog': {
      const { relation } = resolved
      for (const operation of operations) writeEffects(env, operation, relation, range.inh === true)
      const entry = placeOf(env, range, relationEntry(env, relation, name), relation)
      return {
        relation,
        object: `${relation.schema}.${relation.name}`,
        entry: range.alias === undefined ? entry : { ...entry, schema: null },
        children: range.inh === true,
      }
    }
  }
}

const opened = (outer: Scope, clause: InsertStmt['withClause']): Scope => ({
  ...inside(outer, []),
  tables: commonTables(clause, outer),
})

export function insertRows(insert: InsertStmt, outer: Scope): readonly Column[] {
  const { draft } = outer.env
  draft.seen.add(insert)
  const scope = opened(outer, insert.withClause)
  const conflict = insert.onConflictClause
  const updates = conflict?.action === 'ONCONFLICT_UPDATE'
  const target = targetOf(insert.relation, updates ? ['insert', 'update'] : ['insert'], scope)
  const rows = insert.selectStmt === undefined ? [] : insertedColumns(insert.selectStmt, scope)
  const written = insertFlows(insert.cols, rows, target, scope)
  const whole = { ...scope, entries: [target.entry] }
  if (conflict !== undefined) onConflict(insert, target, written, scope)
  return returningColumns(insert.returningClause, target, whole)
}

/** VALUES with DEFAULT in it is read like any other. */
const insertedColumns = (node: Node, scope: Scope): readonly Column[] => queryColumns(node, scope)

/** The arbiter's columns decide whether a row is inserted; without an arbiter any unique column may. */
function onConflict(insert: InsertStmt, target: Target, written: readonly Column[], scope: Scope): void {
  const clause = insert.onConflictClause
  if (clause === undefined) return
  const { draft } = scope.env
  const own: Scope = { ...scope, entries: [target.entry] }
  const elements = clause.infer?.indexElems ?? []
  const named = elements.flatMap((node) => {
    const element = payload(node, 'IndexElem')
    if (element?.name !== undefined) return target.entry.columns.filter(({ name }) => name === element.name)
    return [{ name: '', value: walk(element?.expr, own) }]
  })
  const deciding = elements.length === 0 ? target.entry.columns : named
  for (const { value } of deciding) addControlOf(draft, value, 'ON CONFLICT')
  condition(clause.infer?.whereClause, { ...own, nested: true }, 'ON CONFLICT')
  if (clause.action !== 'ONCONFLICT_UPDATE') return
  const excluded = entryOf('excluded', written.length > 0 ? written : target.entry.columns, { columnsVisible: false })
  const both: Scope = { ...scope, entries: [target.entry, excluded] }
  assignments(clause.targetList, target, both)
  condition(clause.whereClause, { ...both, nested: true }, 'ON CONFLICT')
}

export function updateRows(update: UpdateStmt, outer: Scope): readonly Column[] {
  outer.env.draft.seen.add(update)
  const scope = opened(outer, update.withClause)
  const target = targetOf(update.relation, ['update'], scope)
  const watched = watch(target)
  const entries = [watched.entry, ...fromItems(update.fromClause, { ...scope, entries: [] })]
  const whole: Scope = { ...scope, entries }
  restrict(update.whereClause, watched, whole)
  assignments(update.targetList, target, whole)
  return returningColumns(update.returningClause, target, whole)
}

export function deleteRows(remove: DeleteStmt, outer: Scope): readonly Column[] {
  outer.env.draft.seen.add(remove)
  const scope = opened(outer, remove.withClause)
  const target = targetOf(remove.relation, ['delete'], scope)
  const watched = watch(target)
  const entries = [watched.entry, ...fromItems(remove.usingClause, { ...scope, entries: [] })]
  const whole: Scope = { ...scope, entries }
  restrict(remove.whereClause, watched, whole)
  return returningColumns(remove.returningClause, target, whole)
}

/** The target's entry with a mark that shows whether a column of it was read. */
function watch(target: Target): { entry: Entry; state: { read: boolean } } {
  const state = { read: false }
  const columns = target.entry.columns.map((column) => ({
    ...column,
    read: () => {
      state.read = true
      column.read?.()
    },
  }))
  return { entry: { ...target.entry, columns }, state }
}

/** WHERE of UPDATE and DELETE; one that reads no column of the target chooses all rows or none. */
function restrict(where: Node | undefined, watched: ReturnType<typeof watch>, scope: Scope): void {
  watched.state.read = false
  condition(where, scope, 'WHERE')
  const cursor = payload(where, 'CurrentOfExpr') !== undefined
  if (!watched.state.read && !cursor) scope.env.draft.filtered = false
}

export function mergeRows(found: MergeStmt, outer: Scope): readonly Column[] {
  outer.env.draft.seen.add(found)
  const scope = opened(outer, found.withClause)
  const clauses = (found.mergeWhenClauses ?? []).flatMap((node) => payload(node, 'MergeWhenClause') ?? [])
  const operations = new Set(clauses.flatMap(({ commandType }) => operationOf(commandType)))
  const target = targetOf(found.relation, [...operations], scope)
  if (operations.size === 0 && target.relation !== null)
    relationEffect(scope.env, 'select', target.relation, 'direct', found.relation?.inh !== false)
  const source = found.sourceRelation === undefined ? [] : fromItem(found.sourceRelation, { ...scope, entries: [] }, [])
  const whole: Scope = { ...scope, entries: [target.entry, ...source] }
  const watched = watch(target)
  const seen: Scope = { ...scope, entries: [watched.entry, ...source] }
  condition(found.joinCondition, seen, 'MERGE')
  const joined = watched.state.read
  for (const clause of clauses) {
    watched.state.read = false
    mergeArm(clause, target, whole, seen)
    const changes = clause.commandType === 'CMD_UPDATE' || clause.commandType === 'CMD_DELETE'
    // Which rows are meant depends on none of their columns: all of them may be (DESIGN §4, filtered).
    if (changes && !joined && !watched.state.read) scope.env.draft.filtered = false
  }
  return returningColumns(found.returningClause, target, whole, 'source first')
}

function operationOf(command: MergeWhenClause['commandType']): Write[] {
  if (command === 'CMD_INSERT') return ['insert']
  if (command === 'CMD_UPDATE') return ['update']
  return command === 'CMD_DELETE' ? ['delete'] : []
}

/** `seen` has the target with a mark that shows whether the condition reads it. */
function mergeArm(clause: MergeWhenClause, target: Target, scope: Scope, seen: Scope): void {
  condition(clause.condition, { ...seen, nested: true }, 'MERGE')
  if (clause.commandType === 'CMD_UPDATE') assignments(clause.targetList, target, scope)
  if (clause.commandType !== 'CMD_INSERT') return
  insertFlows(clause.targetList, listColumns(clause.values, scope), target, scope)
}
