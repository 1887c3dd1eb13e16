// People of the store as reviewers: their groups and roles by the documents of this moment.
import type { Document } from '@sallyport/policy/document'
import type { Db, Tx } from '../db.ts'
import { readDocuments } from '../policies/store.ts'
import { groupsOf, rolesOf } from '../signin/rules.ts'
import { findPeople, findPersons } from './list-store.ts'
import { type GivenVerdict, hasRight, type Reader, type RuledRequest } from './rules.ts'
import type { HeldRequest } from './store.ts'

/** People of one group that are looked at for those who could still decide. */
const peopleMax = 200
/** Names that are shown of them. */
const othersMax = 20

/** A request as the rules see it. */
export const ruled = (request: HeldRequest) => ({
  state: request.state,
  expiresAt: request.expiresAt,
  quorum: request.quorum,
  initiator: request.facts.initiator,
  actors: request.facts.actors,
})

type PersonRow = Awaited<ReturnType<typeof findPersons>>[number]

const readerOf = (person: PersonRow, documents: readonly Document[]): Reader => {
  const groups = groupsOf(person, documents)
  return {
    personId: person.id,
    issuer: person.issuer,
    subject: person.subject,
    groups,
    roles: rolesOf(groups, documents),
  }
}

const readGroups = async (db: Db | Tx): Promise<Document[]> =>
  (await readDocuments(db, ['Group', 'Role'])).map((stored) => stored.document)

/** The person as of now; null when they were disabled. */
export async function currentReader(db: Db | Tx, personId: string): Promise<Reader | null> {
  const [person] = await findPersons(db, [personId])
  return person === undefined ? null : readerOf(person, await readGroups(db))
}

/** Approvals of people who could still give them, with their groups of now; denials as they were. */
export async function rightfulVerdicts(
  db: Db | Tx,
  request: RuledRequest,
  verdicts: readonly GivenVerdict[],
): Promise<GivenVerdict[]> {
  const documents = await readGroups(db)
  const ids = verdicts.map((given) => given.personId)
  const people = new Map((await findPersons(db, ids)).map((person) => [person.id, readerOf(person, documents)]))
  return verdicts.flatMap((given) => {
    if (given.verdict === 'denied') return [given]
    const person = people.get(given.personId)
    if (person === undefined || !hasRight(person, request).ok) return []
    return [{ ...given, groups: person.groups }]
  })
}

/** For each group of the quorum: names of known people who could decide and have not. */
export async function othersOf(
  db: Db,
  request: RuledRequest,
  verdicts: readonly GivenVerdict[],
): Promise<Map<string, string[]>> {
  const documents = await readGroups(db)
  const decided = new Set(verdicts.map((given) => given.personId))
  const found = new Map<string, string[]>()
  for (const { group } of request.quorum) {
    const members = documents.flatMap((document) =>
      document.kind === 'Group' && document.metadata.name === group ? document.spec.members : [],
    )
    const people = await findPeople(db, members, peopleMax)
    const able = people.filter((person) => !decided.has(person.id) && hasRight(readerOf(person, documents), request).ok)
    found.set(
      group,
      able.slice(0, othersMax).map((person) => person.display),
    )
  }
  return found
}
