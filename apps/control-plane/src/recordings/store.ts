// Reads recorded sessions, entries and heads. Nothing here changes a record.
import { z } from 'zod'
import type { Db } from '../db.ts'
import { Prisma } from '../gen/prisma/client.ts'

export interface SessionPlace {
  readonly openedAt: Date
  readonly id: string
}

/** `reason` of a closing that the agent's next start wrote, or its primary for a worker: the session ended without anybody seeing how. */
export const interruptedReasons: readonly string[] = ['agent restarted', 'agent worker ended']

/** Agents that have not been heard of since `silentSince`, or are revoked: what they left open is interrupted. */
export async function silentAgents(db: Db, silentSince: Date): Promise<string[]> {
  const rows = await db.agent.findMany({
    where: { OR: [{ revokedAt: { not: null } }, { lastSeenAt: null }, { lastSeenAt: { lt: silentSince } }] },
    select: { id: true },
  })
  return rows.map((row) => row.id)
}

export type SessionRow = NonNullable<Awaited<ReturnType<typeof findSession>>>

export async function findSession(db: Db, id: string) {
  return await db.recordedSession.findUnique({ where: { id } })
}

const EntryRow = z.object({ seq: z.number().int(), hash: z.string(), bytes: z.instanceof(Uint8Array) })
export type EntryRow = z.infer<typeof EntryRow>

/** Entries of one read, in bytes; the first one comes whatever its size. */
const readBytesMax = 4_194_304

/** Entries from `from` to `to` (inclusive), at most `take` of them and about 4 MiB. */
export async function readEntries(
  db: Db,
  session: string,
  from: number,
  to: number,
  take: number,
): Promise<EntryRow[]> {
  const rows = await db.$queryRaw`
    SELECT "seq", "hash", "bytes" FROM (
      SELECT "seq", "hash", "bytes", sum(octet_length("bytes")) OVER (ORDER BY "seq") AS total
      FROM (
        SELECT "seq", "hash", "bytes" FROM "RecordedEntry"
        WHERE "sessionId" = ${session} AND "seq" BETWEEN ${from} AND ${to} ORDER BY "seq" LIMIT ${take}
      ) AS chosen
    ) AS summed
    WHERE total <= ${readBytesMax} OR "seq" = ${from} ORDER BY "seq"`
  return z.array(EntryRow).parse(rows)
}

export async function hashAt(db: Db, sessionId: string, seq: number): Promise<string | null> {
  const row = await db.recordedEntry.findUnique({
    where: { sessionId_seq: { sessionId, seq } },
    select: { hash: true },
  })
  return row?.hash ?? null
}

/** Which sessions an export takes. */
export type Selection =
  | { readonly kind: 'session'; readonly session: string }
  | { readonly kind: 'range'; readonly from: Date; readonly to: Date }

/** Sessions of a selection: open in the span at some time, or with a head that was signed in it. */
function selected(selection: Selection): Prisma.Sql {
  if (selection.kind === 'session') return Prisma.sql`s."id" = ${selection.session}`
  const { from, to } = selection
  return Prisma.sql`(
    (s."openedAt" < ${to} AND (s."closedAt" IS NULL OR s."closedAt" >= ${from}))
    OR EXISTS (SELECT 1 FROM "RecordedHead" h WHERE h."sessionId" = s."id" AND h."at" >= ${from} AND h."at" < ${to})
  )`
}

const AgentSpan = z.object({
  id: z.string(),
  name: z.string(),
  recordKey: z.instanceof(Uint8Array),
  fingerprint: z.string(),
  /** Counters of the heads to export, inclusive. */
  first: z.bigint(),
  last: z.bigint(),
})
export type AgentSpan = z.infer<typeof AgentSpan>

/**
 * Agents with a part in the selection, and the counters from their first to their last head in it. Records only grow:
 * whatever comes later has a higher counter and is not in this export.
 */
export async function agentSpans(db: Db, selection: Selection): Promise<AgentSpan[]> {
  const rows = await db.$queryRaw`
    SELECT a."id", a."name", a."recordKey", a."recordKeyFingerprint" AS "fingerprint",
           min(h."counter") AS "first", max(h."counter") AS "last"
    FROM "RecordedSession" s
    JOIN "RecordedHead" h ON h."sessionId" = s."id" AND h."agentId" = s."agentId"
    JOIN "Agent" a ON a."id" = h."agentId"
    WHERE ${selected(selection)}
    GROUP BY a."id" ORDER BY a."id"`
  return z.array(AgentSpan).parse(rows)
}

const HeadRow = z.object({ counter: z.bigint(), head: z.instanceof(Uint8Array), signature: z.instanceof(Uint8Array) })
export type HeadRow = z.infer<typeof HeadRow>

/** Heads of an agent after counter `after` up to `last`; of one session only, when it is named. */
export async function readHeads(
  db: Db,
  agentId: string,
  after: bigint,
  last: bigint,
  session: string | null,
  take: number,
): Promise<HeadRow[]> {
  const rows = await db.recordedHead.findMany({
    where: { agentId, counter: { gt: after, lte: last }, ...(session === null ? {} : { sessionId: session }) },
    orderBy: { counter: 'asc' },
    select: { counter: true, head: true, signature: true },
    take,
  })
  return rows.map(({ counter, head, signature }) => ({ counter, head, signature }))
}

const SelectedSession = z.object({
  id: z.string(),
  openedAt: z.date(),
  /** Last entry under a head of this export. */
  lastSeq: z.number().int(),
})
export type SelectedSession = z.infer<typeof SelectedSession>

/** Sessions of a selection, oldest first, after the one at `after`, with heads up to the counters of `spans`. */
export async function readSelected(
  db: Db,
  selection: Selection,
  spans: readonly AgentSpan[],
  after: SessionPlace | null,
  take: number,
): Promise<SelectedSession[]> {
  const rest = after === null ? Prisma.sql`TRUE` : Prisma.sql`(s."openedAt", s."id") > (${after.openedAt}, ${after.id})`
  const rows = await db.$queryRaw`
    SELECT s."id", s."openedAt", max(h."seq")::int AS "lastSeq"
    FROM "RecordedSession" s
    JOIN "RecordedHead" h ON h."sessionId" = s."id" AND h."agentId" = s."agentId"
    JOIN unnest(${spans.map((span) => span.id)}::text[], ${spans.map((span) => span.last)}::bigint[])
      AS span(agent, last) ON span.agent = h."agentId" AND h."counter" <= span.last
    WHERE ${selected(selection)} AND ${rest}
    GROUP BY s."id", s."openedAt" ORDER BY s."openedAt", s."id" LIMIT ${take}`
  return z.array(SelectedSession).parse(rows)
}
