// What PostgreSQL computes of a row that is written: defaults, generated columns, checks, index expressions, partition keys.
// They may run code of the target, and whether they fail tells about the columns that they read.
import type { CatalogColumn, CatalogRelation } from './catalog.ts'
import { type CatalogIndex, columnRefs, descendants, elementType, keptBy, relationName } from './catalog-index.ts'
import { addControl, addControlOf, addEffect, newDraft } from './draft.ts'
import type { ColumnRef, ControlUse, Effect, FlowOfTrigger } from './facts.ts'
import { relationColumns, relationEntry } from './relations.ts'
import { type Environment, emptyScope, inside } from './scope.ts'
import { queryColumns } from './select.ts'
import { fits, isSure } from './sure.ts'
import { mayWrite } from './types.ts'
import { mayChange, unfollowed } from './unseen.ts'
import type { Value } from './values.ts'
import { parseQuery } from './views.ts'

/** One text of the catalog, understood. */
interface Computed {
  /** It calls functions outside pg_catalog, or is not understood. */
  readonly runsOwnCode: boolean
  /** What that code does to objects; null where it cannot be followed. */
  readonly effects: readonly Effect[] | null
  /** The relation's columns that it reads; all of them where it is not understood. */
  readonly reads: readonly ColumnRef[]
}

/** Columns by name: written anew as a whole, or in a part, as by `SET a[1] = x`. */
export type Written = ReadonlyMap<string, 'whole' | 'part'>

/** Whatever a write of this relation runs by itself and cannot be followed. */
export function computedOnWrite(env: Environment, relation: CatalogRelation): void {
  for (const column of relation.columns) filled(env, relation, column)
  noteOwnCode(env, checksOf(env, relation), `a constraint or index expression of "${relationName(relation)}"`)
}

/** Masks stop at any code of the target; for rules it counts what the code does, where that is known. */
function noteOwnCode(env: Environment, all: readonly Computed[], what: string): void {
  const own = all.filter(({ runsOwnCode }) => runsOwnCode)
  if (own.length === 0) return
  env.draft.opaque.add(own.some(({ effects }) => effects === null) ? `${what}${unfollowed}` : what)
  for (const { effects } of own) for (const effect of effects ?? []) addEffect(env.draft, { ...effect, via: 'derived' })
}

/** A column's default, generation and type. */
function filled(env: Environment, relation: CatalogRelation, column: CatalogColumn): void {
  if (env.index.codeTypes.has(elementType(column.type)))
    env.draft.opaque.add(`the checks of the type "${column.type}"${mayWrite(column.type, env) ? unfollowed : ''}`)
  if (column.expression === null) return
  const computed = expressionOf(env, relation, column.expression, column)
  noteOwnCode(env, [computed], `the expression of the column "${relationName(relation)}.${column.name}"`)
}

/**
 * An update that writes one column of a constraint and leaves another as it is fails by the other's value: CHECK (name <> ssn)
 * answers guesses. A constraint over written columns alone tests what the caller wrote; one over none of them has
 * been met before. Null where it cannot be known what is written.
 */
export function testedTogether(
  env: Environment,
  relation: CatalogRelation,
  written: Written | null,
  children: boolean,
): void {
  if (relation.kind === 'view') {
    behindView(env, relation, written)
    return
  }
  referredTo(env, relation, written, children)
  probed(env, relation, written ?? everyColumn(relation), children)
  for (const one of withChildren(env, relation, children)) {
    const refs = columnRefs(env.index, one)
    const how = new Map(
      one.columns.flatMap(({ name }, at) => (refs[at] === undefined ? [] : [[refs[at], written?.get(name)]])),
    )
    for (const { reads } of [...checksOf(env, one), ...generatedOf(env, one)]) {
      const left = reads.filter((column) => how.get(column) !== 'whole')
      const touched = written === null ? reads.length > 1 : reads.some((column) => how.get(column) !== undefined)
      if (touched) for (const column of left) addControl(env.draft, column, 'other', 'a constraint on what is written')
    }
  }
}

const withChildren = (env: Environment, relation: CatalogRelation, children: boolean): readonly CatalogRelation[] => [
  relation,
  ...(children ? descendants(env.index, relation) : []),
]

const everyColumn = ({ columns }: CatalogRelation): Written => new Map(columns.map(({ name }) => [name, 'part']))

/**
 * Rows that refer to those that are deleted, or to a key that is changed, go, change or forbid it: which ones they are shows what is in
 * their columns. `written`: null where it cannot be known, and of DELETE.
 */
export function referredTo(
  env: Environment,
  relation: CatalogRelation,
  written: Written | null,
  children: boolean,
): void {
  for (const one of withChildren(env, relation, children))
    for (const { fromOid, columns, keys } of one.cascades) {
      const from = env.index.byOid.get(fromOid)
      const isTouched = one.columns.some(
        ({ name, number }) => written?.has(name) !== false && keys?.includes(number) !== false,
      )
      if (!isTouched) continue
      // Whether it fails tells which of these rows has what somebody refers to.
      for (const column of columnRefs(env.index, one))
        if (keys?.includes(column.number) !== false) addControl(env.draft, column, 'other', 'a foreign key')
      if (from === undefined) continue
      for (const column of columnRefs(env.index, from))
        if (columns?.includes(column.number) !== false) addControl(env.draft, column, 'other', 'a foreign key')
    }
}

/**
 * Whether a row can be stored tells more than that its values are there already: whether they overlap others', or what another column
 * of those rows is like, as the condition of the index says. `written`: null of INSERT.
 */
export function probed(env: Environment, relation: CatalogRelation, written: Written | null, children: boolean): void {
  for (const one of withChildren(env, relation, children)) {
    const refs = columnRefs(env.index, one)
    for (const { columns, condition: text } of one.probes ?? []) {
      const conditions = text === null ? [] : conditionOf(env, one, text)
      const read = new Set(conditions.map(({ column }) => column.number))
      const isTouched =
        written === null ||
        one.columns.some(
          ({ name, number }) => written.has(name) && (one.compared?.includes(number) !== false || read.has(number)),
        )
      if (!isTouched) continue
      for (const column of refs)
        if (columns.includes(column.number)) addControl(env.draft, column, 'other', 'an exclusion constraint')
      for (const { column, use } of conditions) addControl(env.draft, column, use, 'the condition of a unique index')
    }
  }
}

/**
 * What a trigger stores somewhere may not show by whether that fails: by its expression, its type, a constraint, or a row that
 * has the value already. Gives what kind of flow it is.
 */
export function storedByTrigger(
  env: Environment,
  relation: CatalogRelation,
  column: ColumnRef,
  value: Value,
): FlowOfTrigger {
  const type = relation.columns.find(({ number }) => number === column.number)?.type ?? null
  const fit = fits(value, type)
  if (!isSure(value) || !fit || isTested(env, relation, column)) addControlOf(env.draft, value, 'what a trigger writes')
  return value.kind === 'direct' && value.mixed !== 'constants' && fit ? 'copied' : 'computed'
}

function isTested(env: Environment, relation: CatalogRelation, column: ColumnRef): boolean {
  const name = relation.columns.find(({ number }) => number === column.number)?.name
  return [relation, ...descendants(env.index, relation)].some((one) => {
    const at = one.columns.findIndex((found) => found.name === name)
    const own = columnRefs(env.index, one)[at]
    if (own === undefined || one.compared?.includes(own.number) !== false) return own !== undefined
    return [...checksOf(env, one), ...generatedOf(env, one)].some(({ reads }) => reads.includes(own))
  })
}

/** The columns of the relations behind a view that a write through it reaches. */
function behindView(env: Environment, view: CatalogRelation, written: Written | null): void {
  const reached = new Map<CatalogRelation, Map<string, 'whole' | 'part'>>()
  for (const { name, value } of relationColumns(env, view)) {
    const how = written === null ? 'part' : written.get(name)
    if (how === undefined) continue
    for (const { relationOid, number } of value.sources) {
      const base = env.index.byOid.get(relationOid)
      const column = base?.columns.find((one) => one.number === number)
      if (base === undefined || column === undefined || base.kind === 'view') continue
      reached.set(base, (reached.get(base) ?? new Map()).set(column.name, how))
    }
  }
  for (const [base, names] of reached) testedTogether(env, base, written === null ? null : names, true)
}

const checks = new WeakMap<CatalogIndex, WeakMap<CatalogRelation, readonly Computed[]>>()

function checksOf(env: Environment, relation: CatalogRelation): readonly Computed[] {
  return keptBy(checks, env.index, relation, () =>
    (relation.checks ?? []).map((text) => understand(env, relation, text)),
  )
}

/** What is stored of other columns is computed again when one of them is written. */
function generatedOf(env: Environment, relation: CatalogRelation): readonly Computed[] {
  return relation.columns.flatMap((column) =>
    column.generated === 'stored' && column.expression !== null
      ? expressionOf(env, relation, column.expression, column)
      : [],
  )
}

/** What the rows of a partial index are chosen by. */
function conditionOf(env: Environment, relation: CatalogRelation, text: string): readonly ControlUse[] {
  const draft = newDraft()
  const inner: Environment = { ...env, draft, naming: 'definition', body: null }
  const parsed = parseQuery(env, `SELECT WHERE ${text}`)
  const refs = columnRefs(env.index, relation)
  const all = refs.map((column): ControlUse => ({ column, use: 'other', where: '' }))
  if (parsed === null) return all
  queryColumns(parsed.query, inside(emptyScope(inner), [relationEntry(inner, bare(relation), null)]))
  return draft.unknowns.size > 0 ? all : [...draft.control.values()]
}

const expressions = new WeakMap<CatalogIndex, WeakMap<CatalogColumn, Computed>>()

function expressionOf(env: Environment, relation: CatalogRelation, text: string, column: CatalogColumn): Computed {
  return keptBy(expressions, env.index, column, () => understand(env, relation, text))
}

function understand(env: Environment, relation: CatalogRelation, text: string): Computed {
  const draft = newDraft()
  const inner: Environment = { ...env, draft, naming: 'definition', body: null }
  const parsed = parseQuery(env, `SELECT ${text}`)
  const refs = columnRefs(env.index, relation)
  if (parsed === null) return { runsOwnCode: true, effects: null, reads: refs }
  queryColumns(parsed.query, inside(emptyScope(inner), [relationEntry(inner, bare(relation), null)]))
  const own =
    [...draft.functions.values()].some(({ name, computes }) => !name.startsWith('pg_catalog.') && computes !== true) ||
    [...draft.effects.values()].some(({ operation, object }) => operation === 'set' || changesSession.test(object))
  const reads = draft.unknowns.size > 0 ? refs : refs.filter((ref) => draft.reads.has(ref))
  const isKnown = draft.unknowns.size === 0 && draft.opaque.size === 0
  const isFollowed = draft.unknowns.size === 0 && ![...draft.opaque].some(mayChange)
  return { runsOwnCode: own || !isKnown, effects: isFollowed ? [...draft.effects.values()] : null, reads }
}

/** What it would leave in the session is seen by nobody: no caller wrote it. */
const changesSession = /^pg_catalog\.(set_config|setseed|pg_(try_)?advisory_lock(_shared)?)\(\)$/

/** Its columns by themselves: an expression is not followed into that of another column. */
const bare = (relation: CatalogRelation): CatalogRelation => ({
  ...relation,
  columns: relation.columns.map((column) => ({ ...column, generated: 'no' })),
})
