// Row locks: FOR UPDATE and its kin lock the relations of FROM, or those that OF names.
import type { LockingClause, Node } from '@pgsql/types'
import { addEffect } from './draft.ts'
import { relationEffect } from './relations.ts'
import { type Entry, type Environment, type Scope, unknown } from './scope.ts'
import { payload } from './tree.ts'

export function lockRows(clauses: readonly Node[] | undefined, scope: Scope): void {
  for (const node of clauses ?? []) {
    const clause = payload(node, 'LockingClause')
    if (clause === undefined) unknown(scope.env, 'a locking clause')
    else lockOne(clause, scope)
  }
}

function lockOne(clause: LockingClause, scope: Scope): void {
  const { draft } = scope.env
  draft.seen.add(clause)
  const names = (clause.lockedRels ?? []).map((node) => {
    for (const inner of Object.values(node)) draft.seen.add(inner)
    return payload(node, 'RangeVar')?.relname
  })
  const named = scope.entries.filter(
    (entry) => entry.nameVisible && (names.length === 0 || names.includes(entry.name ?? '')),
  )
  const locked = named.map((entry) => lockEntry(entry, scope.env))
  // A subquery, a view, a join with an alias: the lock goes through to whatever it reads.
  if (named.length === 0 || locked.includes(false)) lockEverythingRead(scope.env)
}

/** False when the entry is no base relation. */
function lockEntry(entry: Entry, env: Environment): boolean {
  if (!entry.physical || entry.rowType === null) return false
  const [schema = '', ...rest] = entry.rowType.split('.')
  const relation = (env.index.named.get(rest.join('.')) ?? []).find((one) => one.schema === schema)
  if (relation === undefined) return false
  relationEffect(env, 'lock', relation, 'direct', true)
  return true
}

/** Locks more than the server does where it cannot be told exactly. */
function lockEverythingRead(env: Environment): void {
  for (const effect of [...env.draft.effects.values()])
    if (effect.operation === 'select') addEffect(env.draft, { ...effect, operation: 'lock', baseline: false })
}
