// What a provider says of a person, at a login or when it is asked again. Whoever it puts into fewer groups than before loses what
// was issued with the old ones, as with SCIM: tokens, tickets and sessions at targets. Logins go on with the groups of now.
import type { Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { readDocuments } from '../policies/store.ts'
import { groupsOf } from '../signin/rules.ts'
import { lockPerson, type NewPerson, upsertPerson } from '../signin/store.ts'
import { endTokens } from './end.ts'

/**
 * Call it in the transaction of the login. `isLess`: agents have to hear of it after the commit. Groups are those that Group documents
 * give: of others a provider may say what it likes.
 */
export async function keepSaid(
  tx: Tx,
  deps: Pick<Deps, 'randomBytes' | 'config'>,
  person: NewPerson,
  provider: string,
): Promise<{ readonly row: Awaited<ReturnType<typeof upsertPerson>>; readonly isLess: boolean }> {
  const before = await lockPerson(tx, person)
  const row = await upsertPerson(tx, person)
  if (before === null || before.groupClaims.every((claim) => row.groupClaims.includes(claim)))
    return { row, isLess: false }
  const documents = (await readDocuments(tx, ['Group'])).map(({ document }) => document)
  const now = new Set(groupsOf(row, documents))
  const isLess = groupsOf(before, documents).some((group) => !now.has(group))
  const ending = { at: person.at, by: `provider ${provider}`, reason: 'taken out of a group' }
  if (!isLess) return { row, isLess }
  await endTokens(tx, deps, [row], ending)
  return { row: { ...row, rights: row.rights + 1 }, isLess }
}
