// Rows of ingested records. Entries and heads are only ever added; one agent's batches are stored one after the other,
// whichever replica takes them, because each locks the agent's row.
import { textOf } from '@sallyport/ledger/export'
import { z } from 'zod'
import { appendAction } from '../audit/store.ts'
import type { Db, Tx } from '../db.ts'
import type { AgentChain, CheckedEntry, SessionTip, ShownBatch } from './check.ts'
import { columnsOf } from './columns.ts'
import type { JudgedHead } from './heads.ts'
import { type Addition, addCounts, countMax, dateOf, objectsMax, unite, verbsMax } from './summary.ts'

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
  readonly alarm: string | null
}

export async function findSession(tx: IngestTx, id: string): Promise<StoredSession | null> {
  const row = await tx.recordedSession.findUnique({ where: { id } })
  if (row === null) return null
  const { statements, denied, held, maskedValues, verbs, objects, alarm } = row
  return {
    agent: row.agentId,
    seq: row.tipSeq,
    hash: row.tipHash,
    closed: row.closedAt !== null,
    statements,
    denied,
    held,
    maskedValues,
    verbs,
    objects,
    alarm,
  }
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

/**
 * One statement with an array a column: Prisma's createMany costs four times as much for rows of this kind. The bytes
 * travel as the text that they are (parseEntry has seen that they are canonical JSON, so UTF-8 without NUL).
 */
export async function appendEntries(
  tx: IngestTx,
  session: string,
  entries: readonly CheckedEntry[],
  continues: (statement: number) => boolean,
): Promise<void> {
  if (entries.length === 0) return
  const columns = entries.map(({ entry }) => columnsOf(entry, continues))
  await tx.$executeRaw`
    INSERT INTO "RecordedEntry" ("sessionId", "seq", "kind", "atMs", "hash", "bytes",
      "monoUs", "statement", "verb", "object", "lane", "rows", "durationUs")
    SELECT ${session}, row.seq, row.kind, row.at, row.hash, convert_to(row.text, 'UTF8'),
      row.mono, nullif(row.statement, -1), nullif(row.verb, ''), nullif(row.object, ''), nullif(row.lane, ''),
      nullif(row.rows, -1), nullif(row.duration, -1)
    FROM unnest(
      ${entries.map(({ entry }) => entry.seq)}::int[],
      ${entries.map(({ entry }) => entry.kind)}::text[],
      ${entries.map(({ entry }) => BigInt(entry.atMs))}::bigint[],
      ${entries.map(({ hash }) => hash)}::text[],
      ${entries.map(({ bytes }) => textOf(bytes))}::text[],
      ${columns.map(({ monoUs }) => BigInt(monoUs))}::bigint[],
      ${columns.map(({ statement }) => statement ?? -1)}::int[],
      ${columns.map(({ verb }) => verb ?? '')}::text[],
      ${columns.map(({ object }) => object ?? '')}::text[],
      ${columns.map(({ lane }) => lane ?? '')}::text[],
      ${columns.map(({ rows }) => rows ?? -1)}::int[],
      ${columns.map(({ durationUs }) => BigInt(durationUs ?? -1))}::bigint[]
    ) AS row (seq, kind, at, hash, text, mono, statement, verb, object, lane, rows, duration)`
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

/** Stores the head and moves the agent's chain to it. */
export async function appendHead(tx: IngestTx, batch: ShownBatch, { head, hash }: JudgedHead): Promise<void> {
  await tx.recordedHead.create({
    data: {
      agentId: head.agent,
      counter: BigInt(head.counter),
      sessionId: head.session,
      seq: head.seq,
      hash: head.hash,
      head: new Uint8Array(batch.head),
      signature: new Uint8Array(batch.signature),
      at: dateOf(head.atMs),
    },
  })
  await tx.agent.update({
    where: { id: head.agent },
    data: { headCounter: BigInt(head.counter), headHash: hash },
  })
}

/** Adds what new entries say to the session's row, or makes the row. */
export async function saveSession(
  tx: IngestTx,
  agent: string,
  session: string,
  before: StoredSession | null,
  added: Addition,
  tip: { readonly seq: number; readonly hash: string },
): Promise<void> {
  const counted = {
    statements: addCounts(before?.statements ?? 0, added.statements),
    denied: addCounts(before?.denied ?? 0, added.denied),
    held: addCounts(before?.held ?? 0, added.held),
    maskedValues: addCounts(before?.maskedValues ?? 0, added.maskedValues),
    verbs: unite(before?.verbs ?? [], added.verbs, verbsMax),
    objects: unite(before?.objects ?? [], added.objects, objectsMax),
    tipSeq: tip.seq,
    tipHash: tip.hash,
    ...(added.closing === null ? {} : { closedAt: added.closing.at, closeReason: added.closing.reason }),
  }
  const { opening } = added
  if (opening === null) await tx.recordedSession.update({ where: { id: session }, data: counted })
  else
    await tx.recordedSession.create({
      data: {
        ...opening,
        initiator: jsonOf(opening.initiator),
        actors: opening.actors.map(jsonOf),
        ...counted,
        id: session,
        agentId: agent,
      },
    })
}

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
