// What a target's schema looks like: names, types and definitions, never values. The agent reads it, the control plane
// keeps a copy, `analyse` resolves names against it. What is not in here does not exist for us, and is denied.

export interface CatalogColumn {
  /** attnum. */
  readonly number: number
  readonly name: string
  readonly typeOid: number
  /** `pg_catalog.text`, `public.mood` … */
  readonly type: string
  readonly notNull: boolean
  readonly generated: 'no' | 'stored' | 'virtual'
  /** Schema, relation and column under which the same column was read before: a rename takes no mask away. Absent: none. */
  readonly formerly?: readonly (readonly [schema: string, relation: string, column: string])[]
  /** Definition of a generated column (`pg_get_expr`), else null. Defaults are listed too: a default may call functions. */
  readonly expression: string | null
}

export type RelationKind = 'table' | 'partitioned' | 'view' | 'materialized' | 'foreign' | 'sequence' | 'composite'

export interface CatalogRelation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: RelationKind
  readonly temporary: boolean
  readonly columns: readonly CatalogColumn[]
  /** `pg_get_viewdef` of a view or materialised view, else null. */
  readonly definition: string | null
  /** OIDs of parents by inheritance or partitioning. */
  readonly parents: readonly number[]
  /** Rules other than a view's own _RETURN. */
  readonly rules: readonly string[]
  readonly triggers: readonly {
    readonly name: string
    readonly functionOid: number
    readonly events: readonly ('insert' | 'update' | 'delete' | 'truncate')[]
    /** `pg_get_triggerdef`: its condition, its transition tables, and when it runs. Absent: not known. */
    readonly definition?: string
  }[]
  /** Foreign keys that point *at* this relation. */
  readonly cascades: readonly {
    readonly fromOid: number
    /** Columns that refer, by number in that relation. Absent: all of them may. */
    readonly columns?: readonly number[]
    /** Columns of this relation that they refer to. Absent: all of them may be. */
    readonly keys?: readonly number[]
    readonly onDelete: 'none' | 'cascade' | 'set'
    readonly onUpdate: 'none' | 'cascade' | 'set'
  }[]
  readonly rowSecurity: boolean
  /** Its policies, for whichever role and command (`pg_get_expr` of USING and WITH CHECK). Absent: not known. */
  readonly policies?: readonly {
    readonly name: string
    readonly using: string | null
    readonly check: string | null
  }[]
  /** Texts of CHECK constraints, index expressions and predicates, and partition keys (`pg_get_expr`): all are computed when
   * a row is written. Absent: none. */
  readonly checks?: readonly string[]
  /** Columns, by number, whose values are compared with other rows on a write: unique and exclusion indexes, foreign keys.
   * Absent: all of them may be. */
  readonly compared?: readonly number[]
  /** Those of them that are compared at once, by constraint. Absent: all of them may be. */
  readonly together?: readonly (readonly number[])[]
  /** Indexes that answer a write with more than whether its values are there: `columns`, by number, that are compared by another
   * operator than equality; the condition of those that hold some rows alone. Absent: none. */
  readonly probes?: readonly { readonly columns: readonly number[]; readonly condition: string | null }[]
  /** Indexes of some rows alone that may refuse one: by which columns, by number, and which rows they have. Absent: none. */
  readonly partial?: readonly { readonly columns: readonly number[]; readonly condition: string }[]
  /** Those of its constraints, as expressions, that rows which are there were not tested by. Absent: none. */
  readonly untested?: readonly string[]
  /** Columns, by number, under a collation that takes unlike texts for equal. Absent: none. */
  readonly loose?: readonly number[]
  /** Its indexes: their key columns, by number, 0 for an expression; `computed`: those that stand in expressions or with them in a
   * condition. `unique`: at once, of all rows, and of columns alone. Absent: not known. */
  readonly indexes?: readonly {
    readonly columns: readonly number[]
    readonly computed?: readonly number[]
    /** That its condition depends on, of a partial one: who asks for that may be given the whole of it. Absent: none. */
    readonly conditions?: readonly number[]
    readonly unique: boolean
  }[]
  /** Of a foreign table: what it reads at its server, and by which name those of its columns that have another one there.
   * Absent or null: no foreign table. */
  readonly remote?: {
    readonly schema: string
    readonly name: string
    readonly columns: readonly (readonly [own: string, remote: string])[]
  } | null
  /** Columns, by number, that choose a row's partition; 0 for an expression. Absent: all of them may. */
  readonly partitionedBy?: readonly number[]
}

export interface CatalogFunction {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly argumentTypes: readonly string[]
  readonly variadic: boolean
  readonly returnType: string
  readonly returnsSet: boolean
  readonly kind: 'function' | 'procedure' | 'aggregate' | 'window'
  readonly volatility: 'immutable' | 'stable' | 'volatile'
  readonly language: string
  readonly securityDefiner: boolean
  /** Source of a function in SQL or PL/pgSQL, else null. */
  readonly body: string | null
  readonly settings: readonly string[]
  /** `proargnames` of the input arguments, in order, '' for one without a name. Absent: bodies that use names are opaque. */
  readonly argumentNames?: readonly string[]
  /** Expressions of the last so many input arguments, which a call may leave out. Absent: nobody knows which it may. */
  readonly defaults?: readonly string[]
  /** Columns of RETURNS TABLE and of OUT arguments, in order. Absent or empty: the return type says it all. */
  readonly results?: readonly { readonly name: string; readonly type: string }[]
  /** The extension that it came with. Absent or null: none. */
  readonly extension?: string | null
  /** Of an aggregate whose states are of PostgreSQL's own types: the functions that it calls, as `schema.name()`. Absent or
   * null: not known. */
  readonly parts?: readonly string[] | null
}

/** One database as one upstream role sees it. */
export interface Catalog {
  /** Changes with every change of the rest; part of cache keys. */
  readonly version: string
  readonly database: string
  /** `server_version_num`, for example 180004. */
  readonly serverVersion: number
  readonly serverEncoding: string
  readonly relations: readonly CatalogRelation[]
  /** All of them outside pg_catalog and information_schema; built-ins are known to `builtins.ts`. */
  readonly functions: readonly CatalogFunction[]
  readonly schemas: readonly {
    readonly name: string
    readonly writable: boolean
    /** False: the role may not look into it, so that it is in no search_path. Absent: it may. */
    readonly usable?: boolean
  }[]
  /** User-defined types: name to kind, so that casts and composite access resolve. */
  readonly types: readonly {
    readonly oid: number
    readonly schema: string
    readonly name: string
    readonly kind: 'base' | 'composite' | 'domain' | 'enum' | 'range' | 'multirange' | 'pseudo'
    /** What its values are, or hold: the base type of a domain, the subtype of a range. Absent or null: nothing else. */
    readonly of?: string | null
    /** False: no function of the target runs when a value of it is made. Absent: it may. For domains and ranges. */
    readonly code?: boolean
    /** False: none of those functions is volatile, so that they change nothing. Absent: one may be. */
    readonly volatile?: boolean
  }[]
  /** Casts by a function that is no C code: `schema.type` both, arrays as `schema._type`. Absent: none. */
  readonly casts?: readonly {
    readonly source: string
    readonly target: string
    /** `schema.name()`. */
    readonly function: string
    readonly context: 'explicit' | 'assignment' | 'implicit'
  }[]
  /** Names of all that pg_catalog has and `pg_` begins. Absent: it may have others than PostgreSQL's own. */
  readonly systemRelations?: readonly string[]
  /** Columns of PostgreSQL's own relations, in order: `pg_catalog.pg_am oid,amname,amhandler,amtype`. Absent: by version. */
  readonly systemColumns?: readonly string[]
  /**
   * What goes when something else is dropped with CASCADE: `relation 16385`, `function 16390`, `type 16400` or `schema lab`,
   * and what depends on it: one of those, `key 16385` for a foreign key of a relation, `part 16385` for anything else that
   * belongs to one, `other pg_ts_config` for what no rule names. Without temporary objects. Absent: nobody knows.
   */
  readonly dependents?: readonly (readonly [on: string, what: string])[]
  /**
   * Operators outside pg_catalog: `schema.name`, or `schema.name(left,right)` with type names as in columns and `none`
   * for a missing side. With types an operator of an extension does not shadow a built-in one of the same name.
   */
  readonly operators: readonly string[]
  /** What came with extensions and is code in C: `hstore type public.hstore`, `pg_trgm operator public.%(…)`. Absent: none. */
  readonly members?: readonly string[]
}
