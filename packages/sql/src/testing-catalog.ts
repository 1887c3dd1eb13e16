// Builds a Catalog from a compact spec, for tests and examples: no target is asked. Pure; OIDs follow the order of the spec.
import { assert } from '@sallyport/base/assert'
import type { Catalog, CatalogColumn, CatalogFunction, CatalogRelation, RelationKind } from './catalog.ts'
import { elementType } from './catalog-index.ts'

type TypeKind = Catalog['types'][number]['kind']
type TriggerEvent = CatalogRelation['triggers'][number]['events'][number]
type OnChange = 'none' | 'cascade' | 'set'

/** Names are `schema.name`; other relations and functions are named, not numbered. */
export interface RelationSpec {
  /** `name type`, then `!` for NOT NULL, `= expression` for a default, `:= expression` for a stored generated column, `:~` for a virtual one. */
  readonly columns: readonly string[]
  readonly kind?: RelationKind
  /** Definition of a view, or of a materialised view when `kind` says so. */
  readonly view?: string
  readonly parents?: readonly string[]
  readonly rules?: readonly string[]
  readonly triggers?: readonly {
    readonly name: string
    readonly function: string
    readonly events: readonly TriggerEvent[]
    /** What stands before EXECUTE FUNCTION: a condition, transition tables. */
    readonly clauses?: string
  }[]
  readonly cascades?: readonly {
    readonly from: string
    /** Columns there, and those of this relation that they refer to. */
    readonly columns?: readonly string[]
    readonly keys?: readonly string[]
    readonly onDelete?: OnChange
    readonly onUpdate?: OnChange
  }[]
  readonly rowSecurity?: boolean
  /** USING expressions of its policies, or USING and WITH CHECK. */
  readonly policies?: readonly (string | { readonly using: string | null; readonly check: string | null })[]
  /** Columns that choose the partition. */
  readonly partitionedBy?: readonly string[]
  readonly temporary?: boolean
  readonly checks?: readonly string[]
  /** Columns of unique indexes and foreign keys. */
  readonly compared?: readonly string[]
  readonly together?: readonly (readonly string[])[]
  /** Columns under a collation that takes unlike texts for equal. */
  readonly loose?: readonly string[]
  /** Columns of each index; in brackets such that an expression is made of, after `?` such that its condition is made of. */
  readonly indexes?: readonly (readonly string[])[]
  /** The same of unique ones. */
  readonly keys?: readonly (readonly string[])[]
  /** Columns that an index compares by another operator than equality, and the condition of a unique one. */
  readonly probes?: readonly { readonly columns?: readonly string[]; readonly condition?: string }[]
  /** Columns and condition of indexes of some rows. */
  readonly partial?: readonly { readonly columns: readonly string[]; readonly condition: string }[]
  /** Constraints that are not valid. */
  readonly untested?: readonly string[]
  /** What a foreign table reads at its server, with the names of columns that are others there. */
  readonly remote?: { readonly name: string; readonly columns?: Readonly<Record<string, string>> }
}

export interface FunctionSpec {
  readonly returns: string
  readonly set?: boolean
  readonly variadic?: boolean
  readonly kind?: CatalogFunction['kind']
  readonly volatility?: CatalogFunction['volatility']
  readonly language?: string
  readonly securityDefiner?: boolean
  readonly body?: string
  readonly settings?: readonly string[]
  readonly argumentNames?: readonly string[]
  readonly defaults?: readonly string[]
  readonly results?: readonly { readonly name: string; readonly type: string }[]
  readonly extension?: string
  readonly parts?: readonly string[]
}

export interface CatalogSpec {
  readonly version?: string
  readonly database?: string
  readonly serverVersion?: number
  readonly serverEncoding?: string
  /** `schema.name` to columns, or to a whole spec. */
  readonly relations: Readonly<Record<string, readonly string[] | RelationSpec>>
  /** `schema.name(type, type)` to what it is. */
  readonly functions?: Readonly<Record<string, FunctionSpec>>
  /** A domain or range with what it is made of: `domain public.people`. */
  readonly types?: Readonly<Record<string, TypeKind | `${TypeKind} ${string}`>>
  /** Domains and ranges that run no code of the target. */
  readonly codeless?: readonly string[]
  /** Domains and ranges that run volatile code. */
  readonly volatileTypes?: readonly string[]
  readonly casts?: NonNullable<Catalog['casts']>
  readonly operators?: readonly string[]
  readonly members?: readonly string[]
  readonly systemRelations?: readonly string[]
  readonly systemColumns?: readonly string[]
  /** `relation public.t`, `part public.t` …, by names where the catalog has numbers. */
  readonly dependents?: readonly (readonly [on: string, what: string])[]
  /** Schemas where the upstream role may create; all others that the spec names are not writable. */
  readonly writable?: readonly string[]
}

/** pg_type.oid of PostgreSQL's own types that tests use. */
const builtinTypes: Readonly<Record<string, number>> = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  json: 114,
  float4: 700,
  float8: 701,
  inet: 869,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  interval: 1186,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
}
const firstOid = 16_384

/** A catalog for tests. A name that the spec uses and does not define is a bug of the test. */
export function buildCatalog(spec: CatalogSpec): Catalog {
  const relationNames = Object.keys(spec.relations)
  const functionNames = Object.keys(spec.functions ?? {})
  const typeNames = Object.keys(spec.types ?? {})
  const order = [...relationNames, ...functionNames.map(withoutArguments), ...typeNames]
  const oidOf = (name: string): number => {
    const at = order.indexOf(name)
    assert(at >= 0, `the spec of the catalog names "${name}" and does not define it`)
    return firstOid + at
  }
  const schemas = new Set(['public', ...order.map((name) => split(name)[0]), ...(spec.writable ?? [])])
  return {
    version: spec.version ?? 'test-1',
    database: spec.database ?? 'shop',
    serverVersion: spec.serverVersion ?? 180_004,
    serverEncoding: spec.serverEncoding ?? 'UTF8',
    relations: relationNames.map((name) => relationOf(name, spec, oidOf)),
    functions: Object.entries(spec.functions ?? {}).map(([name, entry], at) =>
      functionOf(name, entry, firstOid + relationNames.length + at),
    ),
    schemas: [...schemas].map((name) => ({ name, writable: spec.writable?.includes(name) ?? false })),
    types: Object.entries(spec.types ?? {}).map(([name, what]) => {
      const [schema, type] = split(name)
      const [kind = '', of = null] = what.split(' ')
      assert(isTypeKind(kind), `"${kind}" is no kind of type`)
      const code = spec.codeless?.includes(name) !== true
      const volatile = spec.volatileTypes?.includes(name) === true
      return { oid: oidOf(name), schema, name: type, kind, of, code, volatile }
    }),
    casts: spec.casts ?? [],
    operators: spec.operators ?? [],
    members: spec.members ?? [],
    systemRelations: spec.systemRelations ?? [],
    systemColumns: spec.systemColumns ?? [],
    dependents: numbered(spec.dependents ?? [], oidOf),
  }
}

function numbered(
  pairs: NonNullable<CatalogSpec['dependents']>,
  oidOf: (name: string) => number,
): NonNullable<Catalog['dependents']> {
  const one = (thing: string): string =>
    thing.replace(
      /^(relation|key|part|function|type) (.+)$/,
      (_, kind: string, name: string) => `${kind} ${oidOf(name)}`,
    )
  return pairs.map(([on, what]) => [one(on), one(what)] as const)
}

function relationOf(name: string, spec: CatalogSpec, oidOf: (name: string) => number): CatalogRelation {
  const entry = spec.relations[name]
  assert(entry !== undefined, `no relation "${name}"`)
  const full: RelationSpec = isColumns(entry) ? { columns: entry } : entry
  const [schema, relation] = split(name)
  const numberOf = (column: string): number => full.columns.findIndex((one) => one.startsWith(`${column} `)) + 1
  return {
    oid: oidOf(name),
    schema,
    name: relation,
    kind: full.kind ?? (full.view === undefined ? 'table' : 'view'),
    temporary: full.temporary ?? false,
    columns: full.columns.map((text, at) => columnOf(text, at + 1, oidOf)),
    definition: full.view ?? null,
    parents: (full.parents ?? []).map(oidOf),
    rules: full.rules ?? [],
    triggers: (full.triggers ?? []).map((trigger) => ({
      name: trigger.name,
      functionOid: oidOf(trigger.function),
      events: trigger.events,
      definition: `CREATE TRIGGER "${trigger.name}" BEFORE ${trigger.events.join(' OR ')} ON ${name} ${trigger.clauses ?? 'FOR EACH ROW'} EXECUTE FUNCTION ${trigger.function}()`,
    })),
    cascades: (full.cascades ?? []).map((cascade) => ({
      fromOid: oidOf(cascade.from),
      ...(cascade.columns && { columns: cascade.columns.map((name) => numberIn(spec, cascade.from, name)) }),
      ...(cascade.keys && { keys: cascade.keys.map(numberOf) }),
      onDelete: cascade.onDelete ?? 'none',
      onUpdate: cascade.onUpdate ?? 'none',
    })),
    rowSecurity: full.rowSecurity ?? full.policies !== undefined,
    ...policiesOf(full),
    ...partitionedBy(full, numberOf),
    ...remoteOf(full),
    checks: full.checks ?? [],
    ...(full.loose && { loose: full.loose.map(numberOf) }),
    compared: (full.compared ?? []).map(numberOf),
    together: (full.together ?? []).map((columns) => columns.map(numberOf)),
    probes: (full.probes ?? []).map(({ columns = [], condition = null }) => ({
      columns: columns.map(numberOf),
      condition,
    })),
    ...(full.partial && {
      partial: full.partial.map(({ columns, condition }) => ({ columns: columns.map(numberOf), condition })),
    }),
    ...(full.untested && { untested: full.untested }),
    indexes: [
      ...(full.indexes ?? []).map((columns) => ({
        columns: columns
          .filter((column) => !column.startsWith('?'))
          .map((column) => (column.startsWith('(') ? 0 : numberOf(column))),
        computed: columns.filter((column) => column.startsWith('(')).map((column) => numberOf(column.slice(1, -1))),
        conditions: columns.filter((column) => column.startsWith('?')).map((column) => numberOf(column.slice(1))),
        unique: false,
      })),
      ...(full.keys ?? []).map((columns) => ({ columns: columns.map(numberOf), unique: true })),
    ],
  }
}

function numberIn(spec: CatalogSpec, relation: string, column: string): number {
  const entry = spec.relations[relation] ?? []
  return (isColumns(entry) ? entry : entry.columns).findIndex((one) => one.startsWith(`${column} `)) + 1
}

const kinds: readonly string[] = ['base', 'composite', 'domain', 'enum', 'range', 'multirange', 'pseudo']
const isTypeKind = (text: string): text is TypeKind => kinds.includes(text)

/** Row security without policies in the spec is one whose policies are not known. */
function policiesOf({ policies, rowSecurity }: RelationSpec): Pick<CatalogRelation, 'policies'> {
  if (policies === undefined) return rowSecurity === true ? {} : { policies: [] }
  return {
    policies: policies.map((policy, at) =>
      typeof policy === 'string'
        ? { name: `policy_${at}`, using: policy, check: null }
        : { name: `policy_${at}`, ...policy },
    ),
  }
}

function remoteOf({ remote }: RelationSpec): Pick<CatalogRelation, 'remote'> {
  if (remote === undefined) return {}
  const [schema, name] = split(remote.name)
  return { remote: { schema, name, columns: Object.entries(remote.columns ?? {}) } }
}

function partitionedBy(
  { kind, partitionedBy: columns }: RelationSpec,
  numberOf: (column: string) => number,
): Pick<CatalogRelation, 'partitionedBy'> {
  if (columns === undefined) return kind === 'partitioned' ? {} : { partitionedBy: [] }
  return { partitionedBy: columns.map(numberOf) }
}

const isColumns = (entry: readonly string[] | RelationSpec): entry is readonly string[] => Array.isArray(entry)

function columnOf(text: string, number: number, oidOf: (name: string) => number): CatalogColumn {
  const match = /^(\S+) ([^\s!]+)(!?)(?: (=|:=|:~) (.+))?$/.exec(text)
  assert(match !== null, `a column of the spec is "name type[!] [= default | := generated]", not "${text}"`)
  const [, name = '', type = '', notNull, sign, expression] = match
  return {
    number,
    name,
    typeOid: builtinTypes[type] ?? oidOf(elementType(type)),
    type: typeName(type),
    notNull: notNull === '!',
    generated: sign === ':=' ? 'stored' : sign === ':~' ? 'virtual' : 'no',
    expression: expression ?? null,
  }
}

function functionOf(name: string, entry: FunctionSpec, oid: number): CatalogFunction {
  const [schema, bare] = split(withoutArguments(name))
  const written = /\(([^)]*)\)$/.exec(name)?.[1] ?? ''
  const argumentTypes = written.split(',').map((type) => type.trim())
  return {
    oid,
    schema,
    name: bare,
    argumentTypes: written === '' ? [] : argumentTypes.map(typeName),
    variadic: entry.variadic ?? false,
    returnType: typeName(entry.returns),
    returnsSet: entry.set ?? false,
    kind: entry.kind ?? 'function',
    volatility: entry.volatility ?? 'volatile',
    language: entry.language ?? (entry.body === undefined ? 'plpgsql' : 'sql'),
    securityDefiner: entry.securityDefiner ?? false,
    body: entry.body ?? null,
    settings: entry.settings ?? [],
    argumentNames: entry.argumentNames ?? [],
    defaults: entry.defaults ?? [],
    results: entry.results ?? [],
    extension: entry.extension ?? null,
    parts: entry.parts ?? null,
  }
}

const withoutArguments = (name: string): string => name.replace(/\(.*$/, '')
const typeName = (type: string): string => (type.includes('.') ? type : `pg_catalog.${type}`)

function split(name: string): readonly [string, string] {
  const at = name.indexOf('.')
  assert(at > 0, `a name of the spec is "schema.name", not "${name}"`)
  return [name.slice(0, at), name.slice(at + 1)]
}
