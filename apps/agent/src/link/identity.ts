// Who this agent is: what it got at enrolment and holds since. One private file, replaced as a whole, so that a key and
// its certificate can never part.
// INVARIANT: private keys and the mask key leave this process in no message.
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { z } from 'zod'
import { readPrivate, writeDurably } from './files.ts'

const secretText = z
  .string()
  .min(1)
  .transform((text) => new Secret(text))

const IdentityFile = z.strictObject({
  agentId: z.string().regex(/^[0-9a-f]{32}$/),
  agentName: z.string().min(1),
  installation: z.string().min(1),
  /** `host:port` of the control plane. */
  address: z.string().min(1),
  advertise: z.string().min(1),
  serverNames: z.array(z.string().min(1)).min(1),
  /** PEM texts. */
  caCertificate: z.string().min(1),
  clientCertificate: z.string().min(1),
  clientKey: secretText,
  serverCertificate: z.string().min(1),
  serverKey: secretText,
  /** SPKI DER of the pinned key that signs snapshots, base64. */
  snapshotKey: z.string().min(1),
  snapshotKeyId: z.string().min(1),
  /** 32 bytes, base64. */
  maskKey: secretText,
})
export type Identity = z.infer<typeof IdentityFile>

export const identityPath = (directory: string): string => join(directory, 'identity.json')
/** The authority's certificate, for callers' `sslrootcert`; public. */
export const authorityPath = (directory: string): string => join(directory, 'ca.pem')
export const recordKeyPath = (directory: string): string => join(directory, 'record-key.pem')

/** Undefined when this agent has not joined. Throws CONFIG_INVALID when the file is not what we wrote. */
export function readIdentity(directory: string): Identity | undefined {
  const path = identityPath(directory)
  const bytes = readPrivate(path)
  if (bytes === undefined) return undefined
  try {
    return IdentityFile.parse(JSON.parse(bytes.toString('utf8')))
  } catch (cause) {
    throw new SallyportError('CONFIG_INVALID', `"${path}" is damaged`, {
      cause,
      hint: 'put it back from a backup, or enrol anew with an empty data directory',
    })
  }
}

/** The only place where the secrets of an identity become text again: into the private file. */
export function writeIdentity(directory: string, identity: Identity): void {
  const { clientKey, serverKey, maskKey, ...rest } = identity
  const revealed = {
    ...rest,
    clientKey: clientKey.reveal(),
    serverKey: serverKey.reveal(),
    maskKey: maskKey.reveal(),
  }
  writeDurably(authorityPath(directory), identity.caCertificate, 0o644)
  writeDurably(identityPath(directory), `${JSON.stringify(revealed, undefined, 2)}\n`)
}

/** SHA-256 over the SubjectPublicKeyInfo of a certificate, hex: what a join token pins. */
export const keyHashOf = (certificate: X509Certificate): string =>
  createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')

/** Throws CA_MISMATCH unless the certificate is of this authority and for this key. */
export function checkIssued(certificatePem: string, key: Secret, caCertificate: string): X509Certificate {
  const refuse = (cause?: unknown) =>
    new SallyportError(
      'CA_MISMATCH',
      'the control plane sent a certificate that does not fit our key or its authority',
      {
        cause,
      },
    )
  try {
    const certificate = new X509Certificate(certificatePem)
    const authority = new X509Certificate(caCertificate)
    const isOurs = certificate.checkPrivateKey(createPrivateKey(key.reveal()))
    if (isOurs && certificate.checkIssued(authority) && certificate.verify(authority.publicKey)) return certificate
  } catch (cause) {
    throw refuse(cause)
  }
  throw refuse()
}

/** Throws CA_MISMATCH unless the client certificate names this agent and nobody else. */
export function checkClientName(certificate: X509Certificate, installation: string, agentId: string): void {
  if (certificate.subjectAltName !== `URI:spiffe://sallyport/${installation}/agent/${agentId}`)
    throw new SallyportError('CA_MISMATCH', 'the control plane sent a certificate for another agent')
}

/** Two thirds of the life of the client certificate have passed. */
export function renewAtMs(identity: Identity): number {
  const certificate = new X509Certificate(identity.clientCertificate)
  const fromMs = Date.parse(certificate.validFrom)
  return fromMs + ((Date.parse(certificate.validTo) - fromMs) * 2) / 3
}

export const clientNotAfterMs = (identity: Identity): number =>
  Date.parse(new X509Certificate(identity.clientCertificate).validTo)
