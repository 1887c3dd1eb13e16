// The statements of a session as columns, by one query over what ingest took out of the entries. Entries themselves are
// not read here.
import { z } from 'zod'
import type { Db } from '../db.ts'

const Columns = z.object({
  seq: z.array(z.number()),
  monoUs: z.array(z.number()),
  statement: z.array(z.number()),
  verb: z.array(z.string()),
  object: z.array(z.string()),
  lane: z.array(z.string()),
  rows: z.array(z.number()),
  durationUs: z.array(z.number()),
})
export type StatementColumns = z.infer<typeof Columns>

const none: StatementColumns = {
  seq: [],
  monoUs: [],
  statement: [],
  verb: [],
  object: [],
  lane: [],
  rows: [],
  durationUs: [],
}

const Found = z.array(z.object({ columns: z.string().nullable() }))

/**
 * Up to `take` statements that began at sequence `from` or later, in their order, each with what came of it, however much
 * later that was recorded. PostgreSQL makes one JSON text: rows of their own would cost several times as much.
 */
export async function readStatements(db: Db, session: string, from: number, take: number): Promise<StatementColumns> {
  const found = await db.$queryRaw`
    WITH began AS MATERIALIZED (
      SELECT "seq", "monoUs", "statement", "verb", "object", "lane" FROM "RecordedEntry"
      WHERE "sessionId" = ${session} AND "seq" >= ${from} AND "statement" IS NOT NULL
        AND "lane" IN ('allowed', 'masked', 'approved', 'denied', 'held')
      ORDER BY "seq" LIMIT ${take}
    ), ended AS (
      SELECT "statement", bool_or("lane" = 'run') AS "ran", bool_or("lane" = 'failed') AS "failed",
        max("rows") AS "rows", max("durationUs") AS "durationUs"
      FROM "RecordedEntry"
      WHERE "sessionId" = ${session} AND "seq" > (SELECT min("seq") FROM began)
        AND "statement" BETWEEN (SELECT min("statement") FROM began) AND (SELECT max("statement") FROM began)
        AND "lane" IN ('run', 'done', 'failed')
      GROUP BY "statement"
    ), merged AS (
      SELECT b."seq", b."monoUs", b."statement", coalesce(b."verb", '') AS "verb", coalesce(b."object", '') AS "object",
        CASE WHEN e."failed" THEN 'failed' WHEN b."lane" = 'held' AND e."ran" THEN 'approved' ELSE b."lane" END AS "lane",
        coalesce(e."rows", -1) AS "rows", coalesce(e."durationUs", -1) AS "durationUs"
      FROM began b LEFT JOIN ended e ON e."statement" = b."statement" ORDER BY b."seq"
    )
    SELECT CASE WHEN count(*) > 0 THEN json_build_object(
      'seq', json_agg("seq"), 'monoUs', json_agg("monoUs"), 'statement', json_agg("statement"),
      'verb', json_agg("verb"), 'object', json_agg("object"), 'lane', json_agg("lane"),
      'rows', json_agg("rows"), 'durationUs', json_agg("durationUs"))::text END AS "columns"
    FROM merged`
  const text = Found.parse(found)[0]?.columns ?? null
  return text === null ? none : Columns.parse(JSON.parse(text))
}

/** True when the actor's look at this session stands in the audit since then. */
export async function wasViewed(db: Db, actor: string, object: string, since: Date): Promise<boolean> {
  const found = await db.adminAction.findFirst({
    where: { at: { gte: since }, actor, action: 'view-session', object },
    select: { id: true },
  })
  return found !== null
}
