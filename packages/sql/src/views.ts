// Views and generated columns: what their definitions compute, found once for a catalog and kept with its index.
// A view's own columns stay sources beside the base columns behind them, so that a mask on either one holds.
import type { Node } from '@pgsql/types'
import { limits } from '@sallyport/base/limits'
import type { CatalogColumn, CatalogRelation } from './catalog.ts'
import { type CatalogIndex, columnRefs, keptBy, relationName } from './catalog-index.ts'
import { type Draft, merge, newDraft } from './draft.ts'
import { walk } from './expressions.ts'
import { relationEntry } from './relations.ts'
import { type Environment, emptyScope, inside, unknown } from './scope.ts'
import { queryColumns } from './select.ts'
import { checkTree, payload, statementsOf, unvisited } from './tree.ts'
import { type Column, derived, direct, named, plain, type Value } from './values.ts'

/** What a definition comes to: values, and everything that reading them does. */
interface Shape {
  readonly columns: readonly Column[]
  readonly draft: Draft
}

/** Views upon views: deeper ones are unknown. */
const expansionsMax = 32

/** The columns of a view or materialised view, with the effects of its definition added as derived. */
export function viewColumns(env: Environment, view: CatalogRelation): readonly Column[] {
  const refs = columnRefs(env.index, view)
  const own = view.columns.map((column, at) => {
    const ref = refs[at]
    return { name: column.name, value: ref === undefined ? plain(column.type) : direct(ref, column.type) }
  })
  if (env.expanding.includes(view.oid) || env.expanding.length >= expansionsMax) {
    unknown(env, `the view "${relationName(view)}", which is nested too deep`)
    return own
  }
  const shape = shapeOf(env, view)
  merge(env.draft, shape.draft, 'derived')
  if (shape.columns.length !== view.columns.length) {
    unknown(env, `the definition of the view "${relationName(view)}"`)
    return own
  }
  return view.columns.map((column, at) => {
    const computed = shape.columns[at]?.value ?? plain()
    // No rule can mean a column of a view that does not exist yet.
    const ref = view.oid < 0 ? undefined : refs[at]
    const value = ref === undefined ? computed : named(computed, ref)
    return { name: column.name, value: { ...value, type: column.type } }
  })
}

const shapes = new WeakMap<CatalogIndex, Map<number, Shape>>()

function shapeOf(env: Environment, view: CatalogRelation): Shape {
  const known = env.index.madeViews?.get(view.oid) ?? shapes.get(env.index)?.get(view.oid)
  if (known !== undefined) return known
  const made = expand(env, view)
  // A shape found inside another expansion may have been cut short by it.
  if (env.expanding.length === 0) {
    const map = shapes.get(env.index) ?? new Map<number, Shape>()
    map.set(view.oid, made)
    shapes.set(env.index, map)
  }
  return made
}

/** Where what is defined with a relation is read: a view's query, a policy's expression. Nothing of the session reaches there. */
export function insideDefinition(
  env: Environment,
  relation: CatalogRelation,
  draft: Draft,
  depth: number,
): Environment {
  return {
    ...env,
    draft,
    naming: 'definition',
    searchPath: [],
    context: { ...env.context, prepared: new Map(), cursors: new Map(), preset: 'none' },
    depth: env.depth + depth,
    expanding: [...env.expanding, relation.oid],
    body: null,
  }
}

function expand(env: Environment, view: CatalogRelation): Shape {
  const draft = newDraft()
  const fail = (): Shape => {
    draft.unknowns.add(`the definition of the view "${relationName(view)}"`)
    return { columns: [], draft }
  }
  const parsed = parseQuery(env, view.definition ?? '')
  if (parsed === null) return fail()
  const inner = insideDefinition(env, view, draft, parsed.depth)
  const columns = queryColumns(parsed.query, emptyScope(inner))
  // What is stored is not computed by whoever reads it.
  if (view.kind === 'materialized') draft.order.trees.clear()
  else draft.order.trees.add(parsed.query)
  for (const left of unvisited(parsed.significant, draft.seen)) draft.unknowns.add(left)
  return { columns, draft }
}

/** The one statement of a text with the depth of its tree; null when it cannot be used. */
export function parseQuery(env: Environment, text: string): (ParsedBody & { readonly query: Node }) | null {
  const parsed = parseBody(env, text)
  const [only] = parsed?.statements ?? []
  return parsed === null || parsed.statements.length !== 1 || only === undefined ? null : { ...parsed, query: only }
}

interface ParsedBody {
  readonly statements: readonly Node[]
  readonly depth: number
  readonly significant: ReadonlyMap<object, string>
}

/** The statements of a definition or body; null when it does not parse or is too deep here. */
export function parseBody(env: Environment, text: string): ParsedBody | null {
  if (text.trim() === '') return null
  let stmts: readonly unknown[]
  try {
    stmts = env.parser.parse(text).stmts
  } catch {
    return null
  }
  const statements = statementsOf(stmts)
  if (statements === null) return null
  const check = checkTree(stmts)
  if (check.refusals.length > 0 || env.depth + check.depth > limits.treeDepthMax) return null
  return { ...check, statements: statements.flatMap(({ stmt }) => stmt ?? []) }
}

const generated = new WeakMap<CatalogIndex, WeakMap<CatalogColumn, Shape>>()

/**
 * A generated column: itself, and whatever its expression reads. What the expression does besides matters only where the
 * column is named: a stored one is not computed by reading it, a virtual one only then (rewriteHandler.c).
 */
export function generatedColumn(
  env: Environment,
  relation: CatalogRelation,
  column: CatalogColumn,
  own: Value,
): Column {
  const shape = keptBy(generated, env.index, column, () => expandGenerated(env, relation, column))
  return {
    name: column.name,
    value: derived([own, ...shape.columns.map(({ value }) => value)], column.type),
    read: () => {
      for (const why of shape.draft.unknowns) unknown(env, why)
      if (column.generated === 'virtual') merge(env.draft, shape.draft, 'derived')
    },
  }
}

function expandGenerated(env: Environment, relation: CatalogRelation, column: CatalogColumn): Shape {
  const draft = newDraft()
  const parsed = parseQuery(env, `SELECT ${column.expression ?? ''}`)
  const target = payload(payload(parsed?.query, 'SelectStmt')?.targetList?.[0], 'ResTarget')?.val
  if (parsed === null || target === undefined) {
    draft.unknowns.add(`the expression of the generated column "${relationName(relation)}.${column.name}"`)
    // It may be made of any of them.
    const all = columnRefs(env.index, relation).map((ref) => ({ name: '', value: direct(ref, null) }))
    return { columns: all, draft }
  }
  // Generated columns cannot refer to each other: the others stand for themselves here.
  const stored: CatalogRelation = {
    ...relation,
    columns: relation.columns.map((one) => ({ ...one, generated: 'no' })),
  }
  const inner: Environment = { ...env, draft, naming: 'definition', depth: env.depth + parsed.depth, body: null }
  const scope = inside(emptyScope(inner), [relationEntry(inner, stored, relation.name)])
  const value = walk(target, scope)
  draft.order.trees.add(parsed.query)
  draft.seen.add(parsed.query)
  for (const inside of Object.values(parsed.query)) draft.seen.add(inside)
  for (const left of unvisited(parsed.significant, draft.seen)) draft.unknowns.add(left)
  return { columns: [{ name: column.name, value }], draft }
}
