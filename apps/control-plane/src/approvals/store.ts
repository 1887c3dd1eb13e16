// Held requests, verdicts and waiting calls in the store. Queries only; what may be done stands in rules.ts.
// INVARIANT: every change of a request's state names the state that it changes from, so that of two racing ones one wins.
import { ApprovalState, VerdictWord } from '@sallyport/api/approvals'
import { principalKey } from '@sallyport/base/identity'
import type { z } from 'zod'
import type { Db, Tx } from '../db.ts'
import { Prisma } from '../gen/prisma/client.ts'
import { Facts, StoredQuorum } from './evidence.ts'
import type { GivenVerdict } from './rules.ts'

/** For a verdict or claim that waits for another one of the same request, in milliseconds. */
const transactionMsMax = 10_000

/** Read committed: whoever waits for a locked row looks at it again afterwards. */
export async function inHold<T>(db: Db, run: (tx: Tx) => Promise<T>): Promise<T> {
  return await db.$transaction(run, {
    isolationLevel: 'ReadCommitted',
    timeout: transactionMsMax,
    maxWait: transactionMsMax,
  })
}

/** Verdicts in the order in which they came; the encrypted text stays where it is. */
const shown = {
  include: { verdicts: { orderBy: [{ at: 'asc' }, { id: 'asc' }] } },
  omit: { evidence: true, evidenceKey: true },
} satisfies Prisma.HoldRequestDefaultArgs
type Row = Prisma.HoldRequestGetPayload<typeof shown>

/** A request as it is stored, with its verdicts. */
export interface HeldRequest extends Omit<Row, 'state' | 'quorum' | 'facts' | 'verdicts'> {
  readonly state: ApprovalState
  readonly quorum: z.infer<typeof StoredQuorum>
  readonly facts: Facts
  readonly verdicts: readonly GivenVerdict[]
}

function readRow(row: Row): HeldRequest {
  return {
    ...row,
    state: ApprovalState.parse(row.state),
    quorum: StoredQuorum.parse(row.quorum),
    facts: Facts.parse(row.facts),
    verdicts: row.verdicts.map((verdict) => ({ ...verdict, verdict: VerdictWord.parse(verdict.verdict) })),
  }
}

export async function findRequest(db: Db | Tx, id: string): Promise<HeldRequest | null> {
  const row = await db.holdRequest.findUnique({ where: { id }, ...shown })
  return row === null ? null : readRow(row)
}

/** Locks the request until the end of the transaction. */
export async function lockRequest(tx: Tx, id: string): Promise<HeldRequest | null> {
  await tx.$queryRaw`SELECT 1 FROM "HoldRequest" WHERE "id" = ${id} FOR UPDATE`
  return await findRequest(tx, id)
}

export async function findRequests(db: Db, ids: readonly string[]): Promise<HeldRequest[]> {
  const rows = await db.holdRequest.findMany({ where: { id: { in: [...ids] } }, ...shown })
  return rows.map(readRow)
}

export async function findOpen(tx: Tx, openKey: string): Promise<HeldRequest | null> {
  const row = await tx.holdRequest.findUnique({ where: { openKey }, ...shown })
  return row === null ? null : readRow(row)
}

/** The request that this call has used, or waits for. */
export async function findByCall(tx: Tx, agentId: string, call: string): Promise<HeldRequest | null> {
  const used = await tx.holdRequest.findFirst({ where: { agentId, claimedBy: call }, select: { id: true } })
  const waiting = used === null ? await tx.holdCall.findFirst({ where: { id: call, agentId } }) : null
  const id = used?.id ?? waiting?.requestId
  return id === undefined ? null : await findRequest(tx, id)
}

/** Encrypted evidence of a request and its own key; null when it was shredded. */
export async function readEvidence(db: Db | Tx, id: string): Promise<{ sealed: Uint8Array; key: Uint8Array } | null> {
  const row = await db.holdRequest.findUnique({ where: { id }, select: { evidence: true, evidenceKey: true } })
  return row?.evidence == null || row.evidenceKey === null ? null : { sealed: row.evidence, key: row.evidenceKey }
}

/** One caller's openings, one after the other: limits and attaching are exact. Ends with the transaction. */
export async function lockCaller(tx: Tx, initiatorKey: string): Promise<void> {
  await tx.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`sallyport hold ${initiatorKey}`}, 0))::text`
}

/** Pending ones of this caller at this agent, pending ones of the agent, and the caller's of the minute before `at`. */
export async function countOpen(
  tx: Tx,
  agentId: string,
  caller: { readonly issuer: string; readonly subject: string; readonly isClaiming: boolean },
  at: Date,
): Promise<{ mine: number; agents: number; recent: number }> {
  const pending = { state: 'pending', expiresAt: { gt: at } } as const
  const minuteAgo = new Date(at.getTime() - 60_000)
  const isOfActor = (name: 'issuer' | 'subject') => ({ facts: { path: ['actors', '0', name], equals: caller[name] } })
  const isClaimed = { facts: { path: ['initiator', 'assurance'], equals: 'claimed' } }
  const callers = caller.isClaiming
    ? { AND: [isClaimed, isOfActor('issuer'), isOfActor('subject')] }
    : { initiatorKey: principalKey(caller), NOT: isClaimed }
  return {
    mine: await tx.holdRequest.count({ where: { ...pending, agentId, ...callers } }),
    agents: await tx.holdRequest.count({ where: { ...pending, agentId } }),
    recent: await tx.holdRequest.count({ where: { agentId, ...callers, createdAt: { gt: minuteAgo } } }),
  }
}

export type NewRequest = Omit<Prisma.HoldRequestUncheckedCreateInput, 'state' | 'facts' | 'quorum'> & {
  readonly facts: Facts
  readonly quorum: z.infer<typeof StoredQuorum>
}

export async function addRequest(tx: Tx, request: NewRequest): Promise<void> {
  await tx.holdRequest.create({ data: { ...request, state: 'pending' } })
}

type Change = Prisma.HoldRequestUpdateManyMutationInput

/** Compare-and-set: true for the one that changed it. */
export async function changeState(
  tx: Tx,
  id: string,
  from: ApprovalState,
  to: ApprovalState,
  change: Change = {},
): Promise<boolean> {
  const { count } = await tx.holdRequest.updateMany({ where: { id, state: from }, data: { ...change, state: to } })
  return count === 1
}

export interface Claim {
  readonly id: string
  readonly agentId: string
  readonly call: string
  readonly statementDigest: string
  readonly approvalDigest: string
  readonly at: Date
}

/** Compare-and-set of the one run: true for exactly one call of all that ever ask (THREATS R-6.8). */
export async function consume(tx: Tx, claim: Claim): Promise<boolean> {
  const { id, agentId, call, statementDigest, approvalDigest, at } = claim
  const { count } = await tx.holdRequest.updateMany({
    where: { id, agentId, statementDigest, approvalDigest, state: 'approved', claimedBy: null, expiresAt: { gt: at } },
    data: { state: 'run', claimedBy: call, claimedAt: at, endedAt: at, openKey: null },
  })
  return count === 1
}

export async function addVerdict(
  tx: Tx,
  verdict: GivenVerdict & { readonly id: string; readonly requestId: string; readonly approvalDigest: string },
): Promise<void> {
  await tx.holdVerdict.create({ data: { ...verdict, groups: [...verdict.groups] } })
}

/** What came of the run; kept once. */
export async function setResult(
  db: Db,
  id: string,
  agentId: string,
  result: Readonly<Record<string, string | number>>,
): Promise<boolean> {
  const { count } = await db.holdRequest.updateMany({
    where: { id, agentId, state: 'run', result: { equals: Prisma.DbNull } },
    data: { result },
  })
  return count === 1
}

export async function attachCall(
  tx: Tx,
  call: { readonly id: string; readonly requestId: string; readonly agentId: string; readonly link: string },
  at: Date,
): Promise<void> {
  const { id, ...rest } = call
  await tx.holdCall.upsert({ where: { id }, create: { ...call, at }, update: rest })
}

export async function findCall(tx: Tx, id: string) {
  return await tx.holdCall.findUnique({ where: { id } })
}

/** The request that it waited for, or null when it waited for none. */
export async function removeCall(db: Db | Tx, id: string, agentId: string): Promise<string | null> {
  const call = await db.holdCall.findFirst({ where: { id, agentId }, select: { requestId: true } })
  if (call !== null) await db.holdCall.deleteMany({ where: { id, agentId } })
  return call?.requestId ?? null
}

/** Takes out what a stream left; requests that it waited for. */
export async function removeCallsOfLink(db: Db, agentId: string, link: string): Promise<string[]> {
  return await removeCalls(db, { agentId, link })
}

/** Takes out what earlier streams of an agent left, for example with a replica that died. */
export async function removeCallsOfOthers(db: Db, agentId: string, link: string): Promise<string[]> {
  return await removeCalls(db, { agentId, link: { not: link } })
}

async function removeCalls(db: Db, where: Prisma.HoldCallWhereInput): Promise<string[]> {
  const calls = await db.holdCall.findMany({ where, select: { id: true, requestId: true } })
  if (calls.length > 0)
    await db.holdCall.deleteMany({ where: { AND: [where, { id: { in: calls.map((call) => call.id) } }] } })
  return [...new Set(calls.map((call) => call.requestId))]
}

/** How many calls wait for each of these requests. */
export async function countWaiting(db: Db, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await db.holdCall.groupBy({ by: ['requestId'], where: { requestId: { in: [...ids] } }, _count: true })
  return new Map(rows.map((row) => [row.requestId, row._count]))
}

/** Requests whose time is over but whose state does not say so. */
export async function findOverdue(db: Db, at: Date, take: number): Promise<{ id: string; state: ApprovalState }[]> {
  const rows = await db.holdRequest.findMany({
    where: {
      expiresAt: { lte: at },
      OR: [{ state: { in: ['pending', 'approved'] } }, { openKey: { not: null } }],
    },
    orderBy: { expiresAt: 'asc' },
    select: { id: true, state: true },
    take,
  })
  return rows.map((row) => ({ id: row.id, state: ApprovalState.parse(row.state) }))
}

/** A denial is over: the same statement makes a new request. */
export async function closeDenied(tx: Tx, id: string): Promise<void> {
  await tx.holdRequest.updateMany({ where: { id, state: 'denied' }, data: { openKey: null } })
}

/** Calls that wait for something that cannot come any more. */
export async function removeStaleCalls(db: Db): Promise<number> {
  return await db.$executeRaw`
    DELETE FROM "HoldCall" c WHERE NOT EXISTS (
      SELECT 1 FROM "HoldRequest" r WHERE r."id" = c."requestId" AND r."endedAt" IS NULL
    )`
}

/** Crypto-shredding: without its key no backup of the ciphertext is of use. */
export async function shred(db: Db, endedBefore: Date, at: Date): Promise<number> {
  const { count } = await db.holdRequest.updateMany({
    where: { shreddedAt: null, endedAt: { lt: endedBefore } },
    data: { evidence: null, evidenceKey: null, shreddedAt: at },
  })
  return count
}
