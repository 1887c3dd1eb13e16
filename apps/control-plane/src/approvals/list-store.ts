// Reads held requests for people: lists, history of a caller, and who else could decide.
import { ApprovalState } from '@sallyport/api/approvals'
import { z } from 'zod'
import type { Db, Tx } from '../db.ts'
import type { Prisma } from '../gen/prisma/client.ts'
import { findRequests, type HeldRequest } from './store.ts'

/** Which requests a person may read at all (rules.ts `mayRead`, as a query). */
export type Readable =
  | { readonly kind: 'all' }
  | { readonly kind: 'some'; readonly groups: readonly string[]; readonly initiatorKey: string }

export interface RequestFilter {
  readonly view: 'pending' | 'decided'
  readonly target?: string | undefined
  /** Part of the initiator's name or key. */
  readonly caller?: string | undefined
}

export interface RequestPlace {
  readonly at: Date
  readonly id: string
}

const whereReadable = (readable: Readable): Prisma.HoldRequestWhereInput =>
  readable.kind === 'all'
    ? {}
    : { OR: [{ reviewers: { hasSome: [...readable.groups] } }, { initiatorKey: readable.initiatorKey }] }

/** Prisma's `contains` is a LIKE pattern: what people type has no wildcards. */
const literalPattern = (text: string): string => text.replace(/[\\%_]/g, '\\$&')

function whereFilter(filter: RequestFilter): Prisma.HoldRequestWhereInput[] {
  const conditions: Prisma.HoldRequestWhereInput[] = []
  if (filter.target !== undefined) conditions.push({ target: filter.target })
  if (filter.caller !== undefined) {
    const part = { contains: literalPattern(filter.caller), mode: 'insensitive' } as const
    conditions.push({ OR: [{ initiatorName: part }, { initiatorKey: part }] })
  }
  return conditions
}

/** Pending ones oldest first, decided ones newest first, after the one at `after`. */
export async function pageRequests(
  db: Db,
  readable: Readable,
  filter: RequestFilter,
  after: RequestPlace | null,
  take: number,
): Promise<HeldRequest[]> {
  const shared = [whereReadable(readable), ...whereFilter(filter)]
  if (filter.view === 'pending') {
    const rest: Prisma.HoldRequestWhereInput =
      after === null ? {} : { OR: [{ createdAt: { gt: after.at } }, { createdAt: after.at, id: { gt: after.id } }] }
    return await inOrder(db, {
      where: { AND: [{ state: 'pending' }, ...shared, rest] },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      take,
    })
  }
  const rest: Prisma.HoldRequestWhereInput =
    after === null ? {} : { OR: [{ settledAt: { lt: after.at } }, { settledAt: after.at, id: { lt: after.id } }] }
  return await inOrder(db, {
    where: { AND: [{ settledAt: { not: null } }, ...shared, rest] },
    orderBy: [{ settledAt: 'desc' }, { id: 'desc' }],
    take,
  })
}

/** What one caller asked for, newest first. */
export async function pageOwn(
  db: Db,
  initiatorKey: string,
  after: RequestPlace | null,
  take: number,
): Promise<HeldRequest[]> {
  const rest: Prisma.HoldRequestWhereInput =
    after === null ? {} : { OR: [{ createdAt: { lt: after.at } }, { createdAt: after.at, id: { lt: after.id } }] }
  return await inOrder(db, {
    where: { AND: [{ initiatorKey }, rest] },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take,
  })
}

async function inOrder(
  db: Db,
  query: Pick<Prisma.HoldRequestFindManyArgs, 'where' | 'orderBy' | 'take'>,
): Promise<HeldRequest[]> {
  const ids = (await db.holdRequest.findMany({ ...query, select: { id: true } })).map((row) => row.id)
  const found = new Map((await findRequests(db, ids)).map((request) => [request.id, request]))
  return ids.flatMap((id) => found.get(id) ?? [])
}

export interface PastRequests {
  readonly counts: ReadonlyMap<ApprovalState, number>
  readonly last: { readonly by: string; readonly verdict: string; readonly at: Date } | null
}

/** Requests of the same caller with the same fingerprint since a time, this one left out. */
export async function readHistory(
  db: Db,
  request: Pick<HeldRequest, 'id' | 'fingerprint' | 'initiatorKey'>,
  since: Date,
): Promise<PastRequests> {
  const { id, fingerprint, initiatorKey } = request
  const where = { fingerprint, initiatorKey, createdAt: { gte: since }, id: { not: id } }
  const rows = await db.holdRequest.groupBy({ by: ['state'], where, _count: true })
  const last = await db.holdVerdict.findFirst({
    where: { request: where },
    orderBy: [{ at: 'desc' }, { id: 'desc' }],
    select: { personName: true, verdict: true, at: true },
  })
  return {
    counts: new Map(rows.map((row) => [ApprovalState.parse(row.state), row._count])),
    last: last === null ? null : { by: last.personName, verdict: last.verdict, at: last.at },
  }
}

const Member = z.union([
  z.object({ issuer: z.string(), claim: z.string() }),
  z.object({ issuer: z.string(), subject: z.string() }),
])
export type Member = z.infer<typeof Member>

/** Known people who fit one of these members, latest login first. */
export async function findPeople(db: Db | Tx, members: readonly Member[], take: number) {
  if (members.length === 0) return []
  const fits = members.map((member) =>
    'claim' in member
      ? { issuer: member.issuer, groupClaims: { has: member.claim } }
      : { issuer: member.issuer, subject: member.subject },
  )
  return await db.person.findMany({
    where: { disabledAt: null, OR: fits },
    orderBy: [{ lastLoginAt: { sort: 'desc', nulls: 'last' } }, { id: 'asc' }],
    take,
  })
}

export async function findPersons(db: Db | Tx, ids: readonly string[]) {
  return await db.person.findMany({ where: { id: { in: [...ids] }, disabledAt: null } })
}
