// Table: parts of the questions of catalog-queries.ts: what the target has of PostgreSQL's own relations, which differ from
// version to version, what aggregates are made of, and which types may change something.

/** FirstNormalObjectId of transam.h: everything below is PostgreSQL's own. */
export const firstObject = 16_384

export const systemRelations = `
  SELECT to_json(c.relname) FROM pg_catalog.pg_class c
   WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname LIKE 'pg\\_%'
   ORDER BY c.relname`

// What an extension or a superuser has put there is none of PostgreSQL's own.
export const systemColumns = `
  SELECT to_json(n.nspname || '.' || c.relname || ' ' || string_agg(a.attname, ',' ORDER BY a.attnum))
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') AND c.oid < ${firstObject}
   GROUP BY n.nspname, c.relname
   ORDER BY n.nspname, c.relname`

/** Functions of an aggregate `p`, NULL for anything else, and where a state is of a type of the target. */
export const aggregateParts = `
  (SELECT CASE WHEN g.aggtranstype < ${firstObject} AND g.aggmtranstype < ${firstObject} THEN (
      SELECT json_agg(f.name ORDER BY f.name) FROM (
        SELECT DISTINCT fn.nspname || '.' || fp.proname || '()' AS name
          FROM unnest(ARRAY[g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, g.aggmtransfn,
                            g.aggminvtransfn, g.aggmfinalfn]::oid[]) AS part(oid)
          JOIN pg_catalog.pg_proc fp ON fp.oid = part.oid
          JOIN pg_catalog.pg_namespace fn ON fn.oid = fp.pronamespace) f) END
     FROM pg_catalog.pg_aggregate g WHERE g.aggfnoid = p.oid)`

/** A check or default of the type `t`, or of what it is made of, depends on a volatile function of the target, or on what is none. */
export const runsVolatile = `
  (t.typbasetype >= ${firstObject} OR t.typtype = 'r' OR EXISTS (
    SELECT FROM pg_catalog.pg_depend d
      LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid
      LEFT JOIN pg_catalog.pg_proc v ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND v.oid = d.refobjid
     WHERE (k.contypid = t.oid OR (d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid))
       AND d.refobjid >= ${firstObject} AND d.deptype = 'n' AND (v.oid IS NULL OR v.provolatile = 'v')
       AND d.refclassid NOT IN ('pg_catalog.pg_type'::regclass, 'pg_catalog.pg_namespace'::regclass,
                                'pg_catalog.pg_collation'::regclass)))`
