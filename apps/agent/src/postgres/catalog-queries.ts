// Table: the read-only questions that make up a catalog, one JSON text a row, for PostgreSQL 13 to 18, and the cheaper
// question whether anything that they look at has changed. The connection's own search_path is pg_catalog alone.

import { aggregateParts, firstObject, runsVolatile, systemColumns, systemRelations } from './system-queries.ts'

/** Start-up settings of a connection that reads catalogs. Definitions are printed with every foreign name qualified. */
export const catalogSettings = {
  application_name: 'sallyport catalog',
  search_path: 'pg_catalog, pg_temp',
  default_transaction_read_only: 'on',
  statement_timeout: '10000',
  lock_timeout: '2000',
  jit: 'off',
} as const

const kinds = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'materialized',
  f: 'foreign',
  S: 'sequence',
  c: 'composite',
} as const

const relationKinds = `'${Object.keys(kinds).join("','")}'`
const named = (column: string, names: Readonly<Record<string, string>>, otherwise = 'NULL'): string =>
  `CASE ${column} ${Object.entries(names)
    .map(([letter, name]) => `WHEN '${letter}' THEN '${name}'`)
    .join(' ')} ELSE ${otherwise} END`

// Other sessions' temporary objects are out of reach for everybody but them, and come and go all the time.
const userSchema = (alias: string): string =>
  `${alias}.nspname NOT IN ('pg_catalog', 'information_schema') AND ${alias}.nspname !~ '^pg_(toast|temp)'`

/** Array types are `schema._type` by their element, whatever pg_type calls them where that name was taken or too long. */
const written = (type: string, element: string): string => `
  COALESCE(CASE WHEN ${element}.typarray = ${type}.oid THEN '_' || ${element}.typname END, ${type}.typname)`

/** `schema.type` by the OID of a type. */
const typeName = (oid: string): string =>
  `(SELECT tn.nspname || '.' || ${written('tt', 'te')} FROM pg_catalog.pg_type tt
      JOIN pg_catalog.pg_namespace tn ON tn.oid = tt.typnamespace
      LEFT JOIN pg_catalog.pg_type te ON te.oid = tt.typelem WHERE tt.oid = ${oid})`

const list = (query: string): string => `COALESCE((${query}), '[]'::pg_catalog.json)`

const columns = list(`
  SELECT json_agg(json_build_object(
           'number', a.attnum, 'name', a.attname, 'typeOid', a.atttypid::int8,
           'type', tn.nspname || '.' || ${written('t', 'te')}, 'notNull', a.attnotnull AND NOT EXISTS (
             SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND NOT k.convalidated
                AND a.attnum = ANY (k.conkey)),
           'generated', ${named('a.attgenerated', { s: 'stored', v: 'virtual' }, "'no'")},
           'expression', pg_get_expr(d.adbin, d.adrelid)) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_type te ON te.oid = t.typelem
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`)

const loose = list(`
  SELECT json_agg(a.attnum ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT l.collisdeterministic`)

const parents = list(`
  SELECT json_agg(i.inhparent::int8 ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid`)

const rules = list(`
  SELECT json_agg(w.rulename ORDER BY w.rulename) FROM pg_catalog.pg_rewrite w
   WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN'`)

// Foreign keys and deferred unique constraints are triggers as well, of PostgreSQL's own making: they are left out, and
// what a foreign key does stands in "cascades". Bits of tgtype: pg_trigger.h.
const triggers = list(`
  SELECT json_agg(json_build_object(
           'name', g.tgname, 'functionOid', g.tgfoid::int8, 'definition', pg_get_triggerdef(g.oid),
           'events', array_remove(ARRAY[
              CASE WHEN g.tgtype & 4 <> 0 THEN 'insert' END, CASE WHEN g.tgtype & 16 <> 0 THEN 'update' END,
              CASE WHEN g.tgtype & 8 <> 0 THEN 'delete' END, CASE WHEN g.tgtype & 32 <> 0 THEN 'truncate' END], NULL))
           ORDER BY g.tgname)
    FROM pg_catalog.pg_trigger g LEFT JOIN pg_catalog.pg_constraint k ON k.oid = g.tgconstraint
   WHERE g.tgrelid = c.oid AND g.tgenabled <> 'D' AND (k.oid IS NULL OR k.contype = 't')`)

// What PostgreSQL computes for each row that is written, beside defaults and generated columns.
const checks = list(`
  SELECT json_agg(e.text ORDER BY e.text) FROM (
    SELECT pg_get_expr(k.conbin, k.conrelid) AS text FROM pg_catalog.pg_constraint k
     WHERE k.conrelid = c.oid AND k.contype = 'c'
    UNION SELECT pg_get_expr(i.indexprs, i.indrelid) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid
    UNION SELECT pg_get_expr(i.indpred, i.indrelid) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid
    UNION SELECT pg_get_expr(p.partexprs, p.partrelid) FROM pg_catalog.pg_partitioned_table p WHERE p.partrelid = c.oid
  ) e WHERE e.text IS NOT NULL`)

// System columns have negative numbers, expressions have 0.
const compared = list(`
  SELECT json_agg(e.number ORDER BY e.number) FROM (
    SELECT unnest(i.indkey::int2[]) AS number FROM pg_catalog.pg_index i
     WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion)
    UNION SELECT unnest(k.conkey) FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('f', 'x')
  ) e WHERE e.number > 0`)

// Those that can be walked, in an order: GIN and BRIN cannot. Columns that an index only carries along come behind those that it is
// sorted by (indnkeyatts). What its expressions and its condition are made of, it depends on; on
// no column by itself where it is made of whole rows, as `name_of(t.*)` says.
const dependsOn = (expression: 'indexprs' | 'indpred'): string => `
  COALESCE((SELECT json_agg(DISTINCT a.attnum) FROM pg_catalog.pg_depend d
              JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum > 0 AND NOT a.attisdropped
               AND (a.attnum = d.refobjsubid OR pg_catalog.pg_get_expr(i.${expression}, i.indrelid) LIKE '%.*%')
             WHERE i.${expression} IS NOT NULL AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
               AND d.objid = i.indexrelid AND d.refclassid = d.classid AND d.refobjid = i.indrelid),
           '[]'::pg_catalog.json)`
// Under another collation than the column's, or one that takes unlike texts for equal, more rows than one may be equal to a text.
const tellsApart = `
  NOT EXISTS (SELECT FROM unnest(i.indkey::int2[], i.indcollation::oid[], i.indclass::oid[]) AS k(number, texts, operators)
                JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                JOIN pg_catalog.pg_opclass o ON o.oid = k.operators
                LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
               WHERE k.texts <> a.attcollation OR NOT l.collisdeterministic
                  OR o.opcnamespace <> 'pg_catalog'::pg_catalog.regnamespace)`
// Of an index also what its expressions are made of: UNIQUE (tenant, lower(mail)).
const together = list(`
  SELECT json_agg(to_json(e.numbers) ORDER BY e.numbers) FROM (
    SELECT ARRAY(SELECT k.number FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, at)
                          WHERE k.at <= i.indnkeyatts AND k.number > 0
                         UNION SELECT x.number::int2 FROM json_array_elements_text(${dependsOn('indexprs')}) AS x(number)
                         ORDER BY 1) AS numbers
      FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion) AND i.indnkeyatts > 1
    UNION SELECT k.conkey FROM pg_catalog.pg_constraint k
     WHERE k.conrelid = c.oid AND k.contype = 'f' AND cardinality(k.conkey) > 1) e`)
const indexes = list(`
  SELECT json_agg(json_build_object(
           'columns', (SELECT json_agg(k.number ORDER BY k.at)
                         FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, at) WHERE k.at <= i.indnkeyatts),
           'computed', ${dependsOn('indexprs')},
           'conditions', ${dependsOn('indpred')},
           'unique', i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
                     AND ${tellsApart})
           ORDER BY i.indexrelid)
    FROM pg_catalog.pg_index i
   WHERE i.indrelid = c.oid AND pg_catalog.pg_index_has_property(i.indexrelid, 'index_scan')`)

// Exclusion by another operator than equality, as of keys WITHOUT OVERLAPS too, and unique indexes of some rows alone (conexclop:
// pg_constraint.h).
const probes = list(`
  SELECT json_agg(json_build_object(
           'columns', COALESCE((
             SELECT json_agg(DISTINCT e.number) FROM unnest(i.indkey::int2[], k.conexclop) AS u(number, operator)
               JOIN pg_catalog.pg_operator o ON o.oid = u.operator AND o.oprname <> '='
               CROSS JOIN LATERAL (SELECT u.number::text WHERE u.number > 0 UNION ALL
                 SELECT x.number FROM json_array_elements_text(${dependsOn('indexprs')}) AS x(number)
                  WHERE u.number = 0) AS t(text)
               CROSS JOIN LATERAL (SELECT t.text::int4) AS e(number)), '[]'::pg_catalog.json),
           'condition', pg_get_expr(i.indpred, i.indrelid)) ORDER BY i.indexrelid)
    FROM pg_catalog.pg_index i
    LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('x', 'p', 'u')
   WHERE i.indrelid = c.oid AND (i.indisexclusion OR i.indisunique AND i.indpred IS NOT NULL)`)

// Unique, exclusive or computed of some rows: what a row that comes in is tested by.
const partial = list(`
  SELECT json_agg(json_build_object(
           'columns', to_json(ARRAY(
             SELECT k.number FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, at) WHERE k.at <= i.indnkeyatts AND k.number > 0
             UNION SELECT x.number::int2 FROM json_array_elements_text(${dependsOn('indexprs')}) AS x(number) ORDER BY 1)),
           'condition', pg_get_expr(i.indpred, i.indrelid)) ORDER BY i.indexrelid)
    FROM pg_catalog.pg_index i
   WHERE i.indrelid = c.oid AND i.indpred IS NOT NULL AND (i.indisunique OR i.indisexclusion OR i.indexprs IS NOT NULL)`)

// NOT VALID: rows that were there may not pass, and are tested by every write of them. Of NOT NULL what is computed alone: of other
// columns it says what everybody may know. (conenforced since PostgreSQL 18)
const untested = list(`
  SELECT json_agg(e.text ORDER BY e.text) FROM (
    SELECT pg_get_expr(k.conbin, k.conrelid) AS text FROM pg_catalog.pg_constraint k
     WHERE k.conrelid = c.oid AND k.contype = 'c' AND NOT k.convalidated
       AND COALESCE(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
    UNION SELECT quote_ident(a.attname) || ' IS NOT NULL' FROM pg_catalog.pg_constraint k
      JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attgenerated <> ''
     WHERE k.conrelid = c.oid AND k.contype = 'n' AND NOT k.convalidated) e
   WHERE e.text IS NOT NULL`)

const policies = list(`
  SELECT json_agg(json_build_object(
           'name', y.polname, 'using', pg_get_expr(y.polqual, y.polrelid),
           'check', pg_get_expr(y.polwithcheck, y.polrelid)) ORDER BY y.polname)
    FROM pg_catalog.pg_policy y WHERE y.polrelid = c.oid`)

const partitionedBy = list(`
  SELECT json_agg(DISTINCT k.number ORDER BY k.number)
    FROM pg_catalog.pg_partitioned_table p, unnest(p.partattrs::int2[]) AS k(number) WHERE p.partrelid = c.oid`)

// What a foreign table reads at its server: options of postgres_fdw, and of others that call them likewise.
const option = (...names: readonly string[]): string =>
  `max(o.option_value) FILTER (WHERE o.option_name IN ('${names.join("', '")}'))`
const remote = `
  CASE WHEN c.relkind = 'f' THEN (
    SELECT json_build_object(
             'schema', COALESCE(${option('schema_name', 'schema')}, n.nspname),
             'name', COALESCE(${option('table_name', 'table')}, c.relname),
             'columns', ${list(`
               SELECT json_agg(json_build_array(a.attname, o.option_value) ORDER BY a.attnum)
                 FROM pg_catalog.pg_attribute a, pg_options_to_table(a.attfdwoptions) o
                WHERE a.attrelid = c.oid AND o.option_name = 'column_name'`)})
      FROM pg_catalog.pg_foreign_table f LEFT JOIN pg_options_to_table(f.ftoptions) o ON true
     WHERE f.ftrelid = c.oid) END`

const action = (column: string): string => named(column, { c: 'cascade', n: 'set', d: 'set' }, "'none'")

// pg_constraint has no index by confrelid: grouped once, not looked up for each relation.
const cascades = `
  SELECT k.confrelid, json_agg(json_build_object(
           'fromOid', k.conrelid::int8, 'columns', to_json(k.conkey), 'keys', to_json(k.confkey),
           'onDelete', ${action('k.confdeltype')}, 'onUpdate', ${action('k.confupdtype')})
           ORDER BY k.conrelid, k.oid) AS listed
    FROM pg_catalog.pg_constraint k
   WHERE k.contype = 'f'
   GROUP BY k.confrelid`

const relations = (schema: string, where: string): string => `
  WITH cascading AS (${cascades})
  SELECT json_build_object(
           'oid', c.oid::int8, 'schema', ${schema}, 'name', c.relname, 'kind', ${named('c.relkind', kinds)},
           'temporary', c.relpersistence = 't', 'columns', ${columns},
           'definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
           'parents', ${parents}, 'rules', ${rules}, 'triggers', ${triggers},
           'cascades', COALESCE(x.listed, '[]'::pg_catalog.json), 'rowSecurity', c.relrowsecurity, 'checks', ${checks},
           'loose', ${loose}, 'compared', ${compared}, 'together', ${together}, 'indexes', ${indexes}, 'probes', ${probes}, 'partial', ${partial}, 'untested', ${untested}, 'policies', ${policies}, 'partitionedBy', ${partitionedBy},
           'remote', ${remote})
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN cascading x ON x.confrelid = c.oid
   WHERE c.relkind IN (${relationKinds}) AND (${where})
   ORDER BY c.oid`

/** As everybody sees them; or with the temporary ones of the connection that asks, whose schema is called pg_temp. */
const sharedRelations = relations('n.nspname', userSchema('n'))
const ownTemporary = 'n.oid = pg_my_temp_schema()'
/** The temporary ones of the connection that asks, alone. */
export const temporaryQuery = relations(`'pg_temp'`, ownTemporary)
const ownRelations = relations(
  `CASE WHEN ${ownTemporary} THEN 'pg_temp' ELSE n.nspname END`,
  `${userSchema('n')} OR ${ownTemporary}`,
)

const argumentTypes = list(`
  SELECT json_agg(${typeName('a.type')} ORDER BY a.at)
    FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a(type, at)`)

// proargnames and proargmodes number all arguments; without modes all of them are input.
const everyArgument = `generate_series(1, COALESCE(array_length(p.proallargtypes, 1), p.pronargs::int)) AS a(at)`

const argumentNames = list(`
  SELECT json_agg(COALESCE(p.proargnames[a.at], '') ORDER BY a.at) FROM ${everyArgument}
   WHERE p.proargmodes IS NULL OR p.proargmodes[a.at] IN ('i', 'b', 'v')`)

// By the number among all arguments; only the last of those that are input can have one.
const defaults = list(`
  SELECT json_agg(e.text ORDER BY e.at)
    FROM (SELECT a.at, pg_get_function_arg_default(p.oid, a.at) AS text FROM ${everyArgument}
           WHERE p.pronargdefaults > 0) e
   WHERE e.text IS NOT NULL`)

// Columns without a name are called column1, column2 … (funcapi.c, build_function_result_tupdesc_d).
const results = list(`
  SELECT json_agg(json_build_object('name', o.name, 'type', o.type) ORDER BY o.at)
    FROM (SELECT a.at, ${typeName('p.proallargtypes[a.at]')} AS type,
                 COALESCE(NULLIF(p.proargnames[a.at], ''), 'column' || row_number() OVER (ORDER BY a.at)) AS name
            FROM ${everyArgument} WHERE p.proargmodes[a.at] IN ('o', 'b', 't')) o`)

/** Bodies that are parsed when they are made exist from PostgreSQL 14 on. */
const bodyOf = (serverVersion: number): string =>
  serverVersion >= 140_000
    ? 'CASE WHEN p.prosqlbody IS NULL THEN p.prosrc ELSE pg_get_function_sqlbody(p.oid) END'
    : 'p.prosrc'

const extensionOf = (catalog: string, oid: string): string =>
  `(SELECT e.extname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
     WHERE d.classid = 'pg_catalog.${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e'
       AND d.refclassid = 'pg_catalog.pg_extension'::regclass LIMIT 1)`

const functions = (serverVersion: number): string => `
  SELECT json_build_object(
           'oid', p.oid::int8, 'schema', n.nspname, 'name', p.proname, 'argumentTypes', ${argumentTypes},
           'variadic', p.provariadic <> 0, 'returnType', ${typeName('p.prorettype')}, 'returnsSet', p.proretset,
           'kind', ${named('p.prokind', { f: 'function', p: 'procedure', a: 'aggregate', w: 'window' })},
           'volatility', ${named('p.provolatile', { i: 'immutable', s: 'stable', v: 'volatile' })},
           'language', l.lanname, 'securityDefiner', p.prosecdef,
           'body', CASE l.lanname WHEN 'sql' THEN ${bodyOf(serverVersion)} WHEN 'plpgsql' THEN p.prosrc END,
           'settings', COALESCE(to_json(p.proconfig), '[]'::pg_catalog.json),
           'argumentNames', ${argumentNames}, 'defaults', ${defaults}, 'results', ${results},
           'extension', ${extensionOf('pg_proc', 'p.oid')}, 'parts', ${aggregateParts})
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
   WHERE ${userSchema('n')}
   ORDER BY p.oid`

// A dot in a schema's name makes "schema.name" ambiguous: such a schema counts as one that anybody may write to, which
// keeps it out of every search_path.
const schemas = `
  SELECT json_build_object('name', n.nspname,
           'writable', has_schema_privilege(n.oid, 'CREATE') OR n.nspname LIKE '%.%',
           'usable', has_schema_privilege(n.oid, 'USAGE'))
    FROM pg_catalog.pg_namespace n WHERE ${userSchema('n')} ORDER BY n.nspname`

// A domain runs code when a function of the target stands in one of its checks or its default, or its base type does; a range
// when its subtype or one of its functions is the target's. For all others the question does not arise, or the answer is
// found from their columns.
const runsCode = `
  CASE t.typtype
    WHEN 'd' THEN t.typbasetype >= ${firstObject} OR t.typdefaultbin IS NOT NULL OR EXISTS (
      SELECT FROM pg_catalog.pg_constraint k
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid = k.oid
       WHERE k.contypid = t.oid AND d.refobjid >= ${firstObject} AND d.refclassid <> 'pg_catalog.pg_type'::regclass)
    WHEN 'r' THEN EXISTS (
      SELECT FROM pg_catalog.pg_range r
       WHERE r.rngtypid = t.oid AND (r.rngsubtype >= ${firstObject} OR r.rngcanonical::oid >= ${firstObject}
         OR r.rngsubdiff::oid >= ${firstObject}))
    ELSE true END`

// Row types of relations and array types follow from the others.
const types = `
  SELECT json_build_object('oid', t.oid::int8, 'schema', n.nspname, 'name', t.typname, 'kind', ${named('t.typtype', {
    b: 'base',
    c: 'composite',
    d: 'domain',
    e: 'enum',
    r: 'range',
    m: 'multirange',
    p: 'pseudo',
  })}, 'of', CASE t.typtype WHEN 'd' THEN ${typeName('t.typbasetype')}
      WHEN 'r' THEN (SELECT ${typeName('r.rngsubtype')} FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid) END,
      'code', ${runsCode}, 'volatile', ${runsVolatile})
    FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
   WHERE ${userSchema('n')} AND t.typisdefined AND (c.oid IS NULL OR c.relkind = 'c')
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)
   ORDER BY t.oid`

const side = (oid: string): string => `CASE ${oid} WHEN 0 THEN 'none' ELSE ${typeName(oid)} END`

// A type whose name has a comma or parenthesis would break the notation: then the operator counts for all types.
const operators = `
  SELECT to_json(s.name || CASE WHEN s.types ~ '^[(][^,()]+,[^,()]+[)]$' THEN s.types ELSE '' END)
    FROM (SELECT o.oid, n.nspname || '.' || o.oprname AS name,
                 '(' || ${side('o.oprleft')} || ',' || ${side('o.oprright')} || ')' AS types
            FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
           WHERE ${userSchema('n')}) s
   ORDER BY s.oid`

// Nobody but a superuser makes a function in C, and so what is made of them alone.
const inC = (oid: string): string =>
  `EXISTS (SELECT FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_language l ON l.oid = f.prolang
            WHERE f.oid = ${oid} AND l.lanname IN ('c', 'internal'))`

const members = `
  SELECT to_json(m.extension || ' ' || m.what) FROM (
    SELECT ${extensionOf('pg_operator', 'o.oid')} AS extension,
           'operator ' || n.nspname || '.' || o.oprname || '(' || ${side('o.oprleft')} || ',' || ${side('o.oprright')} || ')' AS what
      FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
     WHERE ${userSchema('n')} AND ${inC('o.oprcode')}
    UNION ALL
    SELECT ${extensionOf('pg_type', 't.oid')}, 'type ' || n.nspname || '.' || t.typname
      FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
     WHERE ${userSchema('n')} AND t.typtype = 'b' AND t.typcategory <> 'A'
       AND ${inC('t.typinput')} AND ${inC('t.typoutput')} AND ${inC('t.typreceive')} AND ${inC('t.typsend')}) m
   WHERE m.extension IS NOT NULL
   ORDER BY m.extension COLLATE "C", m.what COLLATE "C"`

// Functions in C come with extensions and are trusted as those are; everybody can write the others.
const casts = `
  SELECT json_build_object('source', ${typeName('k.castsource')}, 'target', ${typeName('k.casttarget')},
           'function', n.nspname || '.' || p.proname || '()',
           'context', ${named('k.castcontext', { e: 'explicit', a: 'assignment', i: 'implicit' })})
    FROM pg_catalog.pg_cast k
    JOIN pg_catalog.pg_proc p ON p.oid = k.castfunc
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
   WHERE k.oid >= ${firstObject} AND l.lanname NOT IN ('c', 'internal')
   ORDER BY k.oid`

/** What an entry of pg_depend is about, or belongs to: `relation 16385` and so on (sql/catalog.ts). */
const thing = (catalog: string, oid: string): string => `
  CASE ${catalog}
    WHEN 'pg_catalog.pg_class'::regclass THEN (
      SELECT CASE WHEN c.relkind IN ('i', 'I') THEN 'part ' || x.indrelid
                  WHEN c.relkind <> 't' THEN 'relation ' || c.oid END
        FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid WHERE c.oid = ${oid})
    WHEN 'pg_catalog.pg_rewrite'::regclass THEN (
      SELECT CASE w.rulename WHEN '_RETURN' THEN 'relation ' ELSE 'part ' END || w.ev_class
        FROM pg_catalog.pg_rewrite w WHERE w.oid = ${oid})
    WHEN 'pg_catalog.pg_constraint'::regclass THEN (
      SELECT CASE WHEN k.contype = 'f' THEN 'key ' || k.conrelid WHEN k.conrelid <> 0 THEN 'part ' || k.conrelid
                  ELSE 'type ' || k.contypid END
        FROM pg_catalog.pg_constraint k WHERE k.oid = ${oid})
    WHEN 'pg_catalog.pg_attrdef'::regclass THEN (
      SELECT 'part ' || f.adrelid FROM pg_catalog.pg_attrdef f WHERE f.oid = ${oid})
    WHEN 'pg_catalog.pg_trigger'::regclass THEN (
      SELECT 'part ' || g.tgrelid FROM pg_catalog.pg_trigger g WHERE g.oid = ${oid})
    WHEN 'pg_catalog.pg_policy'::regclass THEN (
      SELECT 'part ' || y.polrelid FROM pg_catalog.pg_policy y WHERE y.oid = ${oid})
    WHEN 'pg_catalog.pg_proc'::regclass THEN 'function ' || ${oid}
    WHEN 'pg_catalog.pg_type'::regclass THEN (
      SELECT CASE WHEN b.typrelid <> 0 THEN 'relation ' || b.typrelid ELSE 'type ' || b.oid END
        FROM pg_catalog.pg_type t
        JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END
       WHERE t.oid = ${oid})
    WHEN 'pg_catalog.pg_namespace'::regclass THEN (
      SELECT 'schema ' || n.nspname FROM pg_catalog.pg_namespace n WHERE n.oid = ${oid})
    ELSE 'other ' || ${catalog}::regclass::text END`

// Relations, functions and types of a schema stand in the other lists. An entry within one relation says nothing here.
const dependents = `
  WITH pairs AS (
         SELECT DISTINCT regexp_replace(${thing('d.refclassid', 'd.refobjid')}, '^(key|part) ', 'relation ') AS on_what,
                CASE WHEN d.classid = 'pg_catalog.pg_class'::regclass AND d.objsubid <> 0 THEN 'part ' || d.objid
                     ELSE ${thing('d.classid', 'd.objid')} END AS what
           FROM pg_catalog.pg_depend d
          WHERE d.objid >= ${firstObject} AND d.refobjid >= ${firstObject} AND d.deptype NOT IN ('e', 'x')),
       temporary AS MATERIALIZED (
         SELECT COALESCE(array_agg(kind || ' ' || c.oid), '{}') AS things
           FROM pg_catalog.pg_class c, unnest(ARRAY['relation', 'part', 'key']) AS kind WHERE c.relpersistence = 't')
  SELECT json_build_array(p.on_what, p.what) FROM pairs p, temporary t
   WHERE p.on_what NOT LIKE 'other %' AND p.on_what <> regexp_replace(p.what, '^(key|part) ', 'relation ')
     AND (p.on_what NOT LIKE 'schema %' OR p.what LIKE 'other %')
     AND p.on_what <> ALL (t.things) AND p.what <> ALL (t.things)
   ORDER BY p.on_what COLLATE "C", p.what COLLATE "C"`

/** One query for each list of a catalog. `withTemporary`: relations that only the connection that asks can see. */
export const catalogQueries = (serverVersion: number, withTemporary = false) =>
  ({
    relations: withTemporary ? ownRelations : sharedRelations,
    functions: functions(serverVersion),
    schemas,
    types,
    operators,
    members,
    casts,
    systemRelations,
    systemColumns,
    dependents,
  }) as const

export const identityQuery = `
  SELECT current_setting('server_version_num'), current_database(), current_setting('search_path')`

/**
 * Changes whenever a transaction that could have changed anything has ended, which is every transaction with an id.
 * On a standby it is of no use: the snapshot's text leaves out what is still running at the primary.
 */
export const activityQuery = `
  SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_snapshot()::text END`

/*
 * The signature: for each system catalog that a catalog of ours is made of, how many rows it has and the sum of a hash of
 * where each row is (ctid), which transaction wrote it (xmin) and, to tell rows of a rewritten table apart, which it is.
 *
 * Why this sees all DDL: PostgreSQL changes a system catalog by inserting, deleting or replacing rows, all of it under the
 * rules of MVCC. A new or replaced row has the xmin of the transaction that wrote it, so CREATE OR REPLACE, ALTER and
 * RENAME change the sum, and DROP takes rows from it. A maximum of xmin would not do: a transaction that began earlier may
 * commit later, and numbers wrap around. A sum does not care about order. Freezing keeps xmin as it is (since 9.4), and
 * the one kind of update in place, statistics in pg_class, changes nothing that we read. VACUUM FULL of a system catalog
 * moves rows: the catalog is read again for nothing and comes out the same. One statement has one snapshot, so the parts
 * belong together.
 *
 * Temporary objects are left out. Privileges on schemas depend on roles and memberships as well: their outcome is hashed.
 */
const part = (name: string, from: string, row: string): string =>
  `SELECT '${name}' AS part, count(*) AS rows, sum(hashtextextended(${row}, 0)) AS total FROM ${from}`

const rowOf = (alias: string, id: string): string => `${alias}.xmin::text || ${alias}.ctid::text || ${id}::text`
const ofRelation = (table: string, alias: string, column: string): string =>
  `pg_catalog.${table} ${alias} JOIN kept ON kept.oid = ${alias}.${column}`
const ofSchema = (table: string, alias: string, column: string): string =>
  `pg_catalog.${table} ${alias} JOIN spaces ON spaces.oid = ${alias}.${column} WHERE ${alias}.oid >= ${firstObject}`

export const signatureQuery = `
  WITH spaces AS MATERIALIZED (
         SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n WHERE ${userSchema('n')}),
       kept AS MATERIALIZED (
         SELECT c.oid, c.xmin AS x, c.ctid AS t FROM pg_catalog.pg_class c JOIN spaces ON spaces.oid = c.relnamespace
          WHERE c.oid >= ${firstObject} AND c.relkind IN (${relationKinds})),
       parts AS (
         ${part('class', 'kept', 'x::text || t::text || oid::text')}
         UNION ALL ${part('attribute', ofRelation('pg_attribute', 'a', 'attrelid'), rowOf('a', 'a.attrelid'))}
         UNION ALL ${part('default', ofRelation('pg_attrdef', 'd', 'adrelid'), rowOf('d', 'd.oid'))}
         UNION ALL ${part('rule', ofRelation('pg_rewrite', 'w', 'ev_class'), rowOf('w', 'w.oid'))}
         UNION ALL ${part('trigger', ofRelation('pg_trigger', 'g', 'tgrelid'), rowOf('g', 'g.oid'))}
         UNION ALL ${part('inherits', ofRelation('pg_inherits', 'i', 'inhrelid'), rowOf('i', 'i.inhrelid'))}
         UNION ALL ${part('foreign', ofRelation('pg_foreign_table', 'f', 'ftrelid'), rowOf('f', 'f.ftrelid'))}
         UNION ALL ${part('constraint', ofRelation('pg_constraint', 'k', 'conrelid'), rowOf('k', 'k.oid'))}
         UNION ALL ${part('index', ofRelation('pg_index', 'x', 'indrelid'), rowOf('x', 'x.indexrelid'))}
         UNION ALL ${part('domain', 'pg_catalog.pg_constraint k WHERE k.contypid <> 0', rowOf('k', 'k.oid'))}
         UNION ALL ${part('cast', `pg_catalog.pg_cast k WHERE k.oid >= ${firstObject}`, rowOf('k', 'k.oid'))}
         UNION ALL ${part('policy', ofRelation('pg_policy', 'y', 'polrelid'), rowOf('y', 'y.oid'))}
         UNION ALL ${part('sequence', ofRelation('pg_sequence', 's', 'seqrelid'), rowOf('s', 's.seqrelid'))}
         UNION ALL ${part('system', `pg_catalog.pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.oid >= ${firstObject}`, rowOf('c', 'c.oid'))}
         UNION ALL ${part('function', ofSchema('pg_proc', 'p', 'pronamespace'), rowOf('p', 'p.oid'))}
         UNION ALL ${part('type', ofSchema('pg_type', 't', 'typnamespace'), rowOf('t', 't.oid'))}
         UNION ALL ${part('operator', ofSchema('pg_operator', 'o', 'oprnamespace'), rowOf('o', 'o.oid'))}
         UNION ALL ${part('language', 'pg_catalog.pg_language l', rowOf('l', 'l.oid'))}
         UNION ALL ${part('schema', 'spaces s', "s.oid::text || s.nspname || has_schema_privilege(s.oid, 'CREATE')::text || has_schema_privilege(s.oid, 'USAGE')::text")})
  SELECT string_agg(part || ' ' || rows || ' ' || COALESCE(total, 0), ', ' ORDER BY part) FROM parts`
