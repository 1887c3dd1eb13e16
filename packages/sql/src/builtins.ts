// What we know of PostgreSQL's own functions, relations, types and operators: which functions are pure, which system columns
// an admitted session may read. From generated tables of PostgreSQL 18 and the lists here, which only ever take away.

import { counters } from './counters.ts'
import type { ColumnRef, FunctionUse } from './facts.ts'
import { systemFunctions, systemOperators, systemRelations, systemTypes } from './gen/system.ts'
import { came, cameWhole, former } from './system-versions.ts'

export interface Builtin {
  readonly name: string
  readonly volatility: FunctionUse['volatility']
  readonly kind: 'function' | 'aggregate' | 'window' | 'procedure'
  readonly returnsSet: boolean
  /** `pg_catalog.text`; null when it depends on the arguments. */
  readonly type: string | null
  /** OUT columns, for FROM. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /**
   * As a relation: `scalar` is one column, `argument` whatever its argument's type has (`anyelement`), `record` what a
   * column definition list says.
   */
  readonly shape: 'scalar' | 'argument' | 'record'
  /** `pure`: no effect beyond its result. `tooling`: shows definitions (DESIGN §4, preset). `effect`: everything else. */
  readonly class: 'pure' | 'tooling' | 'effect'
}

/** Volatile, and yet nothing but a result comes of them. */
const harmlessVolatile = new Set(
  `clock_timestamp timeofday random random_normal gen_random_uuid uuidv4 uuidv7 currval lastval array_sample array_shuffle
  pg_is_in_recovery pg_relation_size pg_table_size pg_indexes_size pg_total_relation_size pg_database_size
  pg_tablespace_size pg_partition_ancestors pg_partition_tree pg_collation_actual_version
  pg_database_collation_actual_version pg_jit_available pg_blocking_pids pg_safe_snapshot_blocking_pids`.split(/\s+/),
)
/**
 * Definitions of objects: they may hold literals, and GUI tools and pg_dump need them. Comments are not among them:
 * COMMENT takes nothing but a literal, and ORMs read them when they reflect a table. Nor are definitions of indexes.
 */
const tooling = new Set(
  `pg_get_viewdef pg_get_functiondef pg_get_function_sqlbody pg_get_ruledef pg_get_partition_constraintdef
  pg_get_statisticsobjdef pg_get_statisticsobjdef_expressions
  pg_show_all_settings pg_settings_get_flags pg_extension_update_paths`.split(/\s+/),
)
/** Whatever their volatility: files, processes, replication, statistics, functions that run text. */
const effectful = [
  /^(pg_read|pg_ls|pg_file|lo|pg_stat|pg_logical|pg_replication|pg_advisory|pg_try_advisory|pg_sleep|binary_upgrade)_/,
  /^pg_sleep$|^pg_stat_file$|^lo(read|write)$|^lo_/,
  /replication|_slot|subscription|_wal_|advisory|largeobject/,
  /^(query|cursor|table|schema|database)_to_xml/,
  /^ts_(stat|rewrite)$|^set_config$|^setseed$|^current_setting$|^(next|set)val$|^pg_notify$|^pg_export_snapshot$/,
  /^pg_(current_xact_id|config|cursor|prepared_statement|prepared_xact|lock_status|hba_file_rules)$/,
  /^pg_(relation_filepath|relation_filenode|filenode_relation|tablespace_databases|mcv_list_items)$/,
  // The target's address and login name are not the caller's to know.
  /^inet_(server|client)_(addr|port)$|^system_user$/,
  /^txid_current$|^pg_event_trigger_|^pg_sequence_parameters$|^currtid/,
]
/** Tell what a column of the statistics that anybody may read tells as well (counters.ts: `idx_scan`); GUI tools ask for it so. */
const counting = new Set(['pg_stat_get_numscans'])
/** Ask what a role may do; harmless, though the patterns above would catch them. */
const oracles = /^has_[a-z_]+_privilege$|^pg_has_role$|^pg_wal_lsn_diff$|^txid_current_(snapshot|if_assigned)$/

/** Functions that run a text, read a relation or make a value of a type that an argument names: no effect list can
 * be complete. */
export const runsText =
  /^pg_catalog\.((query|cursor|table|schema|database)_to_xml\w*|ts_stat|ts_rewrite|pg_logical_slot_\w+|lo_import|pg_restore_\w+|pg_input_is_valid|pg_input_error_info)$/

const volatilities = { i: 'immutable', s: 'stable', v: 'volatile' } as const
const kinds = { f: 'function', a: 'aggregate', w: 'window', p: 'procedure' } as const

const isKeyOf = <T extends object>(table: T, key: string): key is Extract<keyof T, string> => Object.hasOwn(table, key)

const qualified = (type: string): string => (type.includes('.') ? type : `pg_catalog.${type}`)

function classOf(name: string, volatility: FunctionUse['volatility'], kind: Builtin['kind']): Builtin['class'] {
  if (kind === 'procedure') return 'effect'
  if (tooling.has(name)) return 'tooling'
  if (oracles.test(name) || harmlessVolatile.has(name) || counting.has(name)) return 'pure'
  if (volatility === 'volatile' || effectful.some((pattern) => pattern.test(name))) return 'effect'
  return 'pure'
}

function parseFunctions(): ReadonlyMap<string, Builtin> {
  const found = new Map<string, Builtin>()
  for (const line of systemFunctions.split('\n')) {
    const [name = '', flags = '', type = '-', columns = ''] = line.split(' ')
    if (name === '') continue
    const [volatility = 'v', kind = 'f', set = '-'] = flags
    const known = {
      volatility: isKeyOf(volatilities, volatility) ? volatilities[volatility] : 'volatile',
      kind: isKeyOf(kinds, kind) ? kinds[kind] : 'function',
    } as const
    found.set(name.includes('.') ? name : `pg_catalog.${name}`, {
      name: name.includes('.') ? name : `pg_catalog.${name}`,
      ...known,
      returnsSet: set === 's',
      type: type === '-' || /^(any|record$|_any)/.test(type) ? null : qualified(type),
      // unnest has variants with one column and with three.
      columns: name === 'unnest' ? [] : parseColumns(columns),
      shape: shapeOf(name, type),
      class: classOf(name, known.volatility, known.kind),
    })
  }
  return found
}

/** Variants of these give whatever they are given; those of others with several result types are all scalars. */
const shapeless = new Set(['unnest', 'lower', 'upper', 'lag', 'lead'])

function shapeOf(name: string, type: string): Builtin['shape'] {
  if (shapeless.has(name) || /^any(element|compatible|nonarray|compatiblenonarray)$/.test(type)) return 'argument'
  return type === 'record' ? 'record' : 'scalar'
}

function parseColumns(text: string): { name: string; type: string }[] {
  return text
    .split(',')
    .filter(Boolean)
    .map((part) => {
      const [name = '', type = ''] = part.split(':')
      return { name, type: qualified(type) }
    })
}

let functions: ReadonlyMap<string, Builtin> | null = null

/** A built-in by `schema.name`. */
export function builtin(name: string): Builtin | undefined {
  functions ??= parseFunctions()
  return functions.get(name)
}

/** OUT columns that are the same in every supported version; those of other functions are sure in one version. */
const stableColumns = new Set(
  `json_each json_each_text jsonb_each jsonb_each_text aclexplode pg_options_to_table pg_partition_tree
  pg_show_all_settings ts_debug ts_parse ts_token_type`.split(/\s+/),
)

/** OUT columns that are the same from a version on, by the server version that brought the last of them. */
const columnsSince: Readonly<Record<string, number>> = {
  // barelabel and baredesc (release notes of PostgreSQL 14).
  pg_get_keywords: 140_000,
}

/** Does the target's function have exactly the OUT columns that are listed? */
export function areColumnsKnown(one: Builtin, serverVersion: number): boolean {
  const name = one.name.replace(/^pg_catalog\./, '')
  if (one.columns.length <= 1 || Math.floor(serverVersion / 10_000) === listedVersion) return true
  return stableColumns.has(name) || (isKeyOf(columnsSince, name) && serverVersion >= (columnsSince[name] ?? 0))
}

let types: ReadonlySet<string> | null = null

/** Is `schema.name` a type of a system schema (arrays by their element)? */
export function isSystemType(name: string): boolean {
  types ??= new Set(systemTypes.split('\n').filter(Boolean).map(qualified))
  return types.has(name) || types.has(name.replace('._', '.'))
}

let operators: ReadonlyMap<string, ReadonlySet<string>> | null = null

/** Is there a built-in operator of this name, and, with types, one for exactly these operands? */
export function isSystemOperator(name: string, left?: string, right?: string): boolean {
  operators ??= parseOperators()
  const variants = operators.get(name)
  return variants !== undefined && (left === undefined || right === undefined || variants.has(`${left} ${right}`))
}

function parseOperators(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  for (const line of systemOperators.split('\n').filter(Boolean)) {
    const [name = '', left = '', right = ''] = line.split(' ')
    const variants = found.get(name) ?? new Set()
    variants.add(`${qualified(left)} ${qualified(right)}`)
    found.set(name, variants)
  }
  return found
}

/** Who may read a system column without coverage. `hidden`: everybody may name it, and nobody is shown what is in it. */
export type SystemAccess = 'baseline' | 'tooling' | 'hidden' | 'covered'

/** The one column of system relations that is hidden from everybody, whatever the policies (mask/plan.ts). */
export const hiddenColumn: ColumnRef = { relationOid: 1249, number: 1, name: 'pg_catalog.pg_attribute.attmissingval' }

export interface SystemColumn {
  readonly name: string
  readonly type: string
  readonly access: SystemAccess
  /** The server version that brought it, 0 for those of PostgreSQL 13 and before. */
  readonly since: number
  /** The server version that no longer has it; null for those of PostgreSQL 18. */
  readonly goneIn: number | null
}

export interface SystemRelation {
  readonly name: string
  readonly since: number
  readonly columns: readonly SystemColumn[]
}

/** The version whose columns are listed in gen/system.ts, in their order. */
const listedVersion = 18
/** Relations whose columns are the same, in the same order, from PostgreSQL 13 on. */
const unchanged = new Set(
  `pg_catalog.pg_enum pg_catalog.pg_indexes pg_catalog.pg_matviews pg_catalog.pg_namespace pg_catalog.pg_roles
  pg_catalog.pg_sequences pg_catalog.pg_settings pg_catalog.pg_tables pg_catalog.pg_user pg_catalog.pg_views
  information_schema.column_privileges information_schema.columns information_schema.constraint_column_usage
  information_schema.constraint_table_usage information_schema.key_column_usage information_schema.referential_constraints
  information_schema.schemata information_schema.sequences information_schema.table_privileges
  information_schema.tables information_schema.views`.split(/\s+/),
)

/** Does the target have exactly the columns that are listed, in this order? */
export const isListKnown = (name: string, serverVersion: number): boolean =>
  Math.floor(serverVersion / 10_000) === listedVersion || unchanged.has(name)

/**
 * Relations of pg_catalog that drivers and psql need, with columns that are left out: `x` is readable with preset `tooling`
 * only (definitions, which may hold literals), `~x` is shown to nobody, `-x` never without coverage (values, secrets)..
 */
const readable: Readonly<Record<string, string>> = {
  pg_aggregate: '',
  pg_am: '',
  pg_amop: '',
  pg_amproc: '',
  pg_attrdef: '',
  // GUI tools read pg_attribute.*. What stands there is the value of every row that is older than the column.
  pg_attribute: '~attmissingval',
  pg_auth_members: '',
  pg_available_extensions: '',
  pg_cast: '',
  pg_class: '',
  pg_collation: '',
  // What pg_get_constraintdef shows of it anyway.
  pg_constraint: '',
  pg_conversion: '',
  pg_database: '',
  pg_default_acl: '',
  pg_depend: '',
  pg_description: '',
  pg_enum: '',
  pg_event_trigger: '',
  pg_extension: '',
  // Passwords are options of user mappings, but some wrappers take a key with the server. Of a table: which relation it reads.
  pg_foreign_data_wrapper: '-fdwoptions',
  pg_foreign_server: '-srvoptions',
  // A program of file_fdw may be called with a key.
  pg_foreign_table: 'ftoptions',
  // What pg_get_indexdef shows of them anyway.
  pg_index: '',
  pg_indexes: '',
  pg_inherits: '',
  pg_language: '',
  pg_largeobject_metadata: '',
  pg_matviews: 'definition',
  pg_namespace: '',
  pg_opclass: '',
  pg_operator: '',
  pg_opfamily: '',
  // What pg_get_partkeydef shows of it anyway.
  pg_partitioned_table: '',
  pg_policies: '',
  pg_policy: '',
  pg_proc: 'prosrc probin prosqlbody',
  pg_publication: '',
  pg_publication_namespace: '',
  pg_publication_rel: '',
  pg_publication_tables: '',
  pg_range: '',
  pg_rewrite: 'ev_action ev_qual',
  // Passwords of pg_roles and pg_user are eight stars.
  pg_roles: 'rolconfig',
  pg_sequence: '',
  pg_sequences: 'last_value',
  pg_shdepend: '',
  pg_shdescription: '',
  pg_statistic_ext: 'stxexprs',
  pg_subscription: '-subconninfo -subskiplsn',
  pg_tables: '',
  pg_tablespace: '',
  pg_timezone_abbrevs: '',
  pg_timezone_names: '',
  pg_transform: '',
  // What pg_get_triggerdef shows of them anyway.
  pg_trigger: '',
  pg_ts_config: '',
  pg_ts_config_map: '',
  pg_ts_dict: '',
  pg_ts_parser: '',
  pg_ts_template: '',
  // What typdefault shows of it anyway.
  pg_type: '',
  pg_user: 'useconfig',
  pg_user_mappings: '-umoptions',
  pg_views: 'definition',
}
/** Readable with preset `tooling` only. */
const toolingRelations = new Set(
  `pg_seclabel pg_seclabels pg_settings pg_rules pg_init_privs pg_db_role_setting
  pg_parameter_acl pg_available_extension_versions`.split(/\s+/),
)
/** information_schema is made for clients: all of it but options, which hold secrets, and definitions. */
const informationColumns: Readonly<Record<string, string>> = {
  check_constraints: 'check_clause',
  routines: 'routine_definition',
  triggers: 'action_statement action_condition',
  views: 'view_definition',
}
const informationHidden = /^_pg_|options$|^user_mapping/

let systems: ReadonlyMap<string, SystemRelation> | null = null

/** A relation of pg_catalog or information_schema by `schema.name`. */
export function systemRelation(name: string): SystemRelation | undefined {
  systems ??= parseRelations()
  return systems.get(name)
}

function parseRelations(): ReadonlyMap<string, SystemRelation> {
  const found = new Map<string, SystemRelation>()
  const since = new Map(
    Object.entries(came).flatMap(([version, names]) =>
      names.split(/\s+/).map((name) => [name, Number(version)] as const),
    ),
  )
  for (const line of systemRelations.split('\n')) {
    const [written = '', columns = ''] = line.split(' ')
    if (written === '') continue
    const name = qualified(written)
    found.set(name, {
      name,
      since: cameWhole[name] ?? 0,
      columns: [...parseColumns(columns).map((column) => ({ ...column, goneIn: null })), ...(former[name] ?? [])].map(
        (column) => ({
          ...column,
          since: since.get(`${written}.${column.name}`) ?? 0,
          access: accessOf(name, column.name),
        }),
      ),
    })
  }
  return found
}

function accessOf(name: string, column: string): SystemAccess {
  const [schema = '', bare = ''] = name.split('.')
  if (schema === 'information_schema') {
    if (informationHidden.test(bare)) return 'covered'
    return (informationColumns[bare] ?? '').split(' ').includes(column) ? 'tooling' : 'baseline'
  }
  if (toolingRelations.has(bare)) return 'tooling'
  const counter = isKeyOf(counters, bare) ? counters[bare] : undefined
  if (counter !== undefined) return counter.split(/\s+/).includes(column) ? 'baseline' : 'covered'
  if (!isKeyOf(readable, bare)) return 'covered'
  const exceptions = readable[bare]?.split(' ') ?? []
  if (exceptions.includes(`-${column}`)) return 'covered'
  if (exceptions.includes(`~${column}`)) return 'hidden'
  return exceptions.includes(column) ? 'tooling' : 'baseline'
}
