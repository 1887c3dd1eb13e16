// For whom statements were that were not for their session's own initiator: one row for each of them and session, beside the entries.
import { principalKey } from '@sallyport/base/identity'
import type { EntryPrincipal } from '@sallyport/ledger/entry'
import type { FreshEntries, IngestTx } from './store.ts'
import { clean, cleanPrincipal, countMax } from './summary.ts'

interface Row {
  readonly session: string
  readonly key: string
  readonly principal: EntryPrincipal
  statements: number
}

export async function appendInitiators(tx: IngestTx, fresh: readonly FreshEntries[]): Promise<void> {
  const rows = rowsOf(fresh)
  if (rows.length === 0) return
  const values = rows.map(({ session, key, statements, principal }) => {
    const { assurance, kind, issuer, subject, display: name } = principal
    return { session, key, assurance, kind, issuer, subject, name, statements }
  })
  await tx.$executeRaw`
    INSERT INTO "ServedInitiator" AS served
      ("sessionId", "key", "assurance", "kind", "issuer", "subject", "name", "statements")
    SELECT "session", "key", "assurance", "kind", "issuer", "subject", "name", "statements"
    FROM json_to_recordset(${JSON.stringify(values)}::json) AS row ("session" text, "key" text, "assurance" text,
      "kind" text, "issuer" text, "subject" text, "name" text, "statements" int)
    ON CONFLICT ("sessionId", "key", "assurance") DO UPDATE SET "name" = excluded."name",
      "statements" = least(served."statements"::bigint + excluded."statements", ${countMax})::int`
}

/** Each once: PostgreSQL changes no row twice in one statement. */
function rowsOf(fresh: readonly FreshEntries[]): Row[] {
  const rows = new Map<string, Row>()
  for (const { session, entries, continues } of fresh)
    for (const { entry } of entries) {
      if (entry.kind !== 'intent' && entry.kind !== 'denied' && entry.kind !== 'held') continue
      if (entry.chain === undefined) continue
      const principal = cleanPrincipal(entry.chain.initiator)
      const key = clean(principalKey(principal))
      const place = JSON.stringify([session, key, principal.assurance])
      const row = rows.get(place) ?? { session, key, principal, statements: 0 }
      rows.set(place, row)
      // What was approved runs under the number of what was held, and was counted there.
      if (entry.kind !== 'intent' || entry.decision === 'allow' || !continues(entry.statement)) row.statements++
    }
  return [...rows.values()]
}
