// How a person of a login stands with what SCIM has provisioned. Logins and changes of SCIM lock the same row, so that a
// person never keeps groups that were taken away at the same moment.
import type { Tx } from '../db.ts'
import { Prisma } from '../gen/prisma/client.ts'
import { provisionedClaim } from '../signin/rules.ts'

export type Standing = 'unknown' | 'active' | 'inactive'

/** Looks the user of a login up and keeps the row from changing until the transaction ends. */
export async function lockProvisioned(tx: Tx, provider: string, subject: string): Promise<Standing> {
  const rows = await tx.$queryRaw<{ active: boolean }[]>(
    Prisma.sql`SELECT "active" FROM "ScimUser" WHERE "provider" = ${provider} AND "subject" = ${subject} FOR SHARE`,
  )
  const [row] = rows
  if (row === undefined) return 'unknown'
  return row.active ? 'active' : 'inactive'
}

export interface Named {
  readonly issuer: string
  readonly subject: string
}

/** Puts the groups of SCIM into the people that are known by now; who is not active is in none. In one statement: a group is large. */
export async function syncProvisioned(tx: Tx, people: readonly Named[]): Promise<void> {
  if (people.length === 0) return
  const issuers = people.map(({ issuer }) => issuer)
  const subjects = people.map(({ subject }) => subject)
  await tx.$executeRaw(Prisma.sql`
    WITH named AS (
      SELECT DISTINCT "issuer", "subject" FROM unnest(${issuers}::text[], ${subjects}::text[]) AS n("issuer", "subject")
    ), claims AS (
      SELECT u."issuer", u."subject", array_agg(${provisionedClaim('')} || m."groupId" ORDER BY m."groupId") AS "values"
      FROM named n
      JOIN "ScimUser" u ON u."issuer" = n."issuer" AND u."subject" = n."subject" AND u."active"
      JOIN "ScimMember" m ON m."userId" = u."id"
      GROUP BY u."issuer", u."subject"
    )
    UPDATE "Person" p SET "provisioned" = COALESCE(c."values", '{}')
    FROM named n LEFT JOIN claims c ON c."issuer" = n."issuer" AND c."subject" = n."subject"
    WHERE p."issuer" = n."issuer" AND p."subject" = n."subject"`)
}
