// What every change of SCIM has in common: it is audited under the provider's name, agents hear of it once it is committed,
// and two that meet are told apart by the store.
import { inRowTransaction } from '../agents/store.ts'
import { appendAction } from '../audit/store.ts'
import { isStoreConflict, type Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { endEverything, endTokens } from '../people/end.ts'
import { displayOf } from '../signin/rules.ts'
import { ScimRefusal } from './errors.ts'
import { addClosed, setPersonActive } from './store.ts'
import type { ScimClient } from './tokens.ts'

export type ScimDeps = Pick<Deps, 'db' | 'clock' | 'config' | 'randomBytes' | 'publish' | 'log' | 'bus'>

/** A change under way. */
export interface Change {
  readonly tx: Tx
  readonly deps: ScimDeps
  readonly client: ScimClient
  readonly at: Date
  /** People whose tokens end with the commit. */
  readonly ended: Set<string>
  /** Of them, those who stay but have fewer rights. */
  readonly lessened: Who[]
  /** Grants that end with it. */
  readonly grants: string[]
}

interface Who {
  readonly issuer: string
  readonly subject: string
}

/** Runs a change and tells agents of what it ended. Throws 409 uniqueness when the store has such a one already. */
export async function changing<T>(deps: ScimDeps, client: ScimClient, run: (change: Change) => Promise<T>): Promise<T> {
  const at = new Date(deps.clock.nowMs())
  const ended = new Set<string>()
  let grants: string[] = []
  let result: T
  try {
    result = await inRowTransaction(deps.db, async (tx) => {
      const lessened: Who[] = []
      // Of this attempt alone: a transaction may be run again.
      grants = []
      const done = await run({ tx, deps, client, at, ended, lessened, grants })
      // At the end and by the clock of now: what was issued with the old groups while this went on ends too.
      const now = new Date(deps.clock.nowMs())
      await endTokens(tx, deps, lessened, { at: now, by: client.actor, reason: 'taken out of a group' })
      return done
    })
  } catch (thrown) {
    if (isStoreConflict(thrown))
      throw new ScimRefusal(409, 'there is one with this name, or this external id, already', 'uniqueness')
    throw thrown
  }
  for (const id of grants) deps.bus.publish({ kind: 'grant', id })
  if (ended.size > 0) await deps.publish(['Person/provisioned'])
  return result
}

export const newId = (deps: Pick<Deps, 'randomBytes'>): string => deps.randomBytes(16).toString('hex')

export async function audit(
  { tx, deps, client, at }: Change,
  action: string,
  object: string,
  detail: Readonly<Record<string, string | number | boolean | null>>,
): Promise<void> {
  await appendAction(tx, { id: newId(deps), at, actor: client.actor, action, object, detail })
}

/** Deprovisioned: nobody signs in as this person any more, and all that they have open ends. */
export async function closeDoor(change: Change, who: Who, reason: string): Promise<void> {
  const { tx, deps, client, at, ended, grants } = change
  await setPersonActive(tx, who, false, at, client.actor)
  const changed = await endEverything(tx, deps, { who, at, by: client.actor, reason, isClosed: true })
  grants.push(...changed)
  ended.add(who.subject)
}

/** Nothing here says any more that they are inactive: who never signed in is kept as a person who may not. */
export async function keepOut({ tx, deps, client, at }: Change, who: Who): Promise<void> {
  const display = displayOf({}, who.subject)
  await addClosed(tx, { id: newId(deps), ...who, display, at, by: client.actor })
}

/** Active again, unless an administrator closed the door. */
export async function openDoor({ tx, client, at }: Change, who: Who): Promise<void> {
  await setPersonActive(tx, who, true, at, client.actor)
}

/** Somebody is in fewer groups: what was issued with the old ones ends, logins go on with the new ones. */
export function lessRights({ ended, lessened }: Change, who: Who): void {
  lessened.push(who)
  ended.add(who.subject)
}
