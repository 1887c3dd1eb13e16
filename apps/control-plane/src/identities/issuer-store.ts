// JWK sets of trusted issuers as they were fetched last. Queries only.
import { z } from 'zod'
import type { Db } from '../db.ts'

export interface StoredKeys {
  readonly issuer: string
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  /** `jwksUri` of the document that they were fetched for; null: found by discovery. Absent: fetched by a release that did not say. */
  readonly source?: string | null | undefined
  /** 1970 when no fetch succeeded yet. */
  readonly fetchedAt: Date
  readonly error: string | null
}

const Jwks = z.object({
  keys: z.array(z.record(z.string(), z.unknown())),
  source: z.string().nullable().optional(),
})

export async function readIssuerKeys(db: Db): Promise<StoredKeys[]> {
  const rows = await db.issuerKeys.findMany({ orderBy: { issuer: 'asc' } })
  return rows.flatMap((row) => {
    const jwks = Jwks.safeParse(row.jwks)
    return jwks.success ? [{ ...row, jwks: { keys: jwks.data.keys }, source: jwks.data.source }] : []
  })
}

type Jwk = Record<string, string | string[]>

export async function putIssuerKeys(
  db: Db,
  issuer: string,
  fetched: { readonly keys: readonly Jwk[]; readonly source: string | null },
  fetchedAt: Date,
): Promise<void> {
  const jwks = { keys: fetched.keys.map((key) => ({ ...key })), source: fetched.source }
  await db.issuerKeys.upsert({
    where: { issuer },
    create: { issuer, jwks, fetchedAt, error: null },
    update: { jwks, fetchedAt, error: null },
  })
}

/** The keys stay as they were. */
export async function putIssuerError(db: Db, issuer: string, error: string): Promise<void> {
  await db.issuerKeys.upsert({
    where: { issuer },
    create: { issuer, jwks: { keys: [] }, fetchedAt: new Date(0), error },
    update: { error },
  })
}
