// Assignments: which value is written to which column. A column that gets its own value back is no flow; everything else
// that carries columns is.
import type { MultiAssignRef, Node, ResTarget } from '@pgsql/types'
import type { CatalogRelation } from './catalog.ts'
import { columnRef, columnRefs } from './catalog-index.ts'
import { moved } from './closure.ts'
import { storedByTrigger, testedAsNew, testedTogether } from './constraints.ts'
import { addControl, addFlow, addWritten } from './draft.ts'
import { stepInto, walk } from './expressions.ts'
import type { ColumnRef } from './facts.ts'
import { noteWritten } from './order-facts.ts'
import { type Entry, type Scope, unknown, unknownName } from './scope.ts'
import { queryColumns } from './select.ts'
import { knownAs } from './some-rows.ts'
import { payload } from './tree.ts'
import { type Column, derived, plain, type Value } from './values.ts'
import { writeBack } from './written-documents.ts'

/** Where a statement writes. `relation` is null when the catalog does not have it. */
export interface Target {
  readonly relation: CatalogRelation | null
  /** `schema.name`, for flows. */
  readonly object: string
  readonly entry: Entry
  /** Without ONLY: rows of children are meant as well. */
  readonly children: boolean
}

/** A flow into one column of the target. */
export function assignTo(target: Target, name: string, value: Value, scope: Scope): void {
  const known = target.relation === null ? undefined : columnRef(scope.env.index, target.relation, name)
  if (target.relation !== null && known === undefined)
    unknownName(scope.env, 'column', `the column "${name}" of "${target.object}"`)
  // Exactly its own value: one of several direct sources may be another column (UNION ALL, FULL JOIN … USING).
  const own = target.entry.columns.find((column) => column.name === name)?.value
  const same =
    value.kind === 'direct' && value.mixed !== 'constants' && known !== undefined && isOnly(value.sources, known, own)
  // Computed from its own value, which can fail by that value.
  if (!same && known !== undefined && value.sources.has(known)) addControl(scope.env.draft, known, 'other', 'SET')
  if (same) return
  addWritten(scope.env.draft, known, own)
  const isOfTrigger = scope.env.firing !== undefined && target.relation !== null && known !== undefined
  const how = isOfTrigger ? storedByTrigger(scope.env, target.relation, known, value) : undefined
  addFlow(scope.env.draft, `${target.object}.${name}`, known ?? null, value.sources, how)
}

/** The column itself; of a view also with what is behind its column. */
function isOnly(sources: ReadonlySet<ColumnRef>, known: ColumnRef, own: Value | undefined): boolean {
  if (sources.size === 1) return sources.has(known)
  return (
    own?.kind === 'direct' && own.sources.size === sources.size && [...sources].every((one) => own.sources.has(one))
  )
}

/** SET a = x, (b, c) = (…). */
export function assignments(list: readonly Node[] | undefined, target: Target, scope: Scope): void {
  const written = new Map<string, Value | 'part'>()
  for (const node of list ?? []) {
    const found = payload(node, 'ResTarget')
    if (found === undefined) continue
    const value = assigned(found, scope)
    noteSet(found, target, scope)
    const hasSteps = (found.indirection ?? []).length > 0
    if (hasSteps) fitsInto(found, target, scope)
    const isBack = !hasSteps && goesBack(target, found.name ?? '', value, scope)
    if (!isBack) assignTo(target, found.name ?? '', throughSteps(found, value, scope), scope)
    written.set(found.name ?? '', hasSteps || isBack ? 'part' : { ...value, ...knownIn(found, scope) })
  }
  if (target.relation === null) return
  testedTogether(scope.env, target.relation, written, target.children)
  if (target.children) moved(scope.env, target.relation, written)
}

function knownIn({ val }: ResTarget, { env }: Scope): Pick<Value, 'known'> {
  const known = knownAs(val, env)
  return known === undefined ? {} : { known }
}

/** A document of the column with another part goes back into it. */
function goesBack(target: Target, name: string, value: Value, { env }: Scope): boolean {
  const known = target.relation === null ? undefined : columnRef(env.index, target.relation, name)
  if (known === undefined || env.firing !== undefined) return false
  const own = target.entry.columns.find((column) => column.name === name)?.value
  return writeBack(env.draft, `${target.object}.${name}`, known, own, value)
}

/** A parameter by itself has the type of the column. */
function noteSet(found: ResTarget, target: Target, scope: Scope): void {
  const column = target.relation?.columns.find(({ name }) => name === found.name)
  if (column !== undefined && (found.indirection ?? []).length === 0)
    noteWritten(scope.env.draft.order, found, column.type)
}

/**
 * A part of an array is written where the array has room for one, and of a domain where what comes out passes its checks: both are
 * asked of the values that stay. A jsonb document says no more than what is an object (docs/masking.md, "Parts of JSON").
 */
function fitsInto(found: ResTarget, target: Target, { env }: Scope): void {
  const known = target.relation === null ? undefined : columnRef(env.index, target.relation, found.name ?? '')
  const type = target.relation?.columns.find(({ name }) => name === found.name)?.type ?? ''
  const isFields = (found.indirection ?? []).every((step) => payload(step, 'A_Indices') === undefined)
  const fits = type === 'pg_catalog.jsonb' || (isFields && env.index.types.get(type) === 'composite')
  if (known === undefined || fits) return
  const own = target.entry.columns.find(({ name }) => name === found.name)?.value
  for (const column of new Set([known, ...(own?.sources ?? [])])) addControl(env.draft, column, 'other', 'SET')
}

/** Subscripts and fields of `SET a[i] = x` take part in what is stored. */
function throughSteps(found: ResTarget, value: Value, scope: Scope): Value {
  const steps = found.indirection ?? []
  if (steps.length === 0) return value
  return derived([
    value,
    ...steps.map((step) => (payload(step, 'A_Indices') ? stepInto(plain(), step, scope) : plain())),
  ])
}

function assigned(found: ResTarget, scope: Scope): Value {
  const several = payload(found.val, 'MultiAssignRef')
  return several === undefined ? walk(found.val, scope) : partOf(several, scope)
}

/** One column of `(a, b) = (SELECT …)` or `(a, b) = ROW (…)`. */
function partOf(several: MultiAssignRef, scope: Scope): Value {
  const at = (several.colno ?? 1) - 1
  const link = payload(several.source, 'SubLink')
  if (link?.subselect !== undefined) {
    scope.env.draft.seen.add(link)
    const columns = queryColumns(link.subselect, { ...scope, nested: true })
    return columns[at]?.value ?? derived(columns.map(({ value }) => value))
  }
  const whole = walk(several.source, scope)
  return whole.fields?.[at]?.value ?? whole
}

/** Flows of inserted rows, by column list or by position. Gives the row as `excluded` shows it. */
export function insertFlows(
  list: readonly Node[] | undefined,
  rows: readonly Column[],
  target: Target,
  scope: Scope,
): readonly Column[] {
  const targets = (list ?? []).flatMap((node) => payload(node, 'ResTarget') ?? [])
  const names =
    list === undefined
      ? (target.relation?.columns.map(({ name }) => name) ?? [])
      : targets.map(({ name }) => name ?? '')
  const relation = target.relation
  if (relation !== null && rows.length > names.length)
    unknown(scope.env, `more values than "${target.object}" has columns`)
  rows.forEach(({ value }, at) => {
    const found = targets[at]
    const written = found === undefined ? value : throughSteps(found, value, scope)
    assignTo(target, names[at] ?? `column ${at + 1}`, written, scope)
  })
  if (relation === null) return []
  const given = new Map<string, Value>()
  rows.forEach(({ value }, at) => {
    const before = given.get(names[at] ?? '')
    given.set(names[at] ?? '', before === undefined ? value : derived([before, value]))
  })
  testedAsNew(scope.env, relation, given)
  const refs = columnRefs(scope.env.index, relation)
  return relation.columns.map((column, number) => {
    // Several parts of one column may be written, each by its own name.
    const written = rows.filter((_, at) => names[at] === column.name).map(({ value }) => value)
    const value = written.length > 1 ? derived(written, column.type) : written[0]
    // A column that is not written gets its default: no column of another row is in it.
    return { name: column.name, value: value ?? plain(refs[number] === undefined ? null : column.type) }
  })
}
