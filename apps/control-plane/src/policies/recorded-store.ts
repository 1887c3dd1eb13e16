// Recorded statements as a trial needs them: in order, page by page, each with its session. Queries only.

import type { Entry } from '@sallyport/ledger/entry'
import { parseEntry } from '@sallyport/ledger/shape'
import { z } from 'zod'
import type { Db } from '../db.ts'
import { Prisma } from '../gen/prisma/client.ts'

export type OpenedEntry = Extract<Entry, { kind: 'session-opened' }>
export type StatementEntry = Extract<Entry, { kind: 'intent' | 'denied' | 'held' }>

export interface RecordedOne {
  readonly opened: OpenedEntry
  readonly entry: StatementEntry
}

const Row = z.object({
  sessionId: z.string(),
  seq: z.number().int(),
  bytes: z.instanceof(Uint8Array),
  opened: z.instanceof(Uint8Array),
})

/** Of one read. */
const pageRowsMax = 500

/** Statements of sessions that were open in the span, session by session; those that cannot be read are left out. */
export async function* recordedStatements(
  db: Db,
  span: { readonly fromMs: number; readonly toMs: number; readonly target: string | null },
): AsyncGenerator<RecordedOne> {
  const from = new Date(span.fromMs)
  const to = new Date(span.toMs)
  const onTarget = span.target === null ? Prisma.sql`TRUE` : Prisma.sql`s."target" = ${span.target}`
  for (let after: readonly [string, number] = ['', -1]; ; ) {
    const found = await db.$queryRaw`
      SELECT e."sessionId", e."seq", e."bytes", o."bytes" AS "opened"
      FROM "RecordedSession" s
      JOIN "RecordedEntry" e ON e."sessionId" = s."id"
      JOIN "RecordedEntry" o ON o."sessionId" = s."id" AND o."seq" = 0
      WHERE s."openedAt" < ${to} AND (s."closedAt" IS NULL OR s."closedAt" >= ${from}) AND ${onTarget}
        AND e."kind" IN ('intent', 'denied', 'held') AND e."atMs" >= ${span.fromMs} AND e."atMs" < ${span.toMs}
        AND (e."sessionId", e."seq") > (${after[0]}, ${after[1]})
      ORDER BY e."sessionId", e."seq" LIMIT ${pageRowsMax}`
    const rows = z.array(Row).parse(found)
    for (const row of rows) {
      const one = readRow(row)
      if (one !== null) yield one
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageRowsMax) return
    after = [last.sessionId, last.seq]
  }
}

function readRow(row: z.infer<typeof Row>): RecordedOne | null {
  const opened = parseEntry(row.opened)
  const entry = parseEntry(row.bytes)
  if (!opened.ok || !entry.ok || opened.value.kind !== 'session-opened') return null
  const { value } = entry
  if (value.kind !== 'intent' && value.kind !== 'denied' && value.kind !== 'held') return null
  // What ran approved is there as `held` already.
  if (value.kind === 'intent' && value.decision === 'approved') return null
  return { opened: opened.value, entry: value }
}
