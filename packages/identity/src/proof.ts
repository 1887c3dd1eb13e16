// What a token was believed by, so that it can be asked again when the document of its issuer says something else. Kept in memory
// for as long as its session, and never written anywhere.
import type { Principal } from '@sallyport/base/identity'
import type { TrustedIssuerDocument } from '@sallyport/policy/document'
import { type CryptoKey, exportJWK, type JWTPayload, type KeyObject } from 'jose'
import { hasRequiredClaims, type Payload } from './claims.ts'
import type { Trust } from './trust.ts'

/** A signature that verified. */
export interface Signed {
  readonly payload: JWTPayload
  readonly algorithm: string
  readonly key: CryptoKey | KeyObject | Uint8Array
}

export interface Proof {
  readonly payload: Payload
  readonly algorithm: string
  /** `keyText` of the key that verified it. */
  readonly key: string
  /** `keySourceOf` the document of then. */
  readonly keySource: string
}

export async function signedBy({ payload, algorithm, key }: Signed, document: TrustedIssuerDocument): Promise<Proof> {
  return { payload, algorithm, key: await textOf(key), keySource: keySourceOf(document) }
}

/** Where keys come from by this document. */
export const keySourceOf = ({ spec }: TrustedIssuerDocument): string =>
  spec.jwks === undefined ? (spec.jwksUri ?? 'discovery') : 'pinned'

/**
 * The public members of a key, which say which one it is (RFC 7638, 3.2). A key verifies the same with its numbers padded, in the
 * other alphabet of base64, or with zeros before them, as some tools write them.
 */
export const keyText = (jwk: Readonly<Record<string, unknown>>): string =>
  [jwk['kty'], jwk['crv'], ...['x', 'y', 'n', 'e'].map((name) => numberText(jwk[name]))].join(' ')

const numberText = (value: unknown): string =>
  typeof value === 'string'
    ? Buffer.from(value, 'base64url')
        .toString('hex')
        .replace(/^(00)+/, '')
    : ''

const texts = new WeakMap<object, string>()

async function textOf(key: Signed['key']): Promise<string> {
  const known = texts.get(key)
  if (known !== undefined) return known
  const text = keyText({ ...(await exportJWK(key)) })
  texts.set(key, text)
  return text
}

export type Issued = Pick<Principal, 'kind' | 'issuer' | 'claims'>

/**
 * A workload is believed no longer than its platform, whoever signed for it meanwhile, and while what is known of its claims is what
 * the platform's document requires.
 */
export const arePlatformsTrusted = (principals: readonly Issued[], { issuers }: Pick<Trust, 'issuers'>): boolean =>
  principals.every(({ kind, issuer, claims }) => {
    const platform = issuers.get(issuer)
    return kind !== 'workload' || (platform !== undefined && hasRequiredClaims(claims, platform.document, 'known'))
  })
