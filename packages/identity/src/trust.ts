// Whom an installation believes: its issuers with their keys, its groups, and what was revoked. Agents have it from their
// snapshot, the control plane from its store; both verify by it and by nothing else.
import type { GroupDocument, TrustedIssuerDocument } from '@sallyport/policy/document'

/** Name of the TrustedIssuer document that stands for the control plane itself. */
export const builtInIssuerName = 'sallyport'

/** Values of a groups claim that start so are groups of SCIM, which the control plane alone says who is in. */
export const provisionedPrefix = 'scim:'

export interface IssuerWithKeys {
  readonly document: TrustedIssuerDocument
  /** JWK set, public keys only. */
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
}

export interface Revocation {
  readonly jti: string
  readonly issuer: string
  readonly subject: string
  readonly beforeMs: number
}

export interface Trust {
  /** By exact issuer. */
  readonly issuers: ReadonlyMap<string, IssuerWithKeys>
  readonly groups: readonly GroupDocument[]
  readonly revocations: readonly Revocation[]
  /** What `aud` of a token for this installation must contain. */
  readonly audience: string
}
