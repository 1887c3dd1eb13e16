// What PostgreSQL computes of a row that is written: defaults, generated columns, checks, index expressions, partition keys.
// They may run code of the target, and whether they fail tells about the columns that they read.
import type { CatalogColumn, CatalogRelation } from './catalog.ts'
import { type CatalogIndex, columnRefs, descendants, elementType, keptBy, relationName } from './catalog-index.ts'
import { addComputed, addControl, addControlOf, addEffect, newDraft } from './draft.ts'
import type { ColumnRef, ControlUse, Effect, FlowOfTrigger } from './facts.ts'
import { relationColumns, relationEntry } from './relations.ts'
import { type Environment, emptyScope, inside } from './scope.ts'
import { queryColumns } from './select.ts'
import { comesInto, untestedIn } from './some-rows.ts'
import { fits, isSure } from './sure.ts'
import { mayWrite } from './types.ts'
import { mayChange, unfollowed } from './unseen.ts'
import { plain, type Value } from './values.ts'
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

/** Columns by name, with what each gets as a whole; `part`: of it a part is written, as by `SET a[1] = x`, or nobody knows what. */
export type Written = ReadonlyMap<string, Value | 'part'>

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
 * An update that writes one column of a constraint and leaves another as it is fails by the other's value: CHECK (name <> ssn) and
 * UNIQUE (tenant, ssn) answer guesses, also where `SET ssn = ssn` writes it. A constraint over what the caller wrote alone tests that; one over
 * none of it has been met before, but by a row that goes to another partition. Null where it cannot be known what is written.
 */
export function testedTogether(
  env: Environment,
  relation: CatalogRelation,
  written: Written | null,
  children: boolean,
): void {
  if (relation.kind === 'view') {
    behindView(env, relation, written, (base, behind) => testedTogether(env, base, behind, true))
    return
  }
  const moves = children && movesRows(env, relation, written)
  referredTo(env, relation, written, children)
  probed(env, relation, moves ? null : (written ?? everyColumn(relation)), children)
  for (const one of withChildren(env, relation, children)) {
    const how = writtenIn(env, one, written)
    const together = [...checksOf(env, one), ...generatedOf(env, one)].map(({ reads }) => reads)
    const always = untestedIn(env, one)
    for (const reads of [...together, ...comparedTogether(env, one)].concat(comesInto(env, one, written), always)) {
      const isNamed = written === null ? reads.length > 1 : reads.some((column) => how.get(column) !== undefined)
      if (isNamed || moves || always.includes(reads))
        for (const column of reads) testedAs(env, column, how.get(column) ?? leftOf(one, column))
    }
    for (const column of comparedIn(env, one))
      testedAs(env, column, how.get(column) ?? (moves ? leftOf(one, column) : plain()))
  }
}

/** The same of a row that is inserted: a value that came from a column may be one that the caller does not know. */
export function testedAsNew(env: Environment, relation: CatalogRelation, written: Written): void {
  if (![...written.values()].some((value) => value === 'part' || value.sources.size > 0)) return
  if (relation.kind === 'view') {
    behindView(env, relation, written, (base, behind) => testedAsNew(env, base, behind ?? new Map()))
    return
  }
  for (const one of withChildren(env, relation, relation.kind === 'partitioned')) {
    const how = writtenIn(env, one, written)
    const tested = [...checksOf(env, one), ...generatedOf(env, one)].flatMap(({ reads }) => reads)
    for (const column of [...tested, ...comparedIn(env, one)]) testedAs(env, column, how.get(column) ?? plain())
  }
}

/** How such a use is called: no index serves it. */
export const byConstraint = 'a constraint on what is written'

/** What stays as it is; a generated column is what it is made of, which is tested as well. */
const leftOf = ({ columns }: CatalogRelation, column: ColumnRef): Value | 'part' =>
  columns.some(({ number, generated }) => number === column.number && generated !== 'no') ? plain() : 'part'

/** A test of the column tells of what it is given; of the stored value, where nobody says what that is. */
function testedAs(env: Environment, column: ColumnRef, value: Value | 'part'): void {
  for (const one of value === 'part' ? [column] : value.sources) addControl(env.draft, one, 'other', byConstraint)
}

/** Of each column that the relation computes by code of the target, that code may say something, whenever it is computed anew. */
export function computedAnew(env: Environment, relation: CatalogRelation): void {
  env.draft.relations.add(relation.oid)
  for (const { runsOwnCode, reads } of checksOf(env, relation))
    if (runsOwnCode) for (const column of reads) addControl(env.draft, column, 'other', 'an index expression')
}

/** All rows are made anew, of what they are computed of: what tests them tells of that. */
export function filledAnew(env: Environment, relation: CatalogRelation): void {
  env.draft.relations.add(relation.oid)
  const columns = relationColumns(env, relation)
  addComputed(env.draft, columns, 'REFRESH')
  const values = new Map(columns.map(({ name, value }) => [name, value]))
  const tested = new Set(checksOf(env, relation).flatMap(({ reads }) => reads))
  for (const column of comparedIn(env, relation)) tested.add(column)
  for (const { name, number } of relation.columns)
    if ([...tested].some((column) => column.number === number))
      addControlOf(env.draft, values.get(name) ?? plain(), 'REFRESH')
}

function writtenIn(
  { index }: Environment,
  relation: CatalogRelation,
  written: Written | null,
): ReadonlyMap<ColumnRef, Value | 'part' | undefined> {
  const refs = columnRefs(index, relation)
  return new Map(relation.columns.flatMap(({ name }, at) => (refs[at] ? [[refs[at], written?.get(name)]] : [])))
}

const isCompared = (relation: CatalogRelation, { number }: ColumnRef): boolean =>
  relation.compared?.includes(number) !== false

/** Columns whose values are compared with those of other rows. */
const comparedIn = (env: Environment, relation: CatalogRelation): readonly ColumnRef[] =>
  madeOf(
    env,
    relation,
    columnRefs(env.index, relation).filter((column) => isCompared(relation, column)),
  )

/** The same by constraint, of those that compare several columns at once. */
function comparedTogether(env: Environment, relation: CatalogRelation): readonly (readonly ColumnRef[])[] {
  const refs = columnRefs(env.index, relation)
  const groups = relation.together ?? [
    refs.filter((column) => isCompared(relation, column)).map(({ number }) => number),
  ]
  return groups.map((numbers) =>
    madeOf(
      env,
      relation,
      refs.filter(({ number }) => numbers.includes(number)),
    ),
  )
}

/** With generated columns what they are made of: they are written with it, and what tests them tests it. */
export function madeOf(
  env: Environment,
  relation: CatalogRelation,
  columns: readonly ColumnRef[],
): readonly ColumnRef[] {
  const made = columns.flatMap((ref): readonly ColumnRef[] => {
    const column = relation.columns.find(({ number }) => number === ref.number)
    if (column === undefined || column.generated === 'no' || column.expression === null) return [ref]
    return [ref, ...expressionOf(env, relation, column.expression, column).reads]
  })
  return [...new Set(made)]
}

/** Columns that are written by their names or are made of such. */
function touchedIn(
  env: Environment,
  relation: CatalogRelation,
  written: Written | null,
): (ref: { readonly number: number }) => boolean {
  if (written === null) return () => true
  const how = writtenIn(env, relation, written)
  const refs = columnRefs(env.index, relation)
  const touched = refs.filter((ref) => madeOf(env, relation, [ref]).some((column) => how.get(column) !== undefined))
  const numbers = new Set(touched.map(({ number }) => number))
  return ({ number }) => numbers.has(number)
}

/** A row that gets another partition key may go to another partition: it is tested there as a new one, and triggers run for that. */
export function movesRows({ index }: Environment, relation: CatalogRelation, written: Written | null): boolean {
  if (relation.kind !== 'partitioned') return false
  return [relation, ...descendants(index, relation)].some(({ kind, partitionedBy, columns }) => {
    if (kind !== 'partitioned') return false
    if (written === null || partitionedBy === undefined || partitionedBy.includes(0)) return true
    return columns.some(({ name, number }) => partitionedBy.includes(number) && written.has(name))
  })
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
      const isWritten = touchedIn(env, one, written)
      if (!one.columns.some((column) => isWritten(column) && keys?.includes(column.number) !== false)) continue
      // Whether it fails tells which of these rows has what somebody refers to.
      noteKey(env, one, keys)
      if (from !== undefined) noteKey(env, from, columns)
    }
}

function noteKey(env: Environment, relation: CatalogRelation, numbers: readonly number[] | undefined): void {
  const refs = columnRefs(env.index, relation).filter(({ number }) => numbers?.includes(number) !== false)
  for (const column of madeOf(env, relation, refs)) addControl(env.draft, column, 'other', 'a foreign key')
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
      const isWritten = touchedIn(env, one, written)
      if (!refs.some((ref) => isWritten(ref) && (isCompared(one, ref) || read.has(ref.number)))) continue
      const compared = refs.filter(({ number }) => columns.includes(number))
      for (const column of madeOf(env, one, compared)) addControl(env.draft, column, 'other', 'an exclusion constraint')
      for (const { column, use } of conditions)
        for (const from of madeOf(env, one, [column]))
          addControl(env.draft, from, from === column ? use : 'other', 'the condition of a unique index')
    }
    coveredBy(env, one, written)
  }
}

/** A foreign key with PERIOD says whether times are covered by those of other rows: no value has to be equal to one. */
function coveredBy(env: Environment, relation: CatalogRelation, written: Written | null): void {
  for (const other of env.index.byOid.values()) {
    const compared = (other.probes ?? []).flatMap(({ columns }) => columns)
    if (compared.length === 0) continue
    for (const { fromOid, columns, keys } of other.cascades) {
      const isWritten = touchedIn(env, relation, written)
      const isTouched = relation.columns.some((one) => isWritten(one) && columns?.includes(one.number) !== false)
      if (fromOid !== relation.oid || !isTouched) continue
      for (const column of columnRefs(env.index, other))
        if (compared.includes(column.number) && keys?.includes(column.number) !== false)
          addControl(env.draft, column, 'other', 'a foreign key')
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
    if (own === undefined || comparedIn(env, one).includes(own)) return own !== undefined
    return [...checksOf(env, one), ...generatedOf(env, one)].some(({ reads }) => reads.includes(own))
  })
}

/** The columns of the relations behind a view that a write through it reaches. */
export function behindView(
  env: Environment,
  view: CatalogRelation,
  written: Written | null,
  test: (base: CatalogRelation, behind: Written | null) => void,
): void {
  const reached = new Map<CatalogRelation, Map<string, Value | 'part'>>()
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
  for (const [base, names] of reached) test(base, written === null ? null : names)
}

const checks = new WeakMap<CatalogIndex, WeakMap<CatalogRelation, readonly Computed[]>>()

function checksOf(env: Environment, relation: CatalogRelation): readonly Computed[] {
  return keptBy(checks, env.index, relation, () =>
    (relation.checks ?? []).map((text) => {
      const check = understand(env, relation, text)
      return { ...check, reads: madeOf(env, relation, check.reads) }
    }),
  )
}

/** What is stored of other columns is computed again when one of them is written. */
function generatedOf(env: Environment, relation: CatalogRelation): readonly Computed[] {
  return relation.columns.flatMap((column) =>
    // Of one that nobody stores it is computed whether it is there.
    (column.generated === 'stored' || (column.generated === 'virtual' && column.notNull)) && column.expression !== null
      ? expressionOf(env, relation, column.expression, column)
      : [],
  )
}

/** What the rows of a partial index are chosen by. */
export function conditionOf(env: Environment, relation: CatalogRelation, text: string): readonly ControlUse[] {
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

export function understand(env: Environment, relation: CatalogRelation, text: string): Computed {
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
