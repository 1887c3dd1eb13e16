// What is refused while masks are in force, also where a rule names it: doors by which a value could leave, or an order show,
// past every column that a statement names. Nothing here depends on stored values.
import type { MaskPlan, ProtectedColumn } from '@sallyport/mask/plan'
import type { Effect, StatementFacts } from '@sallyport/sql/facts'
import { isSystemObject } from './match.ts'

export interface RefusedUnderMasks {
  readonly plan: MaskPlan
  /** What the caller can do instead: part of a sentence. */
  readonly wayOut: string
}

/** Null where nothing stands against the statement. */
export function refuseUnderMasks(facts: StatementFacts, columns: readonly ProtectedColumn[]): RefusedUnderMasks | null {
  const [first] = columns
  if (first === undefined) return null
  for (const effect of facts.effects) {
    const reason = effect.baseline ? null : reasonOf(effect, `masked columns, such as "${first.name}"`)
    if (reason === null) continue
    return { plan: { kind: 'refuse', reason, rules: [first.rule] }, wayOut: wayOutOf(effect) }
  }
  return null
}

function wayOutOf({ operation, object }: Effect): string {
  switch (operation) {
    case 'set':
      return 'leave the setting as it is'
    case 'copy-file':
      return 'use COPY FROM STDIN or COPY TO STDOUT'
    case 'select':
    case 'call':
      return `do without "${object}"`
    default:
      return 'do without it'
  }
}

function reasonOf({ operation, object }: Effect, masked: string): string | null {
  switch (operation) {
    case 'select':
    case 'call':
      return showsMore(operation, object) ? `"${object}" may show values of ${masked}, in another form` : null
    case 'copy-file':
      return `files and programs of the server may hold or take values of ${masked}`
    case 'set':
      return plannerSettings.test(object)
        ? `"${object}" chooses how rows are found, and in which order of ${masked}`
        : null
    case 'admin':
      return codeAndServer.test(object) ? `"${object}" changes how statements run, also those on ${masked}` : null
    default:
      return null
  }
}

/** Statistics and activity views show values of protected columns under other names (THREATS ), and some functions
 * read files, large objects or what sessions run. */
const showsMore = (operation: 'select' | 'call', object: string): boolean =>
  isSystemObject(object) && (operation === 'select' || storageFunctions.test(object))

/**
 * Functions of pg_catalog that return what lies in files, large objects, statistics, or other statements' texts; and what was done
 * and written for a statement: whether an update changed a column with an index, and how long values are.
 */
const storageFunctions =
  /^pg_catalog\.(?:pg_stat_get_\w+|pg_(?:current|last)_wal_\w+|pg_lock_status|pg_get_backend_memory_contexts|gin_clean_pending_list|brin_\w+|pg_read_(?:binary_)?file|pg_ls_\w+|pg_stat_file|lo_get|loread|lo_export|pg_cursor|pg_prepared_(?:statement|xact)|pg_show_all_file_settings|pg_hba_file_rules|pg_ident_file_mappings|pg_mcv_list_items|pg_logical_slot_\w+)\(\)$/

/**
 * Settings of the planner, and libraries that would bring hints for it: `WHERE ssn IS NOT NULL` by an index on ssn shows who
 * stands before whom. By SET, set_config(), and for a role or database.
 */
const plannerSettings =
  /^setting:(?:enable_\w+|seq_page_cost|random_page_cost|cpu_\w+_cost|parallel_\w+_cost|jit_\w+_cost|effective_cache_size|geqo\w*|(?:from|join)_collapse_limit|cursor_tuple_fraction|constraint_exclusion|recursive_worktable_factor|min_parallel_\w+|max_parallel_\w+|(?:force_parallel_mode|debug_parallel_query)|(?:session|local|shared)_preload_libraries|pg_hint_plan\.\w+)$/

/** LOAD, and ALTER SYSTEM, which can set all of the above and programs to run. */
const codeAndServer = /^(?:library:|system:settings$)/
