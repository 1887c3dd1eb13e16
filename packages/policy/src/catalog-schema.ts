// The JSON of a catalog, field by field: what an agent reads from its target, sends to the control plane, and both believe
// before `analyse` does. It is here and not beside the types because `sql` has no libraries.
import type { Catalog, CatalogColumn, CatalogFunction, CatalogRelation } from '@sallyport/sql/catalog'
import { z } from 'zod'

/** Every field of T has a schema, and is there: one that is forgotten would be stripped, and explain differ from the gate. */
type Fields<T> = { readonly [K in keyof Required<T>]: z.ZodType }

const oid = z.number().int().positive()
const onChange = z.enum(['none', 'cascade', 'set'])

const ColumnJson = z.strictObject({
  number: z.number().int().positive(),
  name: z.string(),
  typeOid: oid,
  type: z.string(),
  notNull: z.boolean(),
  generated: z.enum(['no', 'stored', 'virtual']),
  expression: z.string().nullable(),
  formerly: z.array(z.tuple([z.string(), z.string(), z.string()])).optional(),
} satisfies Fields<CatalogColumn>)

export const RelationJson = z.strictObject({
  oid,
  schema: z.string(),
  name: z.string(),
  kind: z.enum(['table', 'partitioned', 'view', 'materialized', 'foreign', 'sequence', 'composite']),
  temporary: z.boolean(),
  columns: z.array(ColumnJson),
  definition: z.string().nullable(),
  parents: z.array(oid),
  rules: z.array(z.string()),
  triggers: z.array(
    z.strictObject({
      name: z.string(),
      functionOid: oid,
      events: z.array(z.enum(['insert', 'update', 'delete', 'truncate'])),
      definition: z.string(),
    }),
  ),
  // Columns are absent in what an agent of before sends.
  cascades: z.array(
    z.strictObject({
      fromOid: oid,
      columns: z.array(z.number().int()).exactOptional(),
      keys: z.array(z.number().int()).exactOptional(),
      onDelete: onChange,
      onUpdate: onChange,
    }),
  ),
  rowSecurity: z.boolean(),
  policies: z.array(z.strictObject({ name: z.string(), using: z.string().nullable(), check: z.string().nullable() })),
  checks: z.array(z.string()),
  compared: z.array(z.number().int()),
  // Absent in what an agent of before sends.
  together: z.array(z.array(z.number().int())).exactOptional(),
  partitionedBy: z.array(z.number().int()),
  // Absent in what an agent of before sends.
  loose: z.array(z.number().int()).exactOptional(),
  // Absent in what an agent of before sends.
  probes: z
    .array(z.strictObject({ columns: z.array(z.number().int()), condition: z.string().nullable() }))
    .exactOptional(),
  // Absent in what an agent of before sends.
  partial: z.array(z.strictObject({ columns: z.array(z.number().int()), condition: z.string() })).exactOptional(),
  // Absent in what an agent of before sends.
  untested: z.array(z.string()).exactOptional(),
  // Absent in what an agent of before sends.
  indexes: z
    .array(
      z.strictObject({
        columns: z.array(z.number().int()),
        computed: z.array(z.number().int()).exactOptional(),
        conditions: z.array(z.number().int()).exactOptional(),
        unique: z.boolean(),
      }),
    )
    .exactOptional(),
  // Absent in what an agent of before sends.
  remote: z
    .strictObject({ schema: z.string(), name: z.string(), columns: z.array(z.tuple([z.string(), z.string()])) })
    .nullish(),
} satisfies Fields<CatalogRelation>)

const FunctionJson = z.strictObject({
  oid,
  schema: z.string(),
  name: z.string(),
  argumentTypes: z.array(z.string()),
  variadic: z.boolean(),
  returnType: z.string(),
  returnsSet: z.boolean(),
  kind: z.enum(['function', 'procedure', 'aggregate', 'window']),
  volatility: z.enum(['immutable', 'stable', 'volatile']),
  language: z.string(),
  securityDefiner: z.boolean(),
  body: z.string().nullable(),
  settings: z.array(z.string()),
  argumentNames: z.array(z.string()),
  defaults: z.array(z.string()),
  results: z.array(z.strictObject({ name: z.string(), type: z.string() })),
  extension: z.string().nullable(),
  parts: z.array(z.string()).nullable(),
} satisfies Fields<CatalogFunction>)

/** What a target answers; the version is made of it. */
export const CatalogLists = z.strictObject({
  database: z.string(),
  serverVersion: z.number().int(),
  serverEncoding: z.string(),
  relations: z.array(RelationJson),
  functions: z.array(FunctionJson),
  schemas: z.array(z.strictObject({ name: z.string(), writable: z.boolean(), usable: z.boolean().exactOptional() })),
  types: z.array(
    z.strictObject({
      oid,
      schema: z.string(),
      name: z.string(),
      kind: z.enum(['base', 'composite', 'domain', 'enum', 'range', 'multirange', 'pseudo']),
      // Absent in what an agent of before sends.
      of: z.string().nullish(),
      code: z.boolean(),
      volatile: z.boolean(),
    }),
  ),
  systemRelations: z.array(z.string()),
  systemColumns: z.array(z.string()),
  dependents: z.array(z.tuple([z.string(), z.string()])),
  operators: z.array(z.string()),
  members: z.array(z.string()),
  casts: z.array(
    z.strictObject({
      source: z.string(),
      target: z.string(),
      function: z.string(),
      context: z.enum(['explicit', 'assignment', 'implicit']),
    }),
  ),
} satisfies Fields<Omit<Catalog, 'version'>>)

export const CatalogJson = CatalogLists.extend({ version: z.string() }) satisfies z.ZodType<Catalog>
