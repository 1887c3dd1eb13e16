// A long recorded session put straight into the store, with the rows that the control plane itself makes of its entries:
// sending it through an agent would take minutes, and what is looked at is the player.
import { createHash } from 'node:crypto'
import { columnsOf } from '@sallyport/control-plane/ingest/columns'
import { parseEntry } from '@sallyport/ledger/shape'
import { chainEntries, testBody } from '@sallyport/ledger/testing-record'
import pg from 'pg'
import type { Stack } from './stack.ts'

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()
const session = 'ab'.repeat(16)
/** Rows of one INSERT. */
const chunk = 20_000

/** Every 97th statement denied, every 11th masked. Returns the session's id. */
export async function putLongSession(stack: Stack, statements: number): Promise<string> {
  const { body } = await (await stack.as('adam')).get('/api/v1/agents')
  const agent: { id: string; name: string } = body.items[0]
  const entries = chainEntries(sha256, session, [testBody.opened(agent.id), ...bodiesOf(statements)])
  const client = new pg.Client({ connectionString: stack.store.url('sallyport') })
  await client.connect()
  try {
    const last = entries.at(-1)
    const opening = JSON.stringify({
      kind: 'user',
      issuer: 'https://idp.test',
      subject: 'ann',
      display: 'Ann',
      groups: [],
      assurance: 'verified',
    })
    await client.query(
      `INSERT INTO "RecordedSession" ("id", "agentId", "agentName", "target", "upstreamRole", "initiator", "actors",
         "initiatorKey", "initiatorName", "clientAddress", "applicationName", "openedAt", "closedAt", "closeReason",
         "statements", "denied", "tipSeq", "tipHash")
       VALUES ($1, $2, $3, 'shop', 'app_rw', $4, '[]', 'https://idp.test ann', 'Ann', '127.0.0.1', 'long', now(), now(),
         'client disconnected', $5, $6, $7, $8)`,
      [
        session,
        agent.id,
        agent.name,
        opening,
        statements,
        Math.floor(statements / 97),
        entries.length - 1,
        Buffer.from(last?.hash ?? []).toString('hex'),
      ],
    )
    for (let from = 0; from < entries.length; from += chunk) await insert(client, entries.slice(from, from + chunk))
  } finally {
    await client.end()
  }
  return session
}

function bodiesOf(statements: number) {
  return Array.from({ length: statements }, (_, at) => at + 1).flatMap((number) => {
    if (number % 97 === 0) return [testBody.denied(number)]
    const intent = testBody.intent(number)
    const shown = number % 11 === 0 ? { ...intent, masks: ['shop/email'], maskedColumns: 1 } : intent
    return [shown, testBody.outcome(number)]
  })
}

async function insert(client: pg.Client, entries: ReturnType<typeof chainEntries>): Promise<void> {
  const rows = entries.map(({ seq, bytes, hash }) => {
    const parsed = parseEntry(bytes)
    if (!parsed.ok) throw new Error(parsed.reason)
    return {
      seq,
      entry: parsed.value,
      hash: Buffer.from(hash).toString('hex'),
      bytes,
      ...columnsOf(parsed.value, () => false),
    }
  })
  await client.query(
    `INSERT INTO "RecordedEntry" ("sessionId", "seq", "kind", "atMs", "hash", "bytes", "monoUs", "statement", "verb",
       "object", "lane", "rows", "durationUs")
     SELECT $1, * FROM unnest($2::int[], $3::text[], $4::bigint[], $5::text[], $6::bytea[], $7::bigint[], $8::int[],
       $9::text[], $10::text[], $11::text[], $12::int[], $13::bigint[])`,
    [
      session,
      rows.map(({ seq }) => seq),
      rows.map(({ entry }) => entry.kind),
      rows.map(({ entry }) => entry.atMs),
      rows.map(({ hash }) => hash),
      rows.map(({ bytes }) => Buffer.from(bytes)),
      rows.map(({ monoUs }) => monoUs),
      rows.map(({ statement }) => statement),
      rows.map(({ verb }) => verb),
      rows.map(({ object }) => object),
      rows.map(({ lane }) => lane),
      rows.map(({ rows: count }) => count),
      rows.map(({ durationUs }) => durationUs),
    ],
  )
}
