// Reads the entries of one trace. Nothing here changes a record.
import { z } from 'zod'
import type { Db } from '../db.ts'

const StoredEntry = z.object({
  seq: z.number().int(),
  hash: z.string(),
  bytes: z.instanceof(Uint8Array),
  /** Hash of the entry before it. */
  previous: z.string(),
})
export type StoredEntry = z.infer<typeof StoredEntry>

const TracedRow = StoredEntry.extend({
  session: z.string(),
  /** How its statement ended, where that is stored close by. */
  outcome: StoredEntry.nullable(),
})
export type TracedRow = z.infer<typeof TracedRow>

/** Entries after a statement's own in which its outcome is looked for. */
const overhang = 200

/** By time, at most `take`. */
export async function readTraced(db: Db, trace: string, take: number): Promise<TracedRow[]> {
  const rows = await db.$queryRaw<Record<string, unknown>[]>`
    SELECT e."sessionId" AS "session", e."seq", e."hash", e."bytes", coalesce(p."hash", '') AS "previous",
      o."seq" AS "outcomeSeq", o."hash" AS "outcomeHash", o."bytes" AS "outcomeBytes", coalesce(q."hash", '') AS "outcomePrevious"
    FROM (SELECT * FROM "TracedEntry" WHERE "trace" = ${trace} ORDER BY "atMs", "sessionId", "seq" LIMIT ${take}) t
    JOIN "RecordedEntry" e ON e."sessionId" = t."sessionId" AND e."seq" = t."seq"
    LEFT JOIN "RecordedEntry" p ON p."sessionId" = t."sessionId" AND p."seq" = t."seq" - 1
    LEFT JOIN LATERAL (SELECT * FROM "RecordedEntry" o
      WHERE o."sessionId" = e."sessionId" AND o."seq" > e."seq" AND o."seq" <= e."seq" + ${overhang}
        AND o."kind" = 'outcome' AND o."statement" = e."statement" ORDER BY o."seq" LIMIT 1) o ON true
    LEFT JOIN "RecordedEntry" q ON q."sessionId" = o."sessionId" AND q."seq" = o."seq" - 1
    ORDER BY t."atMs", t."sessionId", t."seq"`
  const nested = rows.map(
    ({ outcomeSeq: seq, outcomeHash: hash, outcomeBytes: bytes, outcomePrevious: previous, ...row }) => ({
      ...row,
      outcome: seq === null ? null : { seq, hash, bytes, previous },
    }),
  )
  return z.array(TracedRow).parse(nested)
}

export const findSessions = async (db: Db, ids: readonly string[]) =>
  await db.recordedSession.findMany({ where: { id: { in: [...ids] } } })
