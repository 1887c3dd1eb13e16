// The catalog of a target as an agent uploaded it: gzip of JSON, checked field by field before `analyse` trusts it.
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { SallyportError } from '@sallyport/base/errors'
import { CatalogJson } from '@sallyport/policy/catalog-schema'
import type { Catalog } from '@sallyport/sql/catalog'
import type { Db } from '../db.ts'
import { catalogBytesMax } from '../grpc/catalog.ts'
import { readCatalogRow } from './store.ts'

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
