// The facts of one statement while they are being found. Everything is added, nothing is taken back, and doubles fall
// together, so that parts of a tree may be walked in any order and more than once.
import type {
  ColumnRef,
  ControlUse,
  Effect,
  Flow,
  FlowOfTrigger,
  FunctionUse,
  MissingName,
  SessionEffect,
  SqlOperation,
} from './facts.ts'
import { mergeOrder, newOrderFacts, type OrderFacts } from './order-facts.ts'
import type { Column, Value } from './values.ts'

export interface Draft {
  readonly effects: Map<string, Effect>
  readonly functions: Map<string, FunctionUse>
  /** Operators that are looked up by name, PostgreSQL's own as well: a text may make another one of that name. */
  readonly operators: Set<string>
  readonly control: Map<string, ControlUse>
  /** How often a column stands in an equality: each is a guess, and one statement may make one (DESIGN §4, predicates). */
  readonly equalities: Map<ColumnRef, Set<object>>
  readonly flows: Map<string, Flow>
  /** Every column that a name or a star stands for, whatever becomes of its value. */
  readonly reads: Set<ColumnRef>
  readonly session: SessionEffect[]
  readonly relations: Set<number>
  readonly unknowns: Set<string>
  /** Those of `unknowns` that are names which the target does not have. */
  readonly missing: Map<string, MissingName>
  /** Code that runs unseen (facts.ts). */
  readonly opaque: Set<string>
  /** Functions that run and are vouched for (facts.ts). */
  readonly trusted: Set<string>
  /** Constructs that put several rows into one (facts.ts). */
  readonly packs: Set<string>
  /** Aggregates that choose whose values they take (facts.ts). */
  readonly gathers: Set<string>
  /** What the statement runs that stands in another text (facts.ts). */
  readonly elsewhere: Set<string>
  /** How often a relation is read where its values can reach the result, by its name: limits ask for it. */
  readonly readings: Map<string, number>
  /** Columns that get a new value. */
  readonly written: Set<ColumnRef>
  /** Parts of JSON columns by their paths, so that the same part is the same object. */
  readonly parts: Map<ColumnRef, Map<string, ColumnRef>>
  /** Payloads of the tree that were understood. */
  readonly seen: Set<object>
  /** False once an UPDATE or DELETE without a WHERE over its target was found. */
  filtered: boolean
  /** What was found of nodes, by which it is proven that order shows nothing. */
  readonly order: OrderFacts
  /** Order was found to show nothing where parameters are plain. */
  plainParameters: boolean
  /** Types of parameters that stand under a cast, where order was found to show nothing. */
  readonly castParameters: Map<number, string>
  /** Order was found to show nothing since no row shows anything. */
  rowsAlike: boolean
}

export const newDraft = (): Draft => ({
  effects: new Map(),
  functions: new Map(),
  operators: new Set(),
  control: new Map(),
  equalities: new Map(),
  flows: new Map(),
  reads: new Set(),
  session: [],
  relations: new Set(),
  unknowns: new Set(),
  missing: new Map(),
  opaque: new Set(),
  trusted: new Set(),
  packs: new Set(),
  gathers: new Set(),
  elsewhere: new Set(),
  readings: new Map(),
  written: new Set(),
  parts: new Map(),
  seen: new Set(),
  order: newOrderFacts(),
  filtered: true,
  plainParameters: false,
  castParameters: new Map(),
  rowsAlike: false,
})

/** Adds an effect. The strictest of several on the same object wins: direct over derived, covered over baseline. */
export function addEffect(draft: Draft, effect: Effect): void {
  // A dot inside a name would make one relation look like another: parents tell more.
  const key = JSON.stringify([effect.operation, effect.object, ...effect.parents])
  const known = draft.effects.get(key)
  if (known === undefined) {
    draft.effects.set(key, effect)
    return
  }
  const direct = [known, effect].filter((one) => one.via === 'direct')
  const becomes = [...(known.becomes ?? []), ...(effect.becomes ?? [])]
  draft.effects.set(key, {
    ...known,
    via: direct.length > 0 ? 'direct' : 'derived',
    // Also one that a view or function has: masks ask for it (under-masks.ts).
    baseline: known.baseline && effect.baseline,
    ...(becomes.length === 0 ? {} : { becomes }),
  })
}

/** A direct effect outside the baseline on an object without parents. */
export function addDirect(draft: Draft, operation: SqlOperation, object: string): void {
  addEffect(draft, { operation, object, via: 'direct', parents: [], baseline: false })
}

/** The relation is read once more, or so many times. */
export function addReadings(draft: Draft, name: string, times = 1): void {
  draft.readings.set(name, (draft.readings.get(name) ?? 0) + times)
}

/** Runs it, with what it reads apart: it may count several times, not at all, or for one arm of several. */
export function readingsApart<T>(draft: Draft, run: () => T): readonly [T, ReadonlyMap<string, number>] {
  const before = [...draft.readings]
  draft.readings.clear()
  const result = run()
  const readings = new Map(draft.readings)
  draft.readings.clear()
  for (const [name, times] of before) draft.readings.set(name, times)
  return [result, readings]
}

/** The value's columns are read here. */
export function addRead(draft: Draft, value: Value): void {
  for (const column of value.sources) draft.reads.add(column)
  for (const column of value.nulls) draft.reads.add(column)
}

export function addControl(draft: Draft, column: ColumnRef, use: ControlUse['use'], where: string): void {
  const key = controlKey({ column, use, where })
  if (!draft.control.has(key)) draft.control.set(key, { column, use, where })
}

/** By number: a dot inside a name would make one column look like another. */
export const controlKey = ({ column, use, where }: ControlUse): string =>
  `${column.relationOid}.${column.number} ${use} ${where} ${column.path === undefined ? '' : JSON.stringify(column.path)}`

/** The value decides rows or order: its columns fully, those of which only nullness is in it as a null test. */
export function addControlOf(draft: Draft, value: Value, where: string): void {
  for (const column of value.sources) addControl(draft, column, 'other', where)
  for (const column of value.nulls) if (!value.sources.has(column)) addControl(draft, column, 'null-test', where)
}

/**
 * Columns of a query that may be computed although nothing reads them: what is computed from a column can fail by its value
 * . The planner drops unread columns of plain subqueries, and of no other (allpaths.c, remove_unused_subquery_outputs).
 */
export function addComputed(draft: Draft, columns: readonly Column[], where: string): void {
  for (const { value } of columns) {
    if (value.fields !== null) addComputed(draft, value.fields, where)
    else if (value.kind === 'derived' && value.total !== true && value.sure === undefined)
      for (const column of value.sources) addControl(draft, column, 'other', where)
  }
}

/** `column = constant` at the top of a WHERE; `node` tells this place from others. */
export function addEquality(draft: Draft, value: Value, node: object, where: string): void {
  for (const column of value.sources) {
    addControl(draft, column, 'equality', where)
    const places = draft.equalities.get(column)
    if (places === undefined) draft.equalities.set(column, new Set([node]))
    else places.add(node)
  }
}

export function addFlow(
  draft: Draft,
  to: string,
  toColumn: ColumnRef | null,
  sources: Iterable<ColumnRef>,
  trigger?: FlowOfTrigger,
  ofRow?: true,
): void {
  const carried = [...sources].filter((column) => column !== toColumn)
  if (carried.length === 0) return
  const place = toColumn === null ? to : `${toColumn.relationOid}.${toColumn.number}`
  const key = trigger === undefined ? place : `${place} ${trigger}${ofRow === true ? ' of the row' : ''}`
  const known = draft.flows.get(key)
  const all = [...new Set([...(known?.sources ?? []), ...carried])]
  const how = { ...(trigger === undefined ? {} : { trigger }), ...(ofRow === undefined ? {} : { ofRow }) }
  draft.flows.set(key, { to, toColumn, sources: all, ...how })
}

/** The column, and what is behind it where it is a view's. */
export function addWritten(draft: Draft, column: ColumnRef | undefined, own: Value | undefined): void {
  if (column !== undefined) draft.written.add(column)
  if (own?.kind === 'direct') for (const source of own.sources) draft.written.add(source)
}

/** Takes over what another statement, a view or a function body does; as derived unless it stands for this statement. */
export function merge(into: Draft, from: Draft, via: 'direct' | 'derived'): void {
  for (const effect of from.effects.values()) addEffect(into, via === 'direct' ? effect : { ...effect, via })
  for (const [name, use] of from.functions) into.functions.set(name, use)
  for (const name of from.operators) into.operators.add(name)
  for (const [key, use] of from.control) if (!into.control.has(key)) into.control.set(key, use)
  for (const [column, places] of from.equalities)
    into.equalities.set(column, new Set([...(into.equalities.get(column) ?? []), ...places]))
  for (const flow of from.flows.values()) addFlow(into, flow.to, flow.toColumn, flow.sources, flow.trigger, flow.ofRow)
  for (const column of from.reads) into.reads.add(column)
  for (const oid of from.relations) into.relations.add(oid)
  for (const unknown of from.unknowns) into.unknowns.add(unknown)
  // What a definition names and nobody has is a fault of the definition.
  if (via === 'direct') for (const [why, what] of from.missing) into.missing.set(why, what)
  for (const code of from.opaque) into.opaque.add(code)
  for (const name of from.trusted) into.trusted.add(name)
  for (const construct of from.packs) into.packs.add(construct)
  for (const construct of from.gathers) into.gathers.add(construct)
  for (const what of from.elsewhere) into.elsewhere.add(what)
  for (const [name, times] of from.readings) addReadings(into, name, times)
  for (const column of from.written) into.written.add(column)
  mergeOrder(into.order, from.order)
  if (!from.filtered) into.filtered = false
  if (from.plainParameters) into.plainParameters = true
  for (const [number, type] of from.castParameters) into.castParameters.set(number, type)
}

/** The control uses, with equalities on a column that stands in several of them counted as any other use. */
export function controlOf(draft: Draft): ControlUse[] {
  const found = new Map<string, ControlUse>()
  for (const use of draft.control.values()) {
    const guesses = draft.equalities.get(use.column)?.size ?? 0
    const shown: ControlUse = use.use === 'equality' && guesses > 1 ? { ...use, use: 'other' } : use
    found.set(controlKey(shown), shown)
  }
  return [...found.values()]
}
