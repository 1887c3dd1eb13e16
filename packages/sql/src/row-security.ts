// Row security: which columns decide the rows that a statement sees or may write, by the expressions of a relation's policies.
// They run with every statement on it and are written nowhere in it. What cannot be followed stays code that runs unseen.
import type { CatalogRelation } from './catalog.ts'
import { type CatalogIndex, keptBy, relationName } from './catalog-index.ts'
import { addControlOf, type Draft, merge, newDraft } from './draft.ts'
import { walk } from './expressions.ts'
import { relationEntry } from './relations.ts'
import { type Environment, emptyScope, inside } from './scope.ts'
import { payload, unvisited } from './tree.ts'
import { mayChange, unfollowed } from './unseen.ts'
import { insideDefinition, parseQuery } from './views.ts'

const decided = new WeakMap<CatalogIndex, WeakMap<CatalogRelation, Draft>>()

/**
 * What the policies of a relation do to a statement on it. All of them count, whatever role and command they are for: roles
 * are granted and taken without a change of the catalog, and too many columns that decide make a refusal, too few a hole.
 */
export function secureRows(env: Environment, relation: CatalogRelation): void {
  if (!relation.rowSecurity) return
  // A policy that reads its own relation: the target ends it with an error (rewriteHandler.c, fireRIRrules).
  const draft = env.expanding.includes(relation.oid)
    ? null
    : env.expanding.length === 0
      ? keptBy(decided, env.index, relation, () => decide(env, relation))
      : decide(env, relation)
  // Unknowns of a policy matter to masks; a statement's own effects are known all the same.
  const what = `the row security of "${relationName(relation)}"`
  if (draft === null || draft.unknowns.size > 0 || [...draft.opaque].some(mayChange))
    env.draft.opaque.add(`${what}${unfollowed}`)
  else {
    merge(env.draft, draft, 'derived')
    if (draft.opaque.size > 0) env.draft.opaque.add(what)
  }
}

function decide(env: Environment, relation: CatalogRelation): Draft {
  const draft = newDraft()
  if (relation.policies === undefined) draft.unknowns.add('policies that are not known')
  for (const { using, check } of relation.policies ?? [])
    for (const text of [using, check]) if (text !== null) decideBy(text, relation, env, draft)
  // The statement itself says how often it reads what it shows.
  draft.readings.clear()
  return draft
}

function decideBy(text: string, relation: CatalogRelation, env: Environment, draft: Draft): void {
  const parsed = parseQuery(env, `SELECT ${text}`)
  const target = payload(payload(parsed?.query, 'SelectStmt')?.targetList?.[0], 'ResTarget')?.val
  if (parsed === null || target === undefined) {
    draft.unknowns.add('the expression of a policy')
    return
  }
  const inner = insideDefinition(env, relation, draft, parsed.depth)
  const scope = { ...inside(emptyScope(inner), [relationEntry(inner, relation, relation.name)]), nested: true }
  const value = walk(target, scope)
  // No caller wrote it: an equality is no look-up that a rule could permit.
  addControlOf(draft, value, 'row security')
  for (const column of value.sources) draft.reads.add(column)
  draft.seen.add(parsed.query)
  for (const part of Object.values(parsed.query)) draft.seen.add(part)
  for (const left of unvisited(parsed.significant, draft.seen)) draft.unknowns.add(left)
}
