// Numbers for the first page, each by one bounded query: sessions count in the hour in which they opened, so that no entry
// has to be read.
import { z } from 'zod'
import { onlineMs } from '../agents/rules.ts'
import type { Readable } from '../approvals/list-store.ts'
import type { Db } from '../db.ts'

/** How far back the numbers go, in milliseconds. */
export const spanMs = 86_400_000
/** How far back a record that did not verify is pointed at, in milliseconds. */
const alarmMs = 30 * spanMs
const topDeniedMax = 5

const Waits = z.tuple([z.object({ median: z.number().nullable() })])

/** Requests that the person may read: how many wait, and how long people took to decide lately. */
export async function readApprovals(db: Db, readable: Readable, nowMs: number) {
  const mine =
    readable.kind === 'all'
      ? {}
      : { OR: [{ reviewers: { hasSome: [...readable.groups] } }, { initiatorKey: readable.initiatorKey }] }
  const pending = await db.holdRequest.count({
    where: { state: 'pending', expiresAt: { gt: new Date(nowMs) }, ...mine },
  })
  const [groups, key] = readable.kind === 'all' ? [null, ''] : [[...readable.groups], readable.initiatorKey]
  const rows = await db.$queryRaw`
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM "decidedAt" - "createdAt") * 1000)::float8 AS "median"
    FROM "HoldRequest"
    WHERE "decidedAt" IS NOT NULL AND "settledAt" >= ${new Date(nowMs - spanMs)}
      AND (${groups}::text[] IS NULL OR "reviewers" && ${groups}::text[] OR "initiatorKey" = ${key})`
  const { median } = Waits.parse(rows)[0]
  return { pending, medianWaitMs: median === null ? null : Math.round(median) }
}

const Sums = z.tuple([
  z.object({
    today: z.number(),
    statements: z.number(),
    denied: z.number(),
    held: z.number(),
    maskedValues: z.number(),
  }),
])
const Hours = z.array(z.object({ hour: z.number(), statements: z.number(), denied: z.number() }))
const Denied = z.array(z.object({ caller: z.string(), target: z.string(), denied: z.number() }))

/** Sums over the sessions that opened in the span. float8 is exact for every sum that a day can reach. */
export async function readSessionSums(db: Db, nowMs: number) {
  const since = new Date(nowMs - spanMs)
  const rows = await db.$queryRaw`
    SELECT count(*)::float8 AS "today", coalesce(sum("statements"), 0)::float8 AS "statements",
      coalesce(sum("denied"), 0)::float8 AS "denied", coalesce(sum("held"), 0)::float8 AS "held",
      coalesce(sum("maskedValues"), 0)::float8 AS "maskedValues"
    FROM "RecordedSession" WHERE "openedAt" >= ${since}`
  return Sums.parse(rows)[0]
}

/** By whole hours since 1970; hours without a session are left out. */
export async function readHours(db: Db, fromHour: number) {
  const rows = await db.$queryRaw`
    SELECT floor(extract(epoch FROM "openedAt") / 3600)::float8 AS "hour", sum("statements")::float8 AS "statements",
      sum("denied")::float8 AS "denied"
    FROM "RecordedSession" WHERE "openedAt" >= ${new Date(fromHour * 3_600_000)} GROUP BY 1`
  return Hours.parse(rows)
}

export async function readTopDenied(db: Db, nowMs: number) {
  const rows = await db.$queryRaw`
    SELECT "initiatorName" AS "caller", "target", sum("denied")::float8 AS "denied" FROM "RecordedSession"
    WHERE "openedAt" >= ${new Date(nowMs - spanMs)} AND "denied" > 0
    GROUP BY "initiatorKey", "initiatorName", "target" ORDER BY 3 DESC, 1, 2 LIMIT ${topDeniedMax}`
  return Denied.parse(rows)
}

export async function countSessions(db: Db, silent: readonly string[], nowMs: number) {
  const [live, alarms] = await Promise.all([
    db.recordedSession.count({ where: { closedAt: null, alarm: null, agentId: { notIn: [...silent] } } }),
    db.recordedSession.count({ where: { alarm: { not: null }, openedAt: { gte: new Date(nowMs - alarmMs) } } }),
  ])
  return { live, alarms }
}

export async function countAgents(db: Db, nowMs: number) {
  const since = new Date(nowMs - onlineMs)
  const [online, standing, revoked] = await Promise.all([
    db.agent.count({ where: { revokedAt: null, lastSeenAt: { gt: since } } }),
    db.agent.count({ where: { revokedAt: null } }),
    db.agent.count({ where: { revokedAt: { not: null } } }),
  ])
  return { online, offline: standing - online, revoked }
}

export async function countDocuments(db: Db): Promise<{ targets: number; policies: number }> {
  const [targets, policies] = await Promise.all([
    db.resource.count({ where: { kind: 'Target' } }),
    db.resource.count({ where: { kind: 'Policy' } }),
  ])
  return { targets, policies }
}

export const hasSession = async (db: Db): Promise<boolean> =>
  (await db.recordedSession.findFirst({ select: { id: true } })) !== null
