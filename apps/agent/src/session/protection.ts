// What a chain may not see unmasked, looked up once for a snapshot and a catalog.
import type { Chain } from '@sallyport/base/identity'
import type { Detection } from '@sallyport/mask/detect/detection'
import type { ProtectedColumn } from '@sallyport/mask/plan'
import { type CompiledPolicies, maskingFor } from '@sallyport/policy/decide'
import type { Catalog, CatalogRelation } from '@sallyport/sql/catalog'

/** What is hidden, and how to look up relations: for the check of row descriptions. */
export interface Protection {
  readonly columns: readonly ProtectedColumn[]
  /** What detectors look for in everything else that leaves; null: nothing. */
  readonly detection: Detection | null
  isProtected(relationOid: number, column: number): boolean
  relation(oid: number): CatalogRelation | undefined
}

/** Protected columns of one chain change with the snapshot or the catalog only. */
export function protectionCache(chain: Chain): (policies: CompiledPolicies, catalog: Catalog) => Protection {
  let last: { readonly policies: CompiledPolicies; readonly catalog: Catalog; readonly made: Protection } | null = null
  return (policies, catalog) => {
    if (last !== null && last.policies === policies && last.catalog === catalog) return last.made
    const { columns, detection } = maskingFor(policies, chain, catalog)
    const keys = new Set(columns.map(({ relationOid, number }) => `${relationOid}.${number}`))
    const relations = new Map(catalog.relations.map((relation) => [relation.oid, relation]))
    const made: Protection = {
      columns,
      detection,
      isProtected: (oid, column) => keys.has(`${oid}.${column}`),
      relation: (oid) => relations.get(oid),
    }
    last = { policies, catalog, made }
    return made
  }
}
