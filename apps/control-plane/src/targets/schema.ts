// What of a target is open to a person: relations of the catalog that its agent sent, or routes of its list, with what may be
// done and what is hidden. A target that no policy opens is answered like one that does not exist.
import type { MySchema } from '@sallyport/api/resources'
import { isHttpTarget, isPostgresTarget } from '@sallyport/policy/document'
import { outlineRelations, outlineRoutes } from '@sallyport/policy/outline'
import type { Deps } from '../deps.ts'
import type { Actor } from '../http/actor.ts'
import { readCatalog } from '../policies/catalog.ts'
import { chainOf, compileFor, openTargetWith } from './open.ts'

/** Relations or routes of one answer. */
export const outlinedMax = 500

/** Throws TARGET_UNKNOWN, and CATALOG_STALE while no agent has sent a catalog. */
export async function mySchema(
  deps: Pick<Deps, 'db' | 'clock'>,
  actor: Actor,
  name: string,
  match: string | undefined,
): Promise<MySchema> {
  const { target, all } = await openTargetWith(deps, actor, name)
  const policies = compileFor(target, all)
  const chain = chainOf(actor)
  const wanted = match?.toLowerCase() ?? ''
  const fits = (...texts: readonly string[]): boolean => texts.some((text) => text.toLowerCase().includes(wanted))
  const relations = isPostgresTarget(target)
    ? outlineRelations(policies, chain, await readCatalog(deps.db, name, target.spec.roles[0]?.name ?? '')).filter(
        (one) => fits(`${one.schema}.${one.name}`),
      )
    : []
  const routes = isHttpTarget(target)
    ? outlineRoutes(policies, chain, target).filter((one) => fits(one.name, one.path))
    : []
  return {
    target: name,
    protocol: target.spec.protocol,
    relations: relations.slice(0, outlinedMax).map((one) => ({
      ...one,
      operations: [...one.operations],
      columns: [...one.columns],
    })),
    routes: routes.slice(0, outlinedMax).map((one) => ({
      ...one,
      operations: [...one.operations],
      masks: [...one.masks],
    })),
    left: Math.max(0, relations.length + routes.length - outlinedMax),
  }
}
