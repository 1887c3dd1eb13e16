// For whom statements of sessions were, as ingest took it out of their entries: for lists and the search. Who judges reads the entries.
import { ServedInitiator } from '@sallyport/api/recordings'
import { z } from 'zod'
import type { Db } from '../db.ts'

export interface Served {
  readonly initiators: readonly ServedInitiator[]
  /** With those that are not named. */
  readonly count: number
}
export const servedNobody: Served = { initiators: [], count: 0 }

/** Named for one session. */
const initiatorsShownMax = 20

const Row = ServedInitiator.extend({ sessionId: z.string(), count: z.number().int() })

/** By session; those with the most statements first. */
export async function servedIn(db: Db, sessions: readonly string[]): Promise<ReadonlyMap<string, Served>> {
  const rows = await db.$queryRaw`
    SELECT "sessionId", "kind", "issuer", "subject", "name" AS "display", "assurance", "statements", "count" FROM (
      SELECT *, count(*) OVER (PARTITION BY "sessionId")::int AS "count",
        row_number() OVER (PARTITION BY "sessionId" ORDER BY "statements" DESC, "key", "assurance") AS "place"
      FROM "ServedInitiator" WHERE "sessionId" = ANY (${[...sessions]}::text[])
    ) served WHERE "place" <= ${initiatorsShownMax} ORDER BY "sessionId", "place"`
  const served = new Map<string, { initiators: ServedInitiator[]; count: number }>()
  for (const { sessionId, count, ...initiator } of z.array(Row).parse(rows)) {
    const one = served.get(sessionId) ?? { initiators: [], count }
    one.initiators.push(initiator)
    served.set(sessionId, one)
  }
  return served
}
