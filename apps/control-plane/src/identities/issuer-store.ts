// JWK sets of trusted issuers as they were fetched last. Queries only.
import { z } from 'zod'
import type { Db } from '../db.ts'

export interface StoredKeys {
  readonly issuer: string
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  /** 1970 when no fetch succeeded yet. */
  readonly fetchedAt: Date
  readonly error: string | null
}

const Jwks = z.object({ keys: z.array(z.record(z.string(), z.unknown())) })

export async function readIssuerKeys(db: Db): Promise<StoredKeys[]> {
  const rows = await db.issuerKeys.findMany({ orderBy: { issuer: 'asc' } })
  return rows.flatMap((row) => {
    const jwks = Jwks.safeParse(row.jwks)
    return jwks.success ? [{ ...row, jwks: jwks.data }] : []
  })
}

type Jwk = Record<string, string | string[]>

export async function putIssuerKeys(db: Db, issuer: string, keys: readonly Jwk[], fetchedAt: Date): Promise<void> {
  const jwks = { keys: keys.map((key) => ({ ...key })) }
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
