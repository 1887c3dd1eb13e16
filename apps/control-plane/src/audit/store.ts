// The audit of what administrators do. An action is appended in the transaction of the change itself, and never edited.
import type { Db, Tx } from '../db.ts'

export interface NewAction {
  readonly id: string
  readonly at: Date
  /** `issuer subject` of a person, or "bootstrap". */
  readonly actor: string
  /** Verb: apply, delete, join-token, revoke-agent … */
  readonly action: string
  /** `Policy/orders`, `Agent/eu-1` … */
  readonly object: string
  readonly detail: Readonly<Record<string, string | number | boolean | null>>
}

/** Appends an action; call it with the change's transaction. */
export async function appendAction(tx: Tx, action: NewAction): Promise<void> {
  await tx.adminAction.create({ data: { ...action } })
}

/** Newest first, after the action (at, id) when given. */
export async function pageActions(db: Db, after: { at: Date; id: string } | null, limit: number) {
  return await db.adminAction.findMany({
    ...(after === null ? {} : { where: { OR: [{ at: { lt: after.at } }, { at: after.at, id: { lt: after.id } }] } }),
    orderBy: [{ at: 'desc' }, { id: 'desc' }],
    take: limit,
  })
}
