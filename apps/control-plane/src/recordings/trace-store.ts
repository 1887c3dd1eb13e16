// Reads the entries of one trace. Nothing here changes a record.
import { z } from 'zod'
import type { Db } from '../db.ts'

const TracedRow = z.object({
  session: z.string(),
  seq: z.number().int(),
  hash: z.string(),
  bytes: z.instanceof(Uint8Array),
  /** Hash of the entry before it. */
  previous: z.string(),
  /** How its statement ended, where that is stored close by. */
  outcome: z.instanceof(Uint8Array).nullable(),
})
export type TracedRow = z.infer<typeof TracedRow>

/** Entries after a statement's own in which its outcome is looked for. */
const overhang = 200

/** By time, at most `take`. */
export async function readTraced(db: Db, trace: string, take: number): Promise<TracedRow[]> {
  const rows = await db.$queryRaw`
    SELECT e."sessionId" AS "session", e."seq", e."hash", e."bytes", coalesce(p."hash", '') AS "previous",
      (SELECT o."bytes" FROM "RecordedEntry" o
       WHERE o."sessionId" = e."sessionId" AND o."seq" > e."seq" AND o."seq" <= e."seq" + ${overhang}
         AND o."kind" = 'outcome' AND o."statement" = e."statement" ORDER BY o."seq" LIMIT 1) AS "outcome"
    FROM (SELECT * FROM "TracedEntry" WHERE "trace" = ${trace} ORDER BY "atMs", "sessionId", "seq" LIMIT ${take}) t
    JOIN "RecordedEntry" e ON e."sessionId" = t."sessionId" AND e."seq" = t."seq"
    LEFT JOIN "RecordedEntry" p ON p."sessionId" = t."sessionId" AND p."seq" = t."seq" - 1
    ORDER BY t."atMs", t."sessionId", t."seq"`
  return z.array(TracedRow).parse(rows)
}

export const findSessions = async (db: Db, ids: readonly string[]) =>
  await db.recordedSession.findMany({ where: { id: { in: [...ids] } } })
