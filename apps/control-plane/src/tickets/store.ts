// Tickets in the store. Queries only; what may be done stands in tickets.ts and rules.ts.
import type { Db, Tx } from '../db.ts'

export interface NewTicket {
  readonly id: string
  readonly issuer: string
  readonly subject: string
  readonly display: string
  readonly target: string
  readonly upstreamRole: string
  readonly sources: string[]
  readonly usesMax: number | null
  readonly usesLeft: number | null
  readonly isFast: boolean
  readonly record: string
  readonly createdAt: Date
  readonly expiresAt: Date
}

export type TicketRow = NewTicket & { readonly revokedAt: Date | null }

interface Owner {
  readonly issuer: string
  readonly subject: string
}

export async function addTicket(tx: Tx, ticket: NewTicket): Promise<void> {
  await tx.ticket.create({ data: { ...ticket } })
}

/** Those that could still be used. */
export async function countLive(tx: Tx, { issuer, subject }: Owner, at: Date): Promise<number> {
  return await tx.ticket.count({ where: { issuer, subject, revokedAt: null, expiresAt: { gt: at } } })
}

/** What ended before says nothing any more. */
export async function removeEndedBefore(tx: Tx, before: Date): Promise<void> {
  await tx.ticket.deleteMany({ where: { expiresAt: { lt: before } } })
}

export async function findTicket(db: Db | Tx, id: string) {
  return await db.ticket.findUnique({ where: { id } })
}

/** Newest first, after the ticket (createdAt, id) when given; of one owner, or of all. */
export async function pageTickets(
  db: Db,
  owner: Owner | null,
  after: { readonly at: Date; readonly id: string } | null,
  limit: number,
) {
  const place =
    after === null ? {} : { OR: [{ createdAt: { lt: after.at } }, { createdAt: after.at, id: { lt: after.id } }] }
  const of = owner === null ? {} : { issuer: owner.issuer, subject: owner.subject }
  return await db.ticket.findMany({
    where: { ...of, ...place },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: limit,
  })
}

/** True when this call revoked it. */
export async function revokeTicket(tx: Tx, id: string, at: Date, by: string): Promise<boolean> {
  const { count } = await tx.ticket.updateMany({
    where: { id, revokedAt: null },
    data: { revokedAt: at, revokedBy: by },
  })
  return count === 1
}

/** Compare-and-set: takes one use of a ticket that is alive. False when there is none left. */
export async function spendUse(db: Db, id: string, at: Date): Promise<boolean> {
  const { count } = await db.ticket.updateMany({
    where: { id, revokedAt: null, expiresAt: { gt: at }, usesLeft: { gt: 0 } },
    data: { usesLeft: { decrement: 1 } },
  })
  return count === 1
}
