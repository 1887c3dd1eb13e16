// Triggers: what their functions do with the rows of a relation, found once for a catalog. One that cannot be followed runs
// unseen, which is refused while masks apply; one that the target's owner vouches for is not looked into.

import { pathOf } from './bodies.ts'
import type { CatalogFunction, CatalogRelation } from './catalog.ts'
import { type CatalogIndex, functionName, keptBy, relationName } from './catalog-index.ts'
import { addEffect, addFlow, type Draft, merge, newDraft } from './draft.ts'
import { condition } from './expressions.ts'
import { type Fired, runPlpgsql } from './plpgsql.ts'
import { relationColumns } from './relations.ts'
import { type Environment, emptyScope, entryOf, unknown } from './scope.ts'
import { payload, unvisited } from './tree.ts'
import { parseQuery } from './views.ts'

type Trigger = CatalogRelation['triggers'][number]

/** Triggers that set off triggers: deeper ones run unseen. */
const firingMax = 16

/** What a trigger does, as derived effects of the statement that sets it off. */
export function fireTrigger(env: Environment, relation: CatalogRelation, trigger: Trigger): void {
  const called = env.index.functionByOid.get(trigger.functionOid)
  if (called === undefined) {
    unknown(env, `the function of the trigger "${trigger.name}"`)
    return
  }
  const name = functionName(called)
  addEffect(env.draft, { operation: 'call', object: name, via: 'derived', parents: [], baseline: false })
  env.draft.functions.set(name, { name, volatility: called.volatility, pure: false })
  if (env.context.trusted?.has(name) === true) {
    env.draft.trusted.add(name)
    return
  }
  const mark = `${trigger.name} ${relation.oid}`
  const firing = env.firing ?? []
  // It is set off by what it does itself: what it does is found already.
  if (firing.includes(mark)) return
  const found = keptOf(env, relation, trigger, called, [...firing, mark])
  merge(env.draft, found, 'derived')
}

const kept = new WeakMap<CatalogIndex, WeakMap<Trigger, Map<string, Draft>>>()

/** By what else it depends on. One found inside of another may have been cut short by that. */
function keptOf(
  env: Environment,
  relation: CatalogRelation,
  trigger: Trigger,
  called: CatalogFunction,
  firing: readonly string[],
): Draft {
  const run = () => runTrigger({ ...env, firing }, relation, trigger, called)
  if (firing.length > 1 || env.expanding.length > 0) return run()
  const places = keptBy(kept, env.index, trigger, () => new Map<string, Draft>())
  const place = JSON.stringify([env.searchPath, env.context.preset, [...(env.context.trusted ?? [])]])
  const known = places.get(place)
  if (known !== undefined) return known
  const made = run()
  if (places.size < placesMax) places.set(place, made)
  return made
}

/** Search paths under which one trigger is remembered. */
const placesMax = 64

function runTrigger(env: Environment, relation: CatalogRelation, trigger: Trigger, called: CatalogFunction): Draft {
  const title = `the trigger "${trigger.name}" of "${relationName(relation)}"`
  const draft = newDraft()
  const unseen = (why: string): Draft => {
    const closed = newDraft()
    closed.opaque.add(`${title}, which runs "${functionName(called)}": ${why}`)
    return closed
  }
  if ((env.firing ?? []).length > firingMax) return unseen('triggers within triggers')
  const inner: Environment = {
    ...env,
    draft,
    naming: 'session',
    searchPath: pathOf(called, env),
    context: { ...env.context, prepared: new Map(), cursors: new Map() },
    body: null,
  }
  const fired = firedBy(inner, relation, trigger, called)
  if (typeof fired === 'string') return unseen(fired)
  if (called.language !== 'plpgsql') return unseen(`the language "${called.language}"`)
  if (called.settings.some((setting) => !setting.startsWith('search_path='))) return unseen('a setting')
  const ran = runPlpgsql(called, [], fired, inner)
  if (typeof ran === 'string') return unseen(ran)
  merge(draft, ran.draft, 'derived')
  const [first] = draft.unknowns
  if (first !== undefined) return unseen(first)
  // What is sent for a column, and whether a WHERE is there, is asked of the statement alone.
  draft.written.clear()
  draft.filtered = true
  if (draft.readings.size > 0) return draft
  const ofRow = newDraft()
  for (const { to, toColumn, sources, trigger: how } of draft.flows.values())
    addFlow(ofRow, to, toColumn, sources, how, true)
  return { ...draft, flows: ofRow.flows }
}

/** Reads the definition and judges its condition. */
function firedBy(
  env: Environment,
  relation: CatalogRelation,
  trigger: Trigger,
  called: CatalogFunction,
): Fired | string {
  const parsed = parseQuery(env, trigger.definition ?? '')
  const made = payload(parsed?.query, 'CreateTrigStmt')
  if (parsed === null || made === undefined) return 'its definition'
  // It may run when the session has another search_path.
  const isDeferred = made.deferrable === true || made.initdeferred === true
  if (isDeferred && !called.settings.some((setting) => setting.startsWith('search_path='))) return 'a deferred run'
  const tables = (made.transitionRels ?? []).map((node) => payload(node, 'TriggerTransition')?.name ?? '')
  if (made.whenClause !== undefined) {
    const columns = relationColumns(env, relation)
    const rows = ['new', 'old'].map((name) => entryOf(name, columns, { columnsVisible: false }))
    const scope = { ...emptyScope({ ...env, naming: 'definition' }), entries: rows, nested: true }
    condition(made.whenClause, scope, 'the condition of a trigger')
    const left = unvisited(parsed.significant, env.draft.seen).filter((one) => !one.startsWith('RangeVar'))
    for (const one of left) env.draft.unknowns.add(one)
  }
  return { relation, tables: tables.filter(Boolean) }
}
