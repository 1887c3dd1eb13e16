// The catalog of a target as an agent uploaded it: gzip of JSON, checked field by field before `analyse` trusts it.
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { SallyportError } from '@sallyport/base/errors'
import type { Catalog, CatalogColumn, CatalogFunction, CatalogRelation } from '@sallyport/sql/catalog'
import { z } from 'zod'
import type { Db } from '../db.ts'
import { catalogBytesMax } from '../grpc/catalog.ts'
import { readCatalogRow } from './store.ts'

/** Every field of T has a schema: one that is forgotten would be stripped, and explain would differ from the gate. */
type Fields<T> = { readonly [K in keyof Required<T>]: z.ZodType }

const oid = z.number().int().nonnegative()
const Column = z.object({
  number: z.number().int(),
  name: z.string(),
  typeOid: oid,
  type: z.string(),
  notNull: z.boolean(),
  generated: z.enum(['no', 'stored', 'virtual']),
  expression: z.string().nullable(),
} satisfies Fields<CatalogColumn>)
const Relation = z.object({
  oid,
  schema: z.string(),
  name: z.string(),
  kind: z.enum(['table', 'partitioned', 'view', 'materialized', 'foreign', 'sequence', 'composite']),
  temporary: z.boolean(),
  columns: z.array(Column),
  definition: z.string().nullable(),
  parents: z.array(oid),
  rules: z.array(z.string()),
  triggers: z.array(
    z.object({
      name: z.string(),
      functionOid: oid,
      events: z.array(z.enum(['insert', 'update', 'delete', 'truncate'])),
    }),
  ),
  cascades: z.array(
    z.object({
      fromOid: oid,
      onDelete: z.enum(['none', 'cascade', 'set']),
      onUpdate: z.enum(['none', 'cascade', 'set']),
    }),
  ),
  rowSecurity: z.boolean(),
  checks: z.array(z.string()).optional(),
} satisfies Fields<CatalogRelation>)
const Routine = z.object({
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
  argumentNames: z.array(z.string()).optional(),
  results: z.array(z.object({ name: z.string(), type: z.string() })).optional(),
} satisfies Fields<CatalogFunction>)
export const CatalogJson = z.object({
  version: z.string(),
  database: z.string(),
  serverVersion: z.number().int(),
  serverEncoding: z.string(),
  relations: z.array(Relation),
  functions: z.array(Routine),
  schemas: z.array(z.object({ name: z.string(), writable: z.boolean() })),
  types: z.array(
    z.object({
      oid,
      schema: z.string(),
      name: z.string(),
      kind: z.enum(['base', 'composite', 'domain', 'enum', 'range', 'multirange', 'pseudo']),
      code: z.boolean().optional(),
    }),
  ),
  operators: z.array(z.string()),
  casts: z
    .array(
      z.object({
        source: z.string(),
        target: z.string(),
        function: z.string(),
        context: z.enum(['explicit', 'assignment', 'implicit']),
      }),
    )
    .optional(),
} satisfies Fields<Catalog>) satisfies z.ZodType<Catalog>

const unzip = promisify(gunzip)

/** The catalog of a target as one upstream role sees it. Throws CATALOG_STALE while no agent has sent a readable one. */
export async function readCatalog(db: Db, target: string, upstreamRole: string): Promise<Catalog> {
  const row = await readCatalogRow(db, target, upstreamRole)
  if (row === null)
    throw new SallyportError('CATALOG_STALE', `no agent has sent the catalog of "${target}" yet`, {
      hint: 'connect to the target once, or look whether its agent is online',
    })
  try {
    const text = (await unzip(row.catalog, { maxOutputLength: catalogBytesMax })).toString('utf8')
    return CatalogJson.parse(JSON.parse(text))
  } catch (cause) {
    throw new SallyportError('CATALOG_STALE', `the catalog of "${target}" that an agent sent cannot be read`, {
      cause,
      hint: 'update the agent',
    })
  }
}
