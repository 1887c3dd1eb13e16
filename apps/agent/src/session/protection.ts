// What a session may not see unmasked, found once for a snapshot and a catalog.
import type { Chain } from '@sallyport/base/identity'
import { type CompiledPolicies, maskingFor } from '@sallyport/policy/decide'
import type { Catalog } from '@sallyport/sql/catalog'
import type { Protection } from './gate.ts'

/** Protected columns change with the snapshot or the catalog only, since the chain of a session stays. */
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
