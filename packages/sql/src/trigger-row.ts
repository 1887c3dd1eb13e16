// What a trigger puts into its row: it is stored there, it is tested there, and it may take the row to another partition.
import type { CatalogRelation } from './catalog.ts'
import { ancestors, columnRef, relationName } from './catalog-index.ts'
import { moved } from './closure.ts'
import { movesRows, storedByTrigger, testedTogether } from './constraints.ts'
import { addFlow } from './draft.ts'
import type { Environment } from './scope.ts'
import type { Value } from './values.ts'

/** `NEW.name := value`; false where there is no such column. */
export function storeInRow(env: Environment, relation: CatalogRelation, name: string, value: Value): boolean {
  const known = columnRef(env.index, relation, name)
  if (known === undefined) return false
  const isSame =
    value.kind === 'direct' && value.mixed !== 'constants' && value.sources.size === 1 && value.sources.has(known)
  if (isSame) return true
  const how = storedByTrigger(env, relation, known, value)
  addFlow(env.draft, `${relationName(relation)}.${name}`, known, value.sources, how)
  const written = new Map([[name, value]])
  testedTogether(env, relation, written, false)
  // The trigger of a partition is mostly that of its parent, whose other partitions the row may go to.
  for (const one of [relation, ...ancestors(env.index, relation)])
    if (movesRows(env, one, written)) {
      testedTogether(env, one, written, true)
      moved(env, one, written)
    }
  return true
}
