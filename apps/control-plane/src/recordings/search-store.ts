// The list of sessions and its search: every condition is a parameter, and no search keeps the store busy for long.
import { SallyportError } from '@sallyport/base/errors'
import { z } from 'zod'
import type { Db } from '../db.ts'
import { Prisma } from '../gen/prisma/client.ts'
import { interruptedReasons, type SessionPlace, type SessionRow } from './store.ts'

export interface SessionFilter {
  readonly target?: string | undefined
  /** Part of the initiator's name or key. */
  readonly caller?: string | undefined
  /** The same of those for whom single statements were, beside the session's own initiator. */
  readonly initiator?: string | undefined
  readonly state?: 'live' | 'closed' | 'interrupted' | undefined
  readonly decision?: 'denied' | 'masked' | 'held' | undefined
  /** Words of the search box; each must be somewhere. */
  readonly q?: string | undefined
  readonly verb?: string | undefined
  /** An object, or a part of its name. */
  readonly object?: string | undefined
  /** Of a distributed trace. */
  readonly trace?: string | undefined
  /** Sessions that were open at or after this moment, and opened before the other one. */
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** Words of one search. */
export const searchWordsMax = 8
/** For one search in the store, in milliseconds. */
const searchMsMax = 5_000

/** People type text, not patterns of LIKE. */
const containing = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`

/** Newest first, after the session at `after`. */
export async function pageSessions(
  db: Db,
  filter: SessionFilter,
  silent: readonly string[],
  after: SessionPlace | null,
  take: number,
): Promise<SessionRow[]> {
  const conditions = conditionsOf(filter, silent)
  if (after !== null) conditions.push(Prisma.sql`(s."openedAt", s."id") < (${after.openedAt}, ${after.id})`)
  const ids = await searched(db, Prisma.join(conditions, ' AND '), take)
  const rows = await db.recordedSession.findMany({ where: { id: { in: ids } } })
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.flatMap((id) => byId.get(id) ?? [])
}

const Found = z.array(z.object({ id: z.string() }))

async function searched(db: Db, where: Prisma.Sql, take: number): Promise<string[]> {
  try {
    return await db.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT set_config('statement_timeout', ${`${searchMsMax}ms`}, true)`
      const rows = await tx.$queryRaw`
        SELECT s."id" FROM "RecordedSession" s WHERE ${where}
        ORDER BY s."openedAt" DESC, s."id" DESC LIMIT ${take}`
      return Found.parse(rows).map((row) => row.id)
    })
  } catch (cause) {
    if (!isCancelled(cause)) throw cause
    throw new SallyportError('REQUEST_INVALID', 'this search takes too long; name a span of time or a target', {
      cause,
    })
  }
}

/** SQLSTATE 57014 (query_canceled), as the driver's error carries it. */
const isCancelled = (thrown: unknown): boolean =>
  thrown instanceof Prisma.PrismaClientKnownRequestError && JSON.stringify(thrown.meta ?? {}).includes('57014')

function conditionsOf(filter: SessionFilter, silent: readonly string[]): Prisma.Sql[] {
  const { target, caller, initiator, state, decision, q, verb, object, trace, from, to } = filter
  const conditions = [stateCondition(state, silent), decisionCondition(decision)]
  if (target !== undefined) conditions.push(Prisma.sql`s."target" = ${target}`)
  if (caller !== undefined) conditions.push(nameCondition(caller))
  if (initiator !== undefined) conditions.push(initiatorCondition(initiator))
  if (verb !== undefined) conditions.push(Prisma.sql`${verb.toLowerCase()} = ANY (s."verbs")`)
  if (object !== undefined) conditions.push(objectCondition(object))
  if (trace !== undefined) conditions.push(traceCondition(trace))
  if (from !== undefined) conditions.push(Prisma.sql`(s."closedAt" IS NULL OR s."closedAt" >= ${new Date(from)})`)
  if (to !== undefined) conditions.push(Prisma.sql`s."openedAt" < ${new Date(to)}`)
  for (const word of wordsOf(q)) conditions.push(wordCondition(word))
  return conditions
}

function wordsOf(q: string | undefined): string[] {
  const words = [...new Set((q ?? '').split(/\s+/).filter((word) => word !== ''))]
  if (words.length > searchWordsMax)
    throw new SallyportError('REQUEST_INVALID', `a search has at most ${searchWordsMax} words`)
  return words
}

const nameCondition = (part: string): Prisma.Sql =>
  Prisma.sql`(s."initiatorName" ILIKE ${containing(part)} OR s."initiatorKey" ILIKE ${containing(part)})`

const servedCondition = (part: string): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM "ServedInitiator" served WHERE served."sessionId" = s."id"
    AND (served."name" ILIKE ${containing(part)} OR served."key" ILIKE ${containing(part)}))`

const initiatorCondition = (part: string): Prisma.Sql =>
  Prisma.sql`(${nameCondition(part)} OR ${servedCondition(part)})`

const objectCondition = (part: string): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM unnest(s."objects") AS object WHERE object ILIKE ${containing(part)})`

const traceCondition = (trace: string): Prisma.Sql =>
  Prisma.sql`s."id" IN (SELECT "sessionId" FROM "TracedEntry" WHERE "trace" = ${trace})`

/** Of an id nobody has to know what it is of. */
const wordCondition = (word: string): Prisma.Sql => Prisma.sql`(
  ${initiatorCondition(word)} OR s."target" ILIKE ${containing(word)} OR s."applicationName" ILIKE ${containing(word)}
  OR s."clientAddress" ILIKE ${containing(word)} OR s."agentName" ILIKE ${containing(word)} OR s."id" = ${word}
  OR ${traceCondition(word.toLowerCase())}
  OR ${word.toLowerCase()} = ANY (s."verbs") OR ${objectCondition(word)}
)`

function stateCondition(state: SessionFilter['state'], silent: readonly string[]): Prisma.Sql {
  const isSilent = Prisma.sql`s."agentId" = ANY (${[...silent]}::text[])`
  const isInterrupted = Prisma.sql`(s."closeReason" = ANY (${[...interruptedReasons]}::text[]))`
  switch (state) {
    case undefined:
      return Prisma.sql`TRUE`
    case 'interrupted':
      return Prisma.sql`(${isInterrupted} OR s."alarm" IS NOT NULL OR (s."closedAt" IS NULL AND ${isSilent}))`
    case 'live':
      return Prisma.sql`(s."closedAt" IS NULL AND s."alarm" IS NULL AND NOT ${isSilent})`
    case 'closed':
      return Prisma.sql`(s."closedAt" IS NOT NULL AND s."alarm" IS NULL AND ${isInterrupted} IS NOT TRUE)`
  }
}

function decisionCondition(decision: SessionFilter['decision']): Prisma.Sql {
  switch (decision) {
    case undefined:
      return Prisma.sql`TRUE`
    case 'denied':
      return Prisma.sql`s."denied" > 0`
    case 'held':
      return Prisma.sql`s."held" > 0`
    case 'masked':
      return Prisma.sql`s."maskedValues" > 0`
  }
}
