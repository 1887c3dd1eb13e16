// Rows of ingested records. Entries and heads are only ever added; one agent's batches are stored one after the other,
// whichever replica takes them, because each locks the agent's row.
import { textOf } from '@sallyport/ledger/export'
import { z } from 'zod'
import { appendAction } from '../audit/store.ts'
import type { Db, Tx } from '../db.ts'
import type { AgentChain, CheckedEntry, SessionTip, ShownBatch } from './check.ts'
import { columnsOf } from './columns.ts'
import type { JudgedHead } from './heads.ts'
import { type Addition, addCounts, countMax, dateOf, type Opening, objectsMax, unite, verbsMax } from './summary.ts'

/** For a batch that waits for another replica's, in milliseconds. */
const transactionMsMax = 30_000

export type IngestTx = Tx

/** Committed reads are enough: the lock on the agent's row comes first and serialises everything below. */
export async function inIngest<T>(db: Db, run: (tx: IngestTx) => Promise<T>): Promise<T> {
  return await db.$transaction(run, {
    isolationLevel: 'ReadCommitted',
    timeout: transactionMsMax,
    maxWait: transactionMsMax,
  })
}

const AgentRow = z.object({
  id: z.string(),
  recordKey: z.instanceof(Uint8Array),
  recordKeyFingerprint: z.string(),
  headCounter: z.bigint(),
  headHash: z.string(),
  revokedAt: z.date().nullable(),
})

/** Locks the agent's row until the end of the transaction. */
export async function lockAgent(tx: IngestTx, id: string): Promise<(AgentChain & { revoked: boolean }) | null> {
  const rows = await tx.$queryRaw`
    SELECT "id", "recordKey", "recordKeyFingerprint", "headCounter", "headHash", "revokedAt"
    FROM "Agent" WHERE "id" = ${id} FOR UPDATE`
  const row = z.array(AgentRow).parse(rows)[0]
  if (row === undefined) return null
  const { recordKey, recordKeyFingerprint, headHash } = row
  return {
    id,
    recordKey,
    recordKeyFingerprint,
    headHash,
    headCounter: Number(row.headCounter),
    revoked: row.revokedAt !== null,
  }
}

export interface StoredSession extends SessionTip {
  readonly statements: number
  readonly denied: number
  readonly held: number
  readonly maskedValues: number
  readonly verbs: readonly string[]
  readonly objects: readonly string[]
}

/** Those of these sessions that are stored. */
export async function findSessions(tx: IngestTx, ids: readonly string[]): Promise<Map<string, StoredSession>> {
  const rows = await tx.recordedSession.findMany({ where: { id: { in: [...new Set(ids)] } } })
  return new Map(
    rows.map((row): [string, StoredSession] => {
      const { statements, denied, held, maskedValues, verbs, objects } = row
      const tip = { agent: row.agentId, seq: row.tipSeq, hash: row.tipHash, closed: row.closedAt !== null }
      return [row.id, { ...tip, statements, denied, held, maskedValues, verbs, objects }]
    }),
  )
}

export async function hashAt(tx: IngestTx, sessionId: string, seq: number): Promise<string | null> {
  const row = await tx.recordedEntry.findUnique({
    where: { sessionId_seq: { sessionId, seq } },
    select: { hash: true },
  })
  return row?.hash ?? null
}

/** Bytes of the stored head with this counter. */
export async function headAt(tx: IngestTx, agentId: string, counter: number): Promise<Uint8Array | null> {
  const row = await tx.recordedHead.findUnique({
    where: { agentId_counter: { agentId, counter: BigInt(counter) } },
    select: { head: true },
  })
  return row?.head ?? null
}

/** Entries of one session that have been checked. */
export interface FreshEntries {
  readonly session: string
  readonly entries: readonly CheckedEntry[]
  readonly continues: (statement: number) => boolean
}

/**
 * One statement with one parameter, a list of rows as JSON: Prisma's createMany costs many times as much for rows of this kind, and
 * an array a column still twice, because its driver escapes each element. The bytes travel as the text that they are
 * (parseEntry has seen that they are canonical JSON, so UTF-8 without NUL).
 */
export async function appendEntries(tx: IngestTx, fresh: readonly FreshEntries[]): Promise<void> {
  const rows: unknown[] = []
  const traced: unknown[] = []
  for (const { session, entries, continues } of fresh)
    for (const { entry, hash, bytes } of entries) {
      const { seq, kind, atMs } = entry
      if ('trace' in entry && entry.trace !== undefined) traced.push({ trace: entry.trace.trace, session, seq, atMs })
      const { monoUs, statement, verb, object, lane, rows: count, durationUs } = columnsOf(entry, continues)
      const text = textOf(bytes)
      rows.push({ session, seq, kind, atMs, hash, text, monoUs, statement, verb, object, lane, count, durationUs })
    }
  if (rows.length === 0) return
  await tx.$executeRaw`
    INSERT INTO "RecordedEntry" ("sessionId", "seq", "kind", "atMs", "hash", "bytes",
      "monoUs", "statement", "verb", "object", "lane", "rows", "durationUs")
    SELECT "session", "seq", "kind", "atMs", "hash", convert_to("text", 'UTF8'),
      "monoUs", "statement", nullif("verb", ''), nullif("object", ''), "lane", "count", "durationUs"
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS row ("session" text, "seq" int, "kind" text, "atMs" bigint,
      "hash" text, "text" text, "monoUs" bigint, "statement" int, "verb" text, "object" text, "lane" text,
      "count" int, "durationUs" bigint)`
  if (traced.length === 0) return
  await tx.$executeRaw`
    INSERT INTO "TracedEntry" ("trace", "sessionId", "seq", "atMs")
    SELECT "trace", "session", "seq", "atMs" FROM json_to_recordset(${JSON.stringify(traced)}::json)
      AS row ("trace" text, "session" text, "seq" int, "atMs" bigint)`
}

const Held = z.object({ statement: z.number().int() })

/** Which of these statements were held in what is stored. Newest first: an approval follows its hold closely. */
export async function heldAmong(tx: IngestTx, session: string, statements: readonly number[]): Promise<Set<number>> {
  const wanted = [...new Set(statements)].filter((statement) => statement <= countMax)
  if (wanted.length === 0) return new Set()
  const rows = await tx.$queryRaw`
    SELECT "statement" FROM "RecordedEntry"
    WHERE "sessionId" = ${session} AND "kind" = 'held' AND "statement" = ANY (${wanted}::int[])
    ORDER BY "seq" DESC LIMIT ${wanted.length}`
  return new Set(
    z
      .array(Held)
      .parse(rows)
      .map(({ statement }) => statement),
  )
}

export interface NextHead {
  readonly batch: ShownBatch
  readonly judged: JudgedHead
}

/** Stores heads that follow each other, and moves the agent's chain to the last one. */
export async function appendHeads(tx: IngestTx, heads: readonly NextHead[]): Promise<void> {
  const last = heads.at(-1)?.judged
  if (last === undefined) return
  const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  await tx.$executeRaw`
    INSERT INTO "RecordedHead" ("agentId", "counter", "sessionId", "seq", "hash", "head", "signature", "at")
    SELECT ${last.head.agent}, row.counter, row.session, row.seq, row.hash, decode(row.head, 'hex'),
      decode(row.signature, 'hex'), row.at::timestamptz
    FROM unnest(
      ${heads.map(({ judged }) => BigInt(judged.head.counter))}::bigint[],
      ${heads.map(({ judged }) => judged.head.session)}::text[],
      ${heads.map(({ judged }) => judged.head.seq)}::int[],
      ${heads.map(({ judged }) => judged.head.hash)}::text[],
      ${heads.map(({ batch }) => hexOf(batch.head))}::text[],
      ${heads.map(({ batch }) => hexOf(batch.signature))}::text[],
      ${heads.map(({ judged }) => dateOf(judged.head.atMs).toISOString())}::text[]
    ) AS row (counter, session, seq, hash, head, signature, at)`
  await tx.$executeRaw`
    UPDATE "Agent" SET "headCounter" = ${BigInt(last.head.counter)}, "headHash" = ${last.hash}
    WHERE "id" = ${last.head.agent}`
}

/** A session's row after new entries; `opening` where it has none yet. */
export interface ChangedSession {
  readonly id: string
  readonly opening: Opening | null
  readonly closing: Addition['closing']
  readonly now: StoredSession
}

/** What a session's row says once these entries are in it. */
export function advanced(
  before: StoredSession | null,
  agent: string,
  added: Addition,
  tip: { readonly seq: number; readonly hash: string },
): StoredSession {
  return {
    agent,
    ...tip,
    closed: before?.closed === true || added.closing !== null,
    statements: addCounts(before?.statements ?? 0, added.statements),
    denied: addCounts(before?.denied ?? 0, added.denied),
    held: addCounts(before?.held ?? 0, added.held),
    maskedValues: addCounts(before?.maskedValues ?? 0, added.maskedValues),
    verbs: unite(before?.verbs ?? [], added.verbs, verbsMax),
    objects: unite(before?.objects ?? [], added.objects, objectsMax),
  }
}

/** Makes and changes the rows of sessions, each with one statement for all of them. */
export async function saveSessions(tx: IngestTx, changed: readonly ChangedSession[]): Promise<void> {
  const created = changed.flatMap(({ id, opening, closing, now }) =>
    opening === null
      ? []
      : {
          ...opening,
          initiator: jsonOf(opening.initiator),
          actors: opening.actors.map(jsonOf),
          ...countedOf(now),
          ...(closing === null ? {} : { closedAt: closing.at, closeReason: closing.reason }),
          id,
          agentId: now.agent,
        },
  )
  if (created.length > 0) await tx.recordedSession.createMany({ data: created })
  const rows = changed.flatMap(({ id, opening, closing, now }) =>
    opening !== null
      ? []
      : { id, ...countedOf(now), closedAt: closing?.at.toISOString(), closeReason: closing?.reason },
  )
  if (rows.length === 0) return
  await tx.$executeRaw`
    UPDATE "RecordedSession" AS session SET
      "statements" = row."statements", "denied" = row."denied", "held" = row."held",
      "maskedValues" = row."maskedValues",
      "verbs" = ARRAY(SELECT jsonb_array_elements_text(row."verbs")),
      "objects" = ARRAY(SELECT jsonb_array_elements_text(row."objects")),
      "tipSeq" = row."tipSeq", "tipHash" = row."tipHash",
      "closedAt" = coalesce(row."closedAt", session."closedAt"),
      "closeReason" = coalesce(row."closeReason", session."closeReason")
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS row (
      "id" text, "statements" int, "denied" int, "held" int, "maskedValues" int, "verbs" jsonb, "objects" jsonb,
      "tipSeq" int, "tipHash" text, "closedAt" timestamptz, "closeReason" text)
    WHERE session."id" = row."id"`
}

const countedOf = ({ statements, denied, held, maskedValues, verbs, objects, seq, hash }: StoredSession) => ({
  ...{ statements, denied, held, maskedValues, verbs: [...verbs], objects: [...objects] },
  ...{ tipSeq: seq, tipHash: hash },
})

const jsonOf = (principal: NonNullable<Addition['opening']>['initiator']) => ({
  ...principal,
  groups: [...principal.groups],
})

/** Marks the session and tells the audit, once: a record that did not verify is kept out and not forgotten. */
export async function raiseAlarm(
  tx: IngestTx,
  alarm: {
    readonly id: string
    readonly at: Date
    readonly agent: string
    readonly session: string
    readonly reason: string
  },
): Promise<void> {
  const marked = await tx.recordedSession.updateMany({
    where: { id: alarm.session, agentId: alarm.agent, alarm: null },
    data: { alarm: alarm.reason.slice(0, 500) },
  })
  const known = await tx.recordedSession.count({ where: { id: alarm.session, agentId: alarm.agent } })
  if (marked.count === 0 && known > 0) return
  await appendAction(tx, {
    id: alarm.id,
    at: alarm.at,
    actor: `agent ${alarm.agent}`,
    action: 'record-refused',
    object: `Session/${alarm.session}`,
    detail: { code: 'CHAIN_BROKEN', reason: alarm.reason.slice(0, 500) },
  })
}
