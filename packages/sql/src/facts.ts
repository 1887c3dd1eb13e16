// What a statement does: the facts that rules look at and the lineage that masks follow. Types only.
// INVARIANT: whatever the analysis cannot prove stands in `unknowns`, and a caller that finds one there denies.

/** The closed list of DESIGN §4, SQL part. */
export const sqlOperations = [
  'select',
  'insert',
  'update',
  'delete',
  'truncate',
  'lock',
  'call',
  'create',
  'alter',
  'drop',
  'set',
  'listen',
  'notify',
  'copy-file',
  'admin',
] as const
export type SqlOperation = (typeof sqlOperations)[number]

/** Of SQL, of a request (`http.GET`), or of a message (`mcp.call`). */
export type Operation = SqlOperation | `http.${string}` | `mcp.${string}`

/** One thing that a statement does to one object. */
export interface Effect {
  readonly operation: Operation
  /** `schema.relation`, `schema.function()`, `setting:name`, `channel:name`; catalog names, case kept. */
  readonly object: string
  /** Direct: written in the statement. Derived: through views, triggers, cascades, children, functions, rules. */
  readonly via: 'direct' | 'derived'
  /** Parents (inheritance, partitioning) of the object: a rule on a parent covers its children. */
  readonly parents: readonly string[]
  /** True for what an admitted session may do without coverage (DESIGN §4, Baseline). */
  readonly baseline: boolean
  /** By what names it goes afterwards: it is renamed, moved to another schema, or taken from its parents. Absent: as before. */
  readonly becomes?: readonly Pick<Effect, 'object' | 'parents'>[]
}

/** A base column of the catalog. */
export interface ColumnRef {
  readonly relationOid: number
  /** `schema.relation.column`, catalog names. */
  readonly name: string
  readonly number: number
  /** A part of a JSON column: members from the root on. Null: a step that is not known, and whatever follows it. A step that
   * looks like a number may be the place in an array. Absent: the whole column. */
  readonly path?: readonly (string | null)[]
}

/** How a column is used where it decides which rows or in which order. */
export interface ControlUse {
  readonly column: ColumnRef
  /** `null-test`: IS [NOT] NULL; `equality`: `column = constant or parameter`, ANDed at the top level of WHERE. */
  readonly use: 'null-test' | 'equality' | 'other'
  /** WHERE, JOIN, ORDER BY … for the message. */
  readonly where: string
}

/** One column of a result. */
export interface OutputColumn {
  readonly name: string
  /** `direct`: the value of exactly one base column, unchanged. `derived`: anything else that reads `sources`. */
  readonly kind: 'direct' | 'derived'
  /** Set where computing it cannot fail, whatever the values are: it may be run, and its result hidden as a whole. */
  readonly total?: true
  /** What stands beside the values of one column, so that it can be seen what a mask makes of it: constants of the statement, or
   * values of another column. */
  readonly mixed?: 'constants' | 'columns'
  /** Of `sources`, where columns are mixed: those of views over the others, under which the same values are known. Absent: none. */
  readonly aliases?: readonly ColumnRef[]
  /** Base columns whose value can reach this output; through set operations there may be several, all direct. */
  readonly sources: readonly ColumnRef[]
}

/** A write that carries values of base columns to another place. */
export interface Flow {
  readonly to: string
  /** Column of the relation written to, if it is one. */
  readonly toColumn: ColumnRef | null
  readonly sources: readonly ColumnRef[]
  /**
   * Set where a trigger writes it: what is copied as it is, or computed by what cannot fail. Which values meet is the owner's
   * choice then and not the caller's. Absent: the statement itself writes it.
   */
  readonly trigger?: FlowOfTrigger
  /** Set where that trigger reads nothing that is stored: the values are those of the rows that set it off. */
  readonly ofRow?: true
}

export type FlowOfTrigger = 'copied' | 'computed'

export interface FunctionUse {
  /** `schema.name()`. */
  readonly name: string
  readonly volatility: 'immutable' | 'stable' | 'volatile'
  readonly pure: boolean
  /** Of an extension that is known to compute and do nothing else. */
  readonly computes?: true
}

/** What a statement changes in its session; the agent follows it. */
export type SessionEffect =
  | {
      readonly kind: 'transaction'
      readonly verb: 'begin' | 'commit' | 'rollback' | 'savepoint' | 'release' | 'rollback-to'
    }
  | { readonly kind: 'set'; readonly setting: string; readonly value: string | null; readonly local: boolean }
  | { readonly kind: 'prepare'; readonly name: string; readonly body: StatementFacts; readonly bodyText: string }
  | { readonly kind: 'execute'; readonly name: string }
  | { readonly kind: 'deallocate'; readonly name: string | null }
  /** `holds`: WITH HOLD, by the tree. Absent: it ends with its transaction. */
  | { readonly kind: 'declare'; readonly name: string; readonly body: StatementFacts; readonly holds?: true }
  | { readonly kind: 'fetch'; readonly name: string }
  | { readonly kind: 'close'; readonly name: string | null }
  | { readonly kind: 'discard'; readonly what: 'all' | 'plans' | 'sequences' | 'temp' }
  | { readonly kind: 'ddl' }
  /** `plain`: in text or CSV format with the delimiter, quote and NULL that those have by default. */
  | { readonly kind: 'copy'; readonly direction: 'in' | 'out'; readonly plain?: true }

/** Kinds of names that the target would refuse by itself. A relation that is not there makes its columns missing as well. */
export const missingNames = [
  'relation',
  'column',
  'function',
  'type',
  'prepared statement',
  'cursor',
  'ambiguous column',
] as const
export type MissingName = (typeof missingNames)[number]

/** The facts of one statement of a text. */
export interface StatementFacts {
  /** Lowercase keyword: select, insert, … , begin, show, explain. EXPLAIN ANALYZE has its inner statement's effects. */
  readonly verb: string
  readonly effects: readonly Effect[]
  readonly functions: readonly FunctionUse[]
  /**
   * For UPDATE and DELETE: has a WHERE that reads a column of the target. For MERGE: ON reads one, or the conditions of all
   * arms that update or delete do. True for all other verbs.
   */
  readonly filtered: boolean
  /** Result columns in order; null when the statement returns no rows. */
  readonly output: readonly OutputColumn[] | null
  /** Base columns that decide rows or order. */
  readonly control: readonly ControlUse[]
  readonly flows: readonly Flow[]
  /** Base columns that are named in any position: a plan shows what statistics say about each of them. */
  readonly reads: readonly ColumnRef[]
  readonly session: readonly SessionEffect[]
  /** Every base relation touched (OIDs), directly or derived: errors of the statement may quote their values. */
  readonly relations: readonly number[]
  /** Why the analysis is incomplete; empty when everything is proven. Each text names the construct, never a value. */
  readonly unknowns: readonly string[]
  /** Set when all of `unknowns` are names that the target does not have: of what the first missing thing is. */
  readonly missing?: MissingName
  /**
   * Code of the target that the statement runs unseen: triggers, row security, defaults, domains. It can show or move what
   * masks hide, so it matters where masks apply, and nowhere else.
   */
  readonly opaque: readonly string[]
  /** `schema.name()` of functions that run and are vouched for instead of looked into. Absent: none. */
  readonly trusted?: readonly string[]
  /** Constructs beside functions that put several rows into one, such as ARRAY (SELECT …). Absent: none. */
  readonly packs?: readonly string[]
  /**
   * Aggregates by which a statement can take values of rows that it chooses, several in one: of some rows alone (FILTER), or of what is
   * computed (`max(CASE WHEN id = 1 …)`, `sum(n * 1000)`). Absent: none.
   */
  readonly gathers?: readonly string[]
  /** What it runs, or reads, that stands in another text of the session: EXECUTE, FETCH, at any depth. Absent: nothing. */
  readonly elsewhere?: readonly string[]
  /** It names a column that is hidden from everybody, whatever the policies. Absent: it does not. */
  readonly namesHidden?: true
  /**
   * It was found that the order of its rows shows nothing, where parameters have types that make no comparison with a column fail.
   * Absent: their types are of no account.
   */
  readonly plainParameters?: true
  /** Beside those: parameters that are of this type, or not declared. Made into it, another one may fail. Absent: none. */
  readonly castParameters?: readonly (readonly [number: number, type: string])[]
  /** Its rows are alike, so that their order shows nothing, as long as nobody asks which of them it is. Absent: it did not matter. */
  readonly rowsAlike?: true
  /** UPDATE or DELETE of one row at most, by a whole key of its table. Absent: of any number. */
  readonly isOfOneRow?: true
  /** Numbers of parameters that it is so by, where their types are those that a client does not declare, or plain. Absent: none. */
  readonly keyParameters?: readonly number[]
  /** How often stored relations are read where their values can reach the result. Absent: one, once, or none. */
  readonly readings?: readonly (readonly [relation: string, times: number])[]
  /** Columns that get a new value, also those behind a view: what is sent for them may be a masked value. Absent: none. */
  readonly written?: readonly ColumnRef[]
  /** The statement's slice of the text, trimmed. */
  readonly text: string
  /**
   * Facts that are the same in everything but the text, for whoever keeps what he found out about everything else; absent
   * where these facts are the first of their shape.
   */
  readonly shape?: StatementFacts
  /** Fingerprint of the parse tree without literals. */
  readonly fingerprint: string
}

/** Session state that decides what names and texts mean. */
export interface AnalysisContext {
  /** Effective search_path, in order, `pg_catalog` implied first. */
  readonly searchPath: readonly string[]
  /** Bodies of SQL-level and protocol-level prepared statements and cursors by name, for EXECUTE and FETCH. */
  readonly prepared: ReadonlyMap<string, StatementFacts>
  readonly cursors: ReadonlyMap<string, StatementFacts>
  /** `tooling` adds what pg_dump and GUI tools need (DESIGN §4). */
  readonly preset: 'none' | 'tooling'
  /** `schema.name()` of functions that the target's owner vouches for: they are not looked into. Absent: none. */
  readonly trusted?: ReadonlySet<string>
  /** Masks apply at the target, where the gateway keeps the planner from reading indexes in place of tables. Absent: none do. */
  readonly isMasked?: boolean
}

/** The parser as `libpg-query` has it; passed in, so that this package loads no WebAssembly. */
export interface SqlParser {
  parse(text: string): { readonly version: number; readonly stmts: readonly unknown[] }
  fingerprint(text: string): string
  /** The tree of `CREATE FUNCTION … LANGUAGE plpgsql`. Absent: such bodies cannot be followed. */
  parsePlpgsql?(text: string): unknown
}
