// Grants and their verdicts in the store. Queries only; what may be done stands in grants.ts and approvals/rules.ts.
import { type Approval, VerdictWord } from '@sallyport/api/approvals'
import { z } from 'zod'
import { StoredQuorum } from '../approvals/evidence.ts'
import type { GivenVerdict } from '../approvals/rules.ts'
import type { Db, Tx } from '../db.ts'
import type { Prisma } from '../gen/prisma/client.ts'

const shown = {
  include: { verdicts: { orderBy: [{ at: 'asc' }, { id: 'asc' }] } },
} satisfies Prisma.GrantDefaultArgs
type Row = Prisma.GrantGetPayload<typeof shown>

export const StoredState = z.enum(['pending', 'approved', 'denied', 'cancelled', 'ended'])
export type StoredState = z.infer<typeof StoredState>

export interface StoredGrant extends Omit<Row, 'state' | 'quorum' | 'verdicts'> {
  readonly state: StoredState
  readonly quorum: z.infer<typeof StoredQuorum>
  readonly verdicts: readonly GivenVerdict[]
}

const read = (row: Row): StoredGrant => ({
  ...row,
  state: StoredState.parse(row.state),
  quorum: StoredQuorum.parse(row.quorum),
  verdicts: row.verdicts.map((given) => ({
    ...given,
    verdict: VerdictWord.parse(given.verdict),
    signerKey: null,
    signature: null,
  })),
})

export async function findGrant(db: Db | Tx, id: string): Promise<StoredGrant | null> {
  const row = await db.grant.findUnique({ where: { id }, ...shown })
  return row === null ? null : read(row)
}

/** In any order; those that are not there are left out. */
export const findGrants = async (db: Db, ids: readonly string[]): Promise<StoredGrant[]> =>
  (await db.grant.findMany({ where: { id: { in: [...ids] } }, ...shown })).map(read)

/** Locks it until the end of the transaction. */
export async function lockGrant(tx: Tx, id: string): Promise<StoredGrant | null> {
  await tx.$queryRaw`SELECT 1 FROM "Grant" WHERE "id" = ${id} FOR UPDATE`
  return await findGrant(tx, id)
}

export type NewGrant = Omit<Prisma.GrantUncheckedCreateInput, 'state'>

export const addGrant = async (tx: Tx, grant: NewGrant): Promise<void> => {
  await tx.grant.create({ data: { ...grant, state: 'pending' } })
}

export const countPending = async (tx: Tx, who: Who, at: Date): Promise<number> =>
  await tx.grant.count({ where: { ...pick(who), state: 'pending', expiresAt: { gt: at } } })

/** One caller's questions, one after the other: the limit is exact. */
export async function lockAsker(tx: Tx, who: Who): Promise<void> {
  await tx.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`sallyport grant ${who.issuer} ${who.subject}`}, 0))::text`
}

export async function addGrantVerdict(tx: Tx, grantId: string, id: string, given: GivenVerdict): Promise<void> {
  const { personId, personKey, personName, groups, verdict, reason, at } = given
  const data = { id, grantId, personId, personKey, personName, groups: [...groups], verdict, reason, at }
  await tx.grantVerdict.create({ data })
}

export async function changeGrant(
  tx: Tx,
  id: string,
  from: StoredState,
  to: StoredState,
  change: {
    readonly grantedAt?: Date
    readonly untilAt?: Date
    readonly endedAt?: Date
    readonly endedBy?: string
  } = {},
): Promise<void> {
  await tx.grant.updateMany({ where: { id, state: from }, data: { ...change, state: to } })
}

interface Who {
  readonly issuer: string
  readonly subject: string
}
const pick = ({ issuer, subject }: Who): Who => ({ issuer, subject })

/** Whoever is closed out has nothing that was granted, and nothing that could be. Returns those that were live until now. */
export async function endGrantsOf(tx: Tx, who: Who, at: Date, by: string) {
  const ended = { endedAt: at, endedBy: by }
  const granted = { where: { ...pick(who), state: 'approved' }, data: { state: 'ended', ...ended } }
  const rows = await tx.grant.updateManyAndReturn(granted)
  const pending = { where: { ...pick(who), state: 'pending' }, data: { state: 'cancelled', ...ended } }
  const cancelled = await tx.grant.updateManyAndReturn(pending)
  return {
    ended: rows.filter(({ untilAt }) => untilAt !== null && untilAt > at),
    changed: [...rows, ...cancelled].map(({ id }) => id),
  }
}

/** Newest first, after the one at `after`. `null`: those of everybody. */
export async function pageGrants(
  db: Db,
  options: {
    readonly view: 'pending' | 'live' | 'past' | 'all'
    readonly readable: { readonly groups: readonly string[]; readonly who: Who } | null
    readonly at: Date
    readonly after: { readonly at: Date; readonly id: string } | null
    readonly take: number
  },
): Promise<StoredGrant[]> {
  const { view, readable, at, after, take } = options
  const views = {
    pending: { state: 'pending', expiresAt: { gt: at } },
    live: { state: 'approved', untilAt: { gt: at } },
    past: {
      OR: [
        { state: { in: ['denied', 'cancelled', 'ended'] } },
        { state: 'pending', expiresAt: { lte: at } },
        { state: 'approved', untilAt: { lte: at } },
      ],
    },
    all: {},
  } satisfies Record<typeof view, Prisma.GrantWhereInput>
  const mine: Prisma.GrantWhereInput[] =
    readable === null ? [] : [{ OR: [pick(readable.who), { reviewers: { hasSome: [...readable.groups] } }] }]
  const place: Prisma.GrantWhereInput[] =
    after === null ? [] : [{ OR: [{ createdAt: { lt: after.at } }, { createdAt: after.at, id: { lt: after.id } }] }]
  const rows = await db.grant.findMany({
    where: { AND: [views[view], ...mine, ...place] },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take,
    ...shown,
  })
  return rows.map(read)
}

/** How many wait for a verdict and how many are granted, of those that the person may read (`null`: of all). */
export async function countGrants(db: Db, groups: readonly string[] | null, at: Date) {
  const readable: Prisma.GrantWhereInput = groups === null ? {} : { reviewers: { hasSome: [...groups] } }
  const [pending, live] = await Promise.all([
    db.grant.count({ where: { state: 'pending', expiresAt: { gt: at }, ...readable } }),
    db.grant.count({ where: { state: 'approved', untilAt: { gt: at }, ...readable } }),
  ])
  return { pending, live }
}

/** What the same person asked for by the same rule since a time, this one left out. */
export async function readHistory(db: Db, grant: StoredGrant, since: Date): Promise<Approval['history']> {
  const { id, issuer, subject, target, policy, rule } = grant
  const where = { issuer, subject, target, policy, rule, createdAt: { gte: since }, id: { not: id } }
  const [inAll, approved, denied, last] = await Promise.all([
    db.grant.count({ where }),
    db.grant.count({ where: { ...where, grantedAt: { not: null } } }),
    db.grant.count({ where: { ...where, state: 'denied' } }),
    db.grantVerdict.findFirst({ where: { grant: where }, orderBy: [{ at: 'desc' }, { id: 'desc' }] }),
  ])
  const shownLast =
    last === null ? null : { by: last.personName, verdict: VerdictWord.parse(last.verdict), at: last.at.toISOString() }
  return { approved, denied, firstTime: inAll === 0, last: shownLast }
}
