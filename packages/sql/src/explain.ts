// EXPLAIN: with ANALYZE the statement runs, and its effects are these; without it nothing is written but by functions, and the plan tells
// what statistics say about every column that it names.
import type { ExplainStmt, Node } from '@pgsql/types'
import { columnRefs } from './catalog-index.ts'
import { addControl, addEffect, type Draft, merge, newDraft } from './draft.ts'
import type { ColumnRef } from './facts.ts'
import { relationCalled } from './order-free.ts'
import type { Outcome } from './outcome.ts'
import { relationColumns } from './relations.ts'
import { type Environment, unknown } from './scope.ts'
import { runStatement } from './statements.ts'
import { constantText, payload, tagOf } from './tree.ts'

const known = new Set(
  `analyze verbose costs settings generic_plan buffers serialize wal timing summary memory format`.split(/\s+/),
)
const falses = /^(off|false|0|no)$/i

/** Options that are on: the last spelling of one wins, and one without a value is on. */
function optionsOf(explain: ExplainStmt, env: Environment): ReadonlySet<string> {
  const on = new Map<string, boolean>()
  for (const node of explain.options ?? []) {
    const option = payload(node, 'DefElem')
    const name = option?.defname?.toLowerCase() ?? ''
    if (!known.has(name)) unknown(env, 'an option of EXPLAIN')
    const text = payload(option?.arg, 'String')?.sval ?? numberOf(option?.arg) ?? constantText(option?.arg)
    // Anything that is not plainly false counts as true.
    on.set(name, option?.arg === undefined || text === null || !falses.test(text))
  }
  // explain_state.c: what is measured says so by itself since 18.
  if (on.get('analyze') === true && env.index.catalog.serverVersion >= 180_000 && !on.has('buffers'))
    on.set('buffers', true)
  return new Set([...on].filter(([, isOn]) => isOn).map(([name]) => name))
}

/** They tell how many bytes a row takes, and in which page it lies: both depend on how long all of its values are. */
const sizes = ['buffers', 'wal', 'memory']

function numberOf(node: Node | undefined): string | null {
  const integer = payload(node, 'Integer')
  if (integer !== undefined) return String(integer.ival ?? 0)
  const boolean = payload(node, 'Boolean')
  return boolean === undefined ? null : boolean.boolval === true ? 'on' : 'off'
}

const explainable = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'DeclareCursorStmt',
  'CreateTableAsStmt',
  'RefreshMatViewStmt',
  'ExecuteStmt',
])

export function explainStatement(explain: ExplainStmt, env: Environment): Outcome {
  const plan = { verb: 'explain', output: [{ name: 'QUERY PLAN', kind: 'derived', sources: [] }] } as const
  const options = optionsOf(explain, env)
  const analyze = options.has('analyze')
  const inner = explain.query
  if (inner === undefined || !explainable.has(tagOf(inner))) {
    unknown(env, `EXPLAIN of ${inner === undefined ? 'nothing' : tagOf(inner)}`)
    return plan
  }
  const draft = newDraft()
  const outcome = runStatement(inner, { ...env, draft })
  for (const seen of draft.seen) env.draft.seen.add(seen)
  if (analyze || runsFunctions(draft)) {
    merge(env.draft, draft, 'direct')
    // The server keeps no cursor, statement or COPY of what it only measures; settings and objects do change.
    env.draft.session.push(...draft.session.filter(({ kind }) => kind === 'set' || kind === 'ddl'))
  } else planned(env.draft, draft)
  // Average widths, row counts and failures show in the plan for every column that any node of it carries.
  for (const column of outcome.output ?? []) for (const source of column.sources) draft.reads.add(source)
  for (const column of carried(draft, outcome, env)) draft.reads.add(column)
  const tellsSizes = sizes.some((option) => options.has(option))
  for (const column of tellsSizes ? touched(draft, env) : []) addControl(env.draft, column, 'other', 'EXPLAIN')
  for (const column of draft.reads) addControl(env.draft, column, 'other', 'EXPLAIN')
  for (const column of analyze ? rewritten(draft) : []) addControl(env.draft, column, 'other', 'EXPLAIN')
  return plan
}

/**
 * The planner calls what is declared to give the same every time, to have its value: the immutable for good, the stable for an
 * estimate (clauses.c, evaluate_function and estimate_expression_value). What is declared is not what the body does, nor what it calls.
 */
const runsFunctions = ({ functions }: Draft): boolean =>
  [...functions.values()].some(
    ({ name, volatility, computes }) =>
      volatility !== 'volatile' && computes !== true && !/^(pg_catalog|information_schema)\./.test(name),
  )

/** A write carries whole rows of foreign tables that it reads (preptlist.c, ROW_MARK_COPY). */
function carried(draft: Draft, outcome: Outcome, env: Environment): readonly ColumnRef[] {
  const locks = [...draft.effects.values()].some(({ operation }) => operation === 'lock')
  if (outcome.verb === 'select' && !locks) return []
  return [...draft.relations].flatMap((oid) => {
    const relation = env.index.byOid.get(oid)
    return relation?.kind === 'foreign' ? columnRefs(env.index, relation) : []
  })
}

/** What was measured says which checks of foreign keys it took, and of a column that stays as it was it takes none (ri_triggers.c). */
const rewritten = ({ effects, written }: Draft): readonly ColumnRef[] =>
  [...effects.values()].some(({ operation }) => operation === 'update') ? [...written] : []

/** All columns of whatever is read or written. */
function touched(draft: Draft, env: Environment): readonly ColumnRef[] {
  const { index } = env
  const relations = new Set([...draft.relations].flatMap((oid) => index.byOid.get(oid) ?? []))
  for (const { object } of draft.effects.values()) {
    const relation = relationCalled(object, env)
    if (relation !== undefined) relations.add(relation)
  }
  // With what is behind them: a column may hold rows of another relation.
  return [...relations].flatMap((relation) => [
    ...columnRefs(index, relation),
    ...relationColumns({ ...env, draft: newDraft() }, relation).flatMap(({ value }) => [...value.sources]),
  ])
}

const writes = new Set(['insert', 'update', 'delete', 'truncate', 'lock'])

/** Nothing is written: a write becomes a read of the same relation; what would be created is not. */
function planned(into: Draft, draft: Draft): void {
  for (const effect of draft.effects.values()) {
    if (writes.has(effect.operation)) addEffect(into, { ...effect, operation: 'select' })
    else if (effect.operation === 'select' || effect.operation === 'call') addEffect(into, effect)
  }
  const kept = { ...draft, effects: new Map(), flows: new Map(), filtered: true }
  merge(into, kept, 'direct')
}
