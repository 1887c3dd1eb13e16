// What a write sets off: children, triggers, foreign keys that cascade, rules, and the relations behind a view.
// Everything found here is derived: it can deny or hold a statement, never allow it.
import type { CatalogColumn, CatalogRelation } from './catalog.ts'
import { descendants, elementType, functionName, relationName } from './catalog-index.ts'
import { addEffect, newDraft } from './draft.ts'
import { relationColumns, relationEffect, relationEntry } from './relations.ts'
import { type Environment, emptyScope, inside, unknown } from './scope.ts'
import { queryColumns } from './select.ts'
import { parseQuery } from './views.ts'

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
  const seen = new Set<string>()
  follow(env, operation, relation, seen)
  if (children) for (const child of descendants(env.index, relation)) follow(env, operation, child, seen)
}

function follow(env: Environment, operation: Write, relation: CatalogRelation, seen: Set<string>): void {
  const key = `${operation} ${relation.oid}`
  if (seen.has(key)) return
  seen.add(key)
  if (relation.rules.length > 0) unknown(env, `the rules of "${relationName(relation)}"`)
  fireTriggers(env, operation, relation)
  if (operation === 'insert' || operation === 'update') {
    for (const one of relation.columns) filled(env, relation, one)
    checked(env, relation)
  }
  if (operation === 'delete' || operation === 'update') cascade(env, operation, relation, seen)
  if (relation.kind === 'view') throughView(env, operation, relation)
}

function fireTriggers(env: Environment, operation: Write, relation: CatalogRelation): void {
  for (const trigger of relation.triggers) {
    if (!trigger.events.includes(operation)) continue
    const called = env.index.functionByOid.get(trigger.functionOid)
    if (called === undefined) {
      unknown(env, `the function of the trigger "${trigger.name}"`)
      continue
    }
    const name = functionName(called)
    env.draft.opaque.add(`the trigger "${trigger.name}" of "${relationName(relation)}"`)
    addEffect(env.draft, { operation: 'call', object: name, via: 'derived', parents: [], baseline: false })
    env.draft.functions.set(name, { name, volatility: called.volatility, pure: false })
  }
}

/** What a column's default, generation and type run when it is written: PostgreSQL's own functions, or code of the target. */
function filled(env: Environment, relation: CatalogRelation, column: CatalogColumn): void {
  if (env.index.codeTypes.has(elementType(column.type))) env.draft.opaque.add(`the checks of the type "${column.type}"`)
  if (column.expression === null) return
  const known = ownCode.get(column) ?? runsOwnCode(env, relation, column.expression)
  ownCode.set(column, known)
  if (known) env.draft.opaque.add(`the expression of the column "${relationName(relation)}.${column.name}"`)
}

/** Constraints, index expressions and partition keys are computed for each row that is written. */
function checked(env: Environment, relation: CatalogRelation): void {
  if (relation.checks === undefined) return
  const known = ownChecks.get(relation) ?? relation.checks.some((text) => runsOwnCode(env, relation, text))
  ownChecks.set(relation, known)
  if (known) env.draft.opaque.add(`a constraint or index expression of "${relationName(relation)}"`)
}

const ownChecks = new WeakMap<CatalogRelation, boolean>()
const ownCode = new WeakMap<CatalogColumn, boolean>()

function runsOwnCode(env: Environment, relation: CatalogRelation, expression: string): boolean {
  const draft = newDraft()
  const inner: Environment = { ...env, draft, naming: 'definition', body: null }
  const parsed = parseQuery(env, `SELECT ${expression}`)
  if (parsed !== null)
    queryColumns(parsed.query, inside(emptyScope(inner), [relationEntry(inner, bare(relation), null)]))
  const own = [...draft.functions.values()].some(({ name }) => !name.startsWith('pg_catalog.'))
  return parsed === null || own || draft.unknowns.size > 0 || draft.opaque.size > 0
}

/** Its columns by themselves: an expression is not followed into that of another column. */
const bare = (relation: CatalogRelation): CatalogRelation => ({
  ...relation,
  columns: relation.columns.map((column) => ({ ...column, generated: 'no' })),
})

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
    for (const one of [from, ...descendants(env.index, from)]) follow(env, next, one, seen)
  }
}

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
