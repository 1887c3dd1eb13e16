// Where names mean something: the environment of an analysis and the scopes of its queries, and how a column name finds its
// column there, as parse_relation.c and parse_expr.c of PostgreSQL do.
import { limits } from '@sallyport/base/limits'
import type { CatalogIndex } from './catalog-index.ts'
import type { Draft } from './draft.ts'
import type { AnalysisContext, MissingName, SqlParser } from './facts.ts'
import type { SeenSettings } from './named-settings.ts'
import type { ReadTable } from './order-facts.ts'
import { type Column, derived, plain, row, type Value } from './values.ts'

/** Arguments of the SQL function whose body is analysed. */
export interface BodyArguments {
  readonly functionName: string
  readonly values: readonly Value[]
  readonly names: readonly string[]
  /** Variables of PL/pgSQL, which the innermost scope has as entries. Absent: none. */
  readonly variables?: ReadonlySet<string>
}

/** What stays the same throughout one statement, view definition or function body. */
export interface Environment {
  readonly index: CatalogIndex
  readonly parser: SqlParser
  readonly context: AnalysisContext
  /** Null when the text before has changed it in a way that cannot be followed. */
  readonly searchPath: readonly string[] | null
  /** `definition`: names of a view's text, which PostgreSQL leaves unqualified where its reader saw them. */
  readonly naming: 'session' | 'definition'
  readonly draft: Draft
  /** The statement's slice of the text. */
  readonly text: string
  /** Levels of the trees around this one, and the OIDs of the views and functions that are being expanded. */
  readonly depth: number
  readonly expanding: readonly number[]
  readonly body: BodyArguments | null
  /** `trigger of relation` of the triggers around this; absent where none has fired. */
  readonly firing?: readonly string[]
}

/** One name in FROM. */
export interface Entry {
  readonly name: string | null
  /** For `schema.relation.column`; null once there is an alias. */
  readonly schema: string | null
  readonly columns: readonly Column[]
  /** Found by a bare column name, found by `name.column`: sides of a join lose the first (parse_clause.c). */
  readonly columnsVisible: boolean
  readonly nameVisible: boolean
  readonly rowType: string | null
  /** A base relation with system columns (ctid, xmin …). */
  readonly physical: boolean
  /** The place of a stored table; absent for anything else. */
  readonly table?: ReadTable
  /**
   * The target may have other columns here, or another order: names still mean what they say, positions mean nothing.
   * Whatever counts columns (`*`, column aliases, NATURAL) is an unknown then.
   */
  readonly open: boolean
  /** Variables of a body: a column of the same name beside them is ambiguous, and the target says so. */
  readonly isVariables?: true
  /** Columns that choose in which partition or child a row lies: `tableoid` tells those. Null: any may. */
  readonly placedBy: ReadonlySet<string> | null
}

/** A WITH query that can be named in FROM. */
export interface CommonTable {
  /** SEARCH and CYCLE add columns that `*` leaves out in queries below (parse_relation.c, addRangeTableEntryForCTE). */
  readonly open: boolean
  readonly columns: () => readonly Column[]
  /** What each reference to it reads, once it was analysed. */
  readonly readings: () => ReadonlyMap<string, number>
}

export interface CommonTables {
  readonly named: ReadonlyMap<string, CommonTable>
  readonly parent: CommonTables | null
}

export interface Scope {
  readonly env: Environment
  readonly parent: Scope | null
  readonly entries: readonly Entry[]
  readonly tables: CommonTables | null
  /** Named windows of this query: what they partition and order by. */
  readonly windows: ReadonlyMap<string, readonly Value[]>
  /** True inside a subquery of an expression, where an equality is no top-level predicate. */
  readonly nested: boolean
  /** Which rows of pg_settings this query sees; absent for one that reads more than that. */
  readonly seenSettings?: SeenSettings | undefined
}

const noWindows: ReadonlyMap<string, readonly Value[]> = new Map()

export const emptyScope = (env: Environment): Scope => ({
  env,
  parent: null,
  entries: [],
  tables: null,
  windows: noWindows,
  nested: false,
})

/** A level below: a query, a join's condition. */
export const inside = (parent: Scope, entries: readonly Entry[]): Scope => ({
  ...parent,
  parent,
  entries,
  windows: noWindows,
  seenSettings: undefined,
})

/** Adds to the scope's own level. */
export const withEntries = (scope: Scope, entries: readonly Entry[]): Scope => ({
  ...scope,
  entries: [...scope.entries, ...entries],
})

const nowhereElse: ReadonlySet<string> = new Set()

export function entryOf(name: string | null, columns: readonly Column[], more: Partial<Entry> = {}): Entry {
  return {
    name,
    schema: null,
    columns,
    columnsVisible: true,
    nameVisible: true,
    rowType: null,
    physical: false,
    open: false,
    placedBy: nowhereElse,
    ...more,
  }
}

export function commonTable(tables: CommonTables | null, name: string): CommonTable | undefined {
  for (let at = tables; at !== null; at = at.parent) {
    const found = at.named.get(name)
    if (found !== undefined) return found
  }
  return undefined
}

export function unknown(env: Environment, why: string): void {
  env.draft.unknowns.add(why)
}

/** An unknown that the target would answer by itself: it has nothing of that name. */
export function unknownName(env: Environment, what: MissingName, why: string): void {
  unknown(env, why)
  // A name in a definition was there when the definition was made.
  if (env.naming === 'session' && env.body === null) env.draft.missing.set(why, what)
}

/** Lists of columns can double with every level of a statement: PostgreSQL cuts them here, and so do we. */
export function atMost(columns: readonly Column[], env: Environment): readonly Column[] {
  if (columns.length <= limits.columnsMax) return columns
  unknown(env, `more than ${limits.columnsMax} columns`)
  return columns.slice(0, limits.columnsMax)
}

/** What a dotted name means. `call`: functional notation, `c.label` for `label(c)`. */
export type Meaning =
  /** `column`: of an entry. */
  | { readonly kind: 'value'; readonly value: Value; readonly column?: Column }
  | { readonly kind: 'call'; readonly name: string; readonly argument: Value }
  | { readonly kind: 'missing'; readonly why: string; readonly what: MissingName | null }

const systemColumns: Readonly<Record<string, string>> = {
  ctid: 'pg_catalog.tid',
  xmin: 'pg_catalog.xid',
  xmax: 'pg_catalog.xid',
  cmin: 'pg_catalog.cid',
  cmax: 'pg_catalog.cid',
  tableoid: 'pg_catalog.oid',
}

/** A column by its parts, innermost scope first. */
export function meaningOf(scope: Scope, parts: readonly string[]): Meaning {
  const [first = '', second, third, fourth] = parts
  if (parts.length === 1) return bare(scope, first)
  if (parts.length === 2 && second !== undefined) return dotted(scope, null, first, second)
  if (parts.length === 3 && third !== undefined && second !== undefined) return dotted(scope, first, second, third)
  if (parts.length === 4 && fourth !== undefined && third !== undefined && second !== undefined) {
    if (first !== scope.env.index.catalog.database) return missing(`the database "${first}"`)
    return dotted(scope, second, third, fourth)
  }
  return missing(`the name "${parts.join('.')}"`)
}

const missing = (why: string, what: MissingName | null = null): Meaning => ({ kind: 'missing', why, what })
const noColumn = (name: string): Meaning => missing(`the column "${name}", which nothing here has`, 'column')
const ambiguous = (name: string): Meaning => missing(`the ambiguous column "${name}"`, 'ambiguous column')

function bare(scope: Scope, name: string): Meaning {
  for (let level: Scope | null = scope; level !== null; level = level.parent) {
    const found = level.entries.flatMap((entry) =>
      entry.columnsVisible ? entry.columns.filter((column) => column.name === name) : [],
    )
    if (found.length > 1) return ambiguous(name)
    const [column] = found
    if (column !== undefined)
      return isHidden(scope, level.entries, name) ? missing(`the ambiguous column "${name}"`) : value(column)
    const [system = null] = level.entries.flatMap((entry) => systemColumn(entry, name) ?? [])
    if (system !== null) return { kind: 'value', value: system }
  }
  const entry = entryNamed(scope, null, name)
  if (entry !== undefined) return { kind: 'value', value: wholeRow(entry) }
  return argument(scope.env, name) ?? noColumn(name)
}

/** A variable of this name would be meant as well, depending on a setting (pl_comp.c, resolve_column_ref). */
const isHidden = (scope: Scope, entries: readonly Entry[], name: string): boolean =>
  scope.env.body?.variables?.has(name) === true && !entries.some((entry) => entry.isVariables === true)

/** Which partition a row lies in depends on the values of its keys, and its place there on how long all of its values are. */
function systemColumn(entry: Entry, name: string): Value | null {
  const type = Object.hasOwn(systemColumns, name) ? systemColumns[name] : undefined
  if (type === undefined || !entry.physical) return null
  const placed = name === 'ctid' ? !isSystem(entry) : name === 'tableoid' && entry.placedBy === null
  if (placed) return derived([wholeRow(entry)], type)
  if (name !== 'tableoid' || entry.placedBy?.size === 0) return plain(type)
  const keys = entry.columns.filter((column) => entry.placedBy?.has(column.name))
  for (const key of keys) key.read?.()
  return derived(
    keys.map(({ value }) => value),
    type,
  )
}

/** One of PostgreSQL's own. */
export const isSystem = ({ rowType }: Entry): boolean => rowType?.startsWith('pg_catalog.') === true

function value(column: Column): Meaning {
  column.read?.()
  return { kind: 'value', value: column.value, column }
}

function dotted(scope: Scope, schema: string | null, relation: string, name: string): Meaning {
  const entry = entryNamed(scope, schema, relation)
  if (entry !== undefined)
    return schema === null && isHidden(scope, [entry], relation)
      ? missing(`the ambiguous name "${relation}"`)
      : ofEntry(entry, name)
  const body = scope.env.body
  if (schema === null && body !== null && body.functionName === relation) {
    const found = argument(scope.env, name)
    if (found !== null) return found
  }
  const composite = schema === null ? argument(scope.env, relation) : null
  if (composite?.kind === 'value') return fieldOf(composite.value, name)
  return missing(`"${schema === null ? relation : `${schema}.${relation}`}" in front of "${name}"`, 'relation')
}

/** A column of one entry: its own, a system column, or a function of the whole row. */
export function ofEntry(entry: Entry, name: string): Meaning {
  const found = entry.columns.filter((column) => column.name === name)
  if (found.length > 1) return ambiguous(name)
  const [column] = found
  if (column !== undefined) return value(column)
  const system = systemColumn(entry, name)
  if (system !== null) return { kind: 'value', value: system }
  return { kind: 'call', name, argument: wholeRow(entry) }
}

/** A field of an argument that is a row. */
function fieldOf(value: Value, name: string): Meaning {
  const field = value.fields?.find((one) => one.name === name)
  return field === undefined ? missing(`the field "${name}" of an argument`) : { kind: 'value', value: field.value }
}

/** The entry that `name` or `schema.name` stands for. */
export function entryNamed(scope: Scope, schema: string | null, name: string): Entry | undefined {
  for (let level: Scope | null = scope; level !== null; level = level.parent) {
    const found = level.entries.find(
      (entry) => entry.nameVisible && entry.name === name && (schema === null || entry.schema === schema),
    )
    if (found !== undefined) return found
  }
  return undefined
}

export function wholeRow(entry: Entry): Value {
  for (const column of entry.columns) column.read?.()
  const whole = row(entry.columns, entry.rowType)
  return entry.open ? { ...whole, fields: null } : whole
}

/** Where columns are counted: an unknown unless their list is exactly known. */
export function counted(entries: readonly Entry[], what: string, env: Environment): void {
  for (const entry of entries)
    if (entry.open)
      unknown(
        env,
        `${what} of ${entry.name === null ? 'a relation' : `"${entry.name}"`}, whose columns are not exactly known here`,
      )
}

/** An argument of the SQL function by name; columns come first (parse_expr.c, sql_fn_post_column_ref). */
function argument(env: Environment, name: string): Meaning | null {
  const at = env.body?.names.indexOf(name) ?? -1
  if (env.body === null || at < 0 || name === '') return null
  const found = env.body.values[at]
  return found === undefined ? missing(`the argument "${name}"`) : { kind: 'value', value: found }
}

/** `$n`: an argument inside an SQL function, a parameter of the statement elsewhere. */
export function parameter(env: Environment, number: number): Value {
  // Parse may declare any type for it.
  if (env.body === null) return plain()
  const found = env.body.values[number - 1]
  if (found === undefined) unknown(env, `the argument $${number}`)
  return found ?? plain()
}
