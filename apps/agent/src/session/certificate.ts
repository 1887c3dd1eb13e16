// From the certificate that a client showed in its TLS handshake to a verified principal. TLS has proven that the client holds
// the key; that it is a caller's certificate of this installation, good now and for this key, is decided here (THREATS ).
import { createHash, type X509Certificate } from 'node:crypto'
import { readCallerNames } from '@sallyport/base/certificate'
import { SallyportError } from '@sallyport/base/errors'
import { type VerifiedToken, verifyCertificateRecord } from '@sallyport/identity/verify'
import { z } from 'zod'
import type { CurrentSnapshot } from '../link/current.ts'

/** Whose certificates are believed. */
export interface CallerAuthority {
  readonly certificate: X509Certificate
  readonly installation: string
}

/** id-kp-clientAuth (RFC 5280, 4.2.1.12). */
const clientAuthOid = '1.3.6.1.5.5.7.3.2'

/** Beside the claims of every token of the control plane: the key of the certificate that it stands in. */
const RecordClaims = z.object({ jti: z.string(), sp_role: z.string(), sp_key: z.string() })

/**
 * Whether a certificate says that it is one of ours: only then it counts as a login. Clients show what lies in
 * `~/.postgresql` to everybody who asks, so that others say nothing, and a token or ticket is asked for.
 */
export const isShownAsOurs = (shown: X509Certificate, { certificate }: CallerAuthority): boolean =>
  shown.issuer === certificate.subject

/** Throws CERTIFICATE_INVALID, or a TOKEN_ code where the certificate is ours and no longer good. */
export async function readCallerCertificate(
  shown: X509Certificate,
  authority: CallerAuthority,
  snapshot: CurrentSnapshot,
  nowMs: number,
): Promise<VerifiedToken> {
  const names = checkCertificate(shown, authority, nowMs)
  const { token, payload } = await verifyCertificateRecord(names.record, snapshot, nowMs)
  const claims = RecordClaims.safeParse(payload)
  if (!claims.success || claims.data.jti !== names.id || claims.data.sp_key !== keyHashOf(shown))
    throw refuse('what it says was signed for another certificate')
  return token
}

function checkCertificate(shown: X509Certificate, { certificate, installation }: CallerAuthority, nowMs: number) {
  if (shown.ca || !shown.checkIssued(certificate) || !shown.verify(certificate.publicKey))
    throw refuse('it is not signed by the authority of this installation')
  if (shown.keyUsage?.length !== 1 || shown.keyUsage[0] !== clientAuthOid) throw refuse('it is not for clients')
  const names = readCallerNames(shown.subjectAltName, installation)
  if (names === null) throw refuse('it is none that was issued to a caller')
  if (!(Date.parse(shown.validFrom) <= nowMs && nowMs < Date.parse(shown.validTo))) throw refuse('it has expired')
  return names
}

const keyHashOf = (shown: X509Certificate): string =>
  createHash('sha256')
    .update(shown.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')

const refuse = (reason: string): SallyportError =>
  new SallyportError('CERTIFICATE_INVALID', `the client certificate is not accepted: ${reason}`, {
    hint: 'get a new one with "sallyport connect TARGET --certificate", or show none (sslcertmode=disable)',
  })
