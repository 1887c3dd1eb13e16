// Grants and their verdicts in the store. Queries only; what may be done stands in grants.ts and approvals/rules.ts.
import { VerdictWord } from '@sallyport/api/approvals'
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

/** Whoever is closed out has nothing that was granted, and nothing that could be. */
export async function endGrantsOf(tx: Tx, who: Who, at: Date, by: string): Promise<void> {
  const ended = { endedAt: at, endedBy: by }
  await tx.grant.updateMany({ where: { ...pick(who), state: 'approved' }, data: { state: 'ended', ...ended } })
  await tx.grant.updateMany({ where: { ...pick(who), state: 'pending' }, data: { state: 'cancelled', ...ended } })
}

/** Newest first, after the one at `after`. `null`: those of everybody. */
export async function pageGrants(
  db: Db,
  options: {
    readonly view: 'pending' | 'live' | 'all'
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
