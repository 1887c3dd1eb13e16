// A catalog of one table, for tests of the gate.
import type { Catalog } from '@sallyport/sql/catalog'
import type { OwnCatalogSource } from '../src/session/catalog-source.ts'

const column = (number: number, name: string, typeOid: number, type: string) => ({
  number,
  name,
  typeOid,
  type: `pg_catalog.${type}`,
  notNull: false,
  generated: 'no' as const,
  expression: null,
})

export const testCatalog = (): Catalog => ({
  version: '1',
  database: 'd',
  serverVersion: 180_004,
  serverEncoding: 'UTF8',
  relations: [
    {
      oid: 20_000,
      schema: 'public',
      name: 'people',
      kind: 'table',
      temporary: false,
      columns: [column(1, 'id', 23, 'int4'), column(2, 'ssn', 25, 'text'), column(3, 'name', 25, 'text')],
      definition: null,
      parents: [],
      rules: [],
      triggers: [],
      cascades: [],
      rowSecurity: false,
    },
  ],
  functions: [],
  schemas: [{ name: 'public', writable: false }],
  types: [],
  operators: [],
})

/** A session that never changes objects. */
export const noOwnCatalog: OwnCatalogSource = {
  fresh: () => undefined,
  latest: () => undefined,
  read: () => Promise.reject(new Error('no session of its own')),
}
