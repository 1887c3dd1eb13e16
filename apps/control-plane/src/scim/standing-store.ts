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

/** Puts the groups of SCIM into the people that are known by now; who is not active is in none. */
export async function syncProvisioned(tx: Tx, people: readonly Named[]): Promise<void> {
  for (const { issuer, subject } of people)
    await tx.$executeRaw(Prisma.sql`
      UPDATE "Person" SET "provisioned" = COALESCE((
        SELECT array_agg(${provisionedClaim('')} || m."groupId" ORDER BY m."groupId")
        FROM "ScimMember" m JOIN "ScimUser" u ON u."id" = m."userId"
        WHERE u."issuer" = ${issuer} AND u."subject" = ${subject} AND u."active"
      ), '{}')
      WHERE "issuer" = ${issuer} AND "subject" = ${subject}`)
}
