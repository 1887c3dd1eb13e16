// The statements of a session as they stand in columns, which ingest took out of the entries. Entries themselves are not
// read here. One text for each read: rows of their own, or JSON, would cost several times as much (100,000 entries are an
// ordinary session).
import { assert } from '@sallyport/base/assert'
import { z } from 'zod'
import type { Db } from '../db.ts'
import { Prisma } from '../gen/prisma/client.ts'

/** What began a statement. */
export interface Beginning {
  readonly seq: number
  readonly atMs: number
  readonly statement: number
  readonly lane: string
  readonly verb: string
  readonly object: string
}

/** What came of a statement. */
export interface Ending {
  readonly statement: number
  /** `run`: what was held ran; `over`: it never will; `done`, `failed`: the outcome. */
  readonly lane: string
  readonly rows: number
  readonly durationUs: number
}

export interface Span {
  /** In their order. */
  readonly beginnings: Beginning[]
  readonly endings: Ending[]
}

/** Ingest lets neither stand in a word (ingest/columns.ts). */
const fieldEnd = '\x1f'
const rowEnd = '\x1e'

const Found = z.array(z.object({ text: z.string().nullable() }))

const ending = Prisma.sql`concat_ws(${fieldEnd}, "statement", "lane", coalesce("rows", -1), coalesce("durationUs", -1))`

/** Beginnings and endings among the entries from `first` to `last`, inclusive. */
export async function readSpan(db: Db, session: string, first: number, last: number): Promise<Span> {
  const found = await db.$queryRaw`
    SELECT string_agg(
      CASE WHEN "lane" IN ('run', 'over', 'done', 'failed') THEN ${ending}
      ELSE concat_ws(${fieldEnd}, "seq", "monoUs" / 1000, "statement", "lane", coalesce("verb", ''), coalesce("object", ''))
      END, ${rowEnd}) AS "text"
    FROM "RecordedEntry"
    WHERE "sessionId" = ${session} AND "seq" BETWEEN ${first} AND ${last}
      AND "statement" IS NOT NULL AND "lane" IS NOT NULL`
  const rows = rowsOf(found)
  const beginnings = rows.filter((row) => row.length === 6).map(beginningOf)
  // A bitmap scan gives rows as they lie on the disk.
  return {
    beginnings: beginnings.sort((a, b) => a.seq - b.seq),
    endings: rows.filter((row) => row.length !== 6).map(endingOf),
  }
}

/** What came of these statements after entry `after`. */
export async function readEndings(
  db: Db,
  session: string,
  after: number,
  statements: readonly number[],
): Promise<Ending[]> {
  const found = await db.$queryRaw`
    SELECT string_agg(${ending}, ${rowEnd}) AS "text" FROM "RecordedEntry"
    WHERE "sessionId" = ${session} AND "seq" > ${after} AND "statement" = ANY (${[...statements]}::int[])
      AND "lane" IN ('run', 'over', 'done', 'failed')`
  return rowsOf(found).map(endingOf)
}

function rowsOf(found: unknown): string[][] {
  const text = Found.parse(found)[0]?.text ?? null
  return text === null ? [] : text.split(rowEnd).map((row) => row.split(fieldEnd))
}

function beginningOf([seq, atMs, statement, lane = '', verb = '', object = '']: readonly string[]): Beginning {
  return { seq: whole(seq), atMs: whole(atMs), statement: whole(statement), lane, verb, object }
}

function endingOf([statement, lane = '', rows, durationUs]: readonly string[]): Ending {
  return { statement: whole(statement), lane, rows: whole(rows), durationUs: whole(durationUs) }
}

function whole(text: string | undefined): number {
  const number = Number(text)
  assert(Number.isSafeInteger(number), 'a column of the index is no whole number')
  return number
}

/** True when the actor's look at this session stands in the audit since then. */
export async function wasViewed(db: Db, actor: string, object: string, since: Date): Promise<boolean> {
  const found = await db.adminAction.findFirst({
    where: { at: { gte: since }, actor, action: 'view-session', object },
    select: { id: true },
  })
  return found !== null
}
