// What an expression's value is made of: the abstract domain of the lineage. Values are immutable; the order of operations
// never matters, and joining can only add sources.
import { isSystemType } from './builtins.ts'
import type { ColumnRef } from './facts.ts'
import type { Found, StoredColumn } from './order-facts.ts'

export interface Value {
  /** `direct`: the value of one base column, unchanged (several through set operations, all direct). */
  readonly kind: 'direct' | 'derived'
  /** A literal or a cast of one: it tells nothing, and stays what it is beside the values of a column. */
  readonly constant?: 'null' | 'value'
  /** What stands beside the values of one column: constants, masked with them, or values of another column. */
  readonly mixed?: 'constants' | 'columns'
  /** Computed by what never fails, whatever the values: a part of a document by a constant path. */
  readonly total?: true
  /** Inside of a trigger: computed by what cannot fail, to a text of this size (sure.ts). */
  readonly sure?: 'small' | 'large'
  /** Columns whose value reaches this one, explicitly or by deciding it. */
  readonly sources: ReadonlySet<ColumnRef>
  /** Those of `sources` that are another name of a value which is among them: columns of views over other columns. */
  readonly aliases?: ReadonlySet<ColumnRef>
  /** Columns of which only the nullness reaches it: declared release (DESIGN §4). */
  readonly nulls: ReadonlySet<ColumnRef>
  /** `pg_catalog.text` …; `unknown` for a bare literal or parameter; null when we do not know. */
  readonly type: string | null
  /** Columns of a whole row, so that `(c).ssn` finds its own again. */
  readonly fields: readonly Column[] | null
  /** The argument that it is given to, in a call that names arguments. */
  readonly named?: string
  /** Set where a statement assigns it: what it is by how it is written, something that is not NULL. */
  readonly known?: boolean | 'value'
}

/** A named value: a column of a relation, of a subquery, of a result. */
export interface Column {
  readonly name: string
  readonly value: Value
  /** Called when the statement names the column: whether a column of a system relation or of a target is used at all. */
  readonly read?: () => void
  /** Set in the entry of a stored table: which of its columns it is. */
  readonly stored?: StoredColumn
  /** Set in a select list where it is a column as it is: which one of FROM. */
  readonly found?: Found
}

const none: ReadonlySet<ColumnRef> = new Set()

/** `pg_catalog.?`: one of PostgreSQL's own types, we do not know which. */
export const someSystemType = 'pg_catalog.?'
/** An array of one of those. */
export const someSystemArray = 'pg_catalog._?'

export const isSystemTypeName = (type: string): boolean => /^(pg_catalog|information_schema)\./.test(type)

/** The type of a value that is one of these, or is computed from them by PostgreSQL's own means. */
export function commonType(values: readonly Value[]): string | null {
  const known = new Set(values.map(({ type }) => type).filter((type) => type !== 'unknown'))
  const [only = null] = known
  if (known.size === 1) return only
  const all = [...known]
  return known.size > 0 && all.every((type) => type !== null && isScalar(type)) ? someSystemType : null
}

/** The same, where it cannot stay one of the types that went in. */
export function computedType(values: readonly Value[]): string | null {
  const type = commonType(values)
  // unnest() makes three columns of a tsvector and one of anything else: what may be one has no type.
  if (type === null || !isScalar(type) || values.some((value) => value.type === 'pg_catalog.tsvector')) return null
  return someSystemType
}

/** One of PostgreSQL's own types that has no columns: neither the row of a system relation nor any record. */
export const isScalar = (type: string): boolean =>
  type === someSystemType || type === someSystemArray || (isSystemType(type) && !/^pg_catalog\._?record$/.test(type))

/** The type of an array of these; literals alone make an array of texts. */
export function arrayType(elements: readonly Value[]): string | null {
  const literals = elements.length > 0 && elements.every(({ type }) => type === 'unknown')
  return literals || computedType(elements) !== null ? someSystemArray : null
}

/**
 * The value under another type: it is computed unless the types are two names for the same bytes. A function's declared
 * types convert like casts.
 */
export function recast(value: Value, type: string | null): Value {
  if (value.type === type || (isText(value.type) && isText(type))) return { ...value, type }
  // A row of another type has other columns, in another order.
  return derived([value], type)
}

const isText = (type: string | null): boolean => type === 'pg_catalog.text' || type === 'pg_catalog.varchar'

/** A value without any source: constants, parameters, results of pure functions of those. */
export const plain = (type: string | null = null): Value => ({
  kind: 'derived',
  sources: none,
  nulls: none,
  type,
  fields: null,
})

export const direct = (column: ColumnRef, type: string | null): Value => ({
  kind: 'direct',
  sources: new Set([column]),
  nulls: none,
  type,
  fields: null,
})

/** Computed from all of these. */
export function derived(values: readonly Value[], type: string | null = null): Value {
  return {
    kind: 'derived',
    sources: union(values.map((value) => value.sources)),
    nulls: union(values.map((value) => value.nulls)),
    type,
    fields: null,
  }
}

/** A literal by itself, or under a cast, which the caller of this has looked at. */
export const literal = (type: string | null, constant: 'null' | 'value' = 'value'): Value => ({
  ...plain(type),
  constant,
})

/**
 * Is it shown as it is beside the other: a column, or a constant that takes the column's type? What is a constant for each
 * row that has it is one under a mask, too: only NULL and what is not NULL can be told apart there, which is released.
 */
const staysBeside = (one: Value, other: Value): boolean =>
  (one.kind === 'direct' && !mayFailBeside(one, other)) ||
  (one.constant !== undefined &&
    (one.type === 'unknown' || one.type === other.type || (isText(one.type) && isText(other.type))))

const typesOf = (types: string): readonly string[] => types.split(' ').map((type) => `pg_catalog.${type}`)
/** Types of which one becomes another by itself, which not all of its values do: a day may be too far away for a point in time. */
const narrowing: readonly (readonly string[])[] = [
  typesOf('date timestamp timestamptz'),
  typesOf('numeric float4 float8'),
  typesOf(
    'int8 oid regclass regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure regrole regtype',
  ),
]

/** Two columns of unlike types: both are made one type, and whether that fails tells of a value (parse_coerce.c, select_common_type). */
function mayFailBeside(one: Value, other: Value): boolean {
  const types = [one.type, other.type]
  const [type] = types
  if (other.constant !== undefined || (type === other.type && type !== someSystemType)) return false
  const isOther = (found: string | null): boolean =>
    found === someSystemType || found === null || !isSystemTypeName(found)
  if (types.every(isOther)) return true
  return narrowing.some((all) => {
    const within = types.filter((found) => found !== null && all.includes(found))
    return within.length === 2 || (within.length === 1 && types.some(isOther))
  })
}

/** One of these, unchanged: arms of a set operation, the two sides of USING, the arguments of COALESCE. */
export function either(left: Value, right: Value): Value {
  const isColumn = left.kind === 'direct' || right.kind === 'direct'
  const constant = left.constant === undefined || right.constant === undefined ? undefined : bothConstants(left, right)
  const kind = isColumn && staysBeside(left, right) && staysBeside(right, left) ? 'direct' : 'derived'
  const mixed = mixtureOf(left, right)
  return {
    kind,
    ...(constant === undefined ? {} : { constant }),
    ...(kind === 'direct' && mixed !== null ? { mixed } : {}),
    ...aliasesOf(left, right),
    sources: union([left.sources, right.sources]),
    nulls: union([left.nulls, right.nulls]),
    type: constant !== undefined && left.type === right.type ? left.type : commonType([left, right]),
    fields: left.fields !== null && right.fields !== null ? bothFields(left.fields, right.fields) : null,
  }
}

/** What stands for itself on one side is no other name there. */
function aliasesOf(left: Value, right: Value): Pick<Value, 'aliases'> {
  const both = [left, right]
  const aliases = [...union(both.map((value) => value.aliases ?? none))].filter((column) =>
    both.every((value) => !value.sources.has(column) || value.aliases?.has(column) === true),
  )
  return aliases.length === 0 ? {} : { aliases: new Set(aliases) }
}

const bothConstants = (left: Value, right: Value): 'null' | 'value' =>
  left.constant === 'null' && right.constant === 'null' ? 'null' : 'value'

function mixtureOf(left: Value, right: Value): Value['mixed'] | null {
  const both = [left, right]
  if (both.some(({ constant, mixed }) => constant === 'value' || mixed === 'constants')) return 'constants'
  // NULL is NULL under every mask.
  if (both.some(({ constant }) => constant === 'null'))
    return both.some(({ mixed }) => mixed === 'columns') ? 'columns' : null
  const isOne =
    left.sources.size === right.sources.size && [...left.sources].every((source) => right.sources.has(source))
  return isOne && !both.some(({ mixed }) => mixed === 'columns') ? null : 'columns'
}

function bothFields(left: readonly Column[], right: readonly Column[]): readonly Column[] | null {
  if (left.length !== right.length) return null
  return left.map((field, at) => {
    const other = right[at]
    return other === undefined ? field : { name: field.name, value: either(field.value, other.value) }
  })
}

/** A row of these columns. */
export function row(fields: readonly Column[], type: string | null = null): Value {
  return { ...derived(fields.map((field) => field.value)), type, fields: sizeOf(fields) > fieldsMax ? null : fields }
}

/** Rows of rows share their fields, so that their number can double with every level: beyond this they are not followed. */
const fieldsMax = 20_000
const sizes = new WeakMap<readonly Column[], number>()

function sizeOf(fields: readonly Column[]): number {
  const known = sizes.get(fields)
  if (known !== undefined) return known
  const size = fields.reduce((sum, { value }) => sum + (value.fields === null ? 1 : sizeOf(value.fields)), 0)
  sizes.set(fields, size)
  return size
}

/** True when nullness is all that a null test of this value tells: no function stands between it and its columns. */
function showsOnlyNullness(value: Value): boolean {
  if (value.sources.size === 0) return true
  if (value.fields !== null) return value.fields.every((field) => showsOnlyNullness(field.value))
  return value.kind === 'direct'
}

/** NULLIF: what it compares with may make another type of it, as 1.5 makes a numeric of 1. */
export function nullIf(left: Value, right: Value): Value {
  const isOne = right.type === 'unknown' || right.type === left.type
  return derived([left, right], isOne ? left.type : computedType([left, right]))
}

/** `x IS [NOT] NULL`, `count(x)`: releases the nullness of columns that stand there bare, and carries anything else. */
export function nullness(value: Value, type: string): Value {
  if (!showsOnlyNullness(value)) return derived([value], type)
  return { ...plain(type), nulls: union([value.sources, value.nulls]) }
}

/** The same value that also depends on others: conditions, windows, filters. */
export function influenced(value: Value, by: readonly Value[]): Value {
  const carrying = by.filter((one) => one.sources.size > 0 || one.nulls.size > 0)
  return carrying.length === 0 ? value : { ...derived([value, ...carrying], value.type), fields: null }
}

/** Adds a column that the value is also known as: a view's own column beside the base column behind it. */
export function alsoKnownAs(value: Value, column: ColumnRef): Value {
  const { constant: _, ...rest } = value
  const kind = value.kind === 'direct' || value.sources.size === 0 ? 'direct' : 'derived'
  return { ...rest, kind, sources: union([value.sources, new Set([column])]) }
}

/** The same, of a view's own column: where other columns are behind it, it is another name for these. */
export function named(value: Value, column: ColumnRef): Value {
  const known = alsoKnownAs(value, column)
  return value.sources.size === 0 ? known : { ...known, aliases: union([value.aliases ?? none, new Set([column])]) }
}

/** The same value, with the sources of another beside its own: it is known under both. */
export const joinSources = ({ constant: _, ...value }: Value, other: Value): Value => ({
  ...value,
  sources: union([value.sources, other.sources]),
  nulls: union([value.nulls, other.nulls]),
})

export function sameValue(left: Value, right: Value): boolean {
  return (
    left.kind === right.kind &&
    left.mixed === right.mixed &&
    left.constant === right.constant &&
    left.sources.size === right.sources.size &&
    left.nulls.size === right.nulls.size
  )
}

function union(sets: readonly ReadonlySet<ColumnRef>[]): ReadonlySet<ColumnRef> {
  const filled = sets.filter((set) => set.size > 0)
  const [only] = filled
  if (only === undefined) return none
  if (filled.length === 1) return only
  const all = new Set<ColumnRef>()
  for (const set of filled) for (const column of set) all.add(column)
  return all
}
