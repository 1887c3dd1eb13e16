// A certificate for the listener of a test, signed by an authority of its own, which signs whatever a test asks for.
import 'reflect-metadata'
import { createHash, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export interface TestCertificate {
  /** PEM of the authority. */
  readonly ca: string
  readonly certificate: string
  readonly key: string
  readonly sign: (wanted: Wanted) => Promise<Pair>
}

export interface Pair {
  readonly certificate: string
  readonly key: string
}

/** A certificate of the authority, for a key of its own; by default one for clients that has begun and not ended. */
export interface Wanted {
  readonly uris: (keyHash: string) => Promise<readonly string[]>
  readonly use?: 'client' | 'server' | 'both'
  readonly ca?: boolean
  readonly endsMs?: number
  readonly beginsMs?: number
}

/** For `localhost` and 127.0.0.1, good for an hour. */
export async function makeCertificate(name = 'CN=test authority'): Promise<TestCertificate> {
  x509.cryptoProvider.set(webcrypto as any)
  const period = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) }
  const authorityKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name,
    ...period,
    signingAlgorithm: algorithm,
    keys: authorityKeys as any,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  })
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: '02',
    subject: 'CN=agent',
    issuer: authority.subject,
    ...period,
    signingAlgorithm: algorithm,
    signingKey: authorityKeys.privateKey as any,
    publicKey: keys.publicKey as any,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    ca: authority.toString('pem'),
    certificate: leaf.toString('pem'),
    key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
    sign: async (wanted) => await signed(authority, authorityKeys.privateKey as any, wanted),
  }
}

async function signed(authority: x509.X509Certificate, signingKey: any, wanted: Wanted): Promise<Pair> {
  const { use = 'client', ca = false, beginsMs = -60_000, endsMs = 600_000 } = wanted
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', keys.publicKey))
  const uris = await wanted.uris(createHash('sha256').update(spki).digest('hex'))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: '03',
    subject: 'CN=caller',
    issuer: authority.subject,
    notBefore: new Date(Date.now() + beginsMs),
    notAfter: new Date(Date.now() + endsMs),
    signingAlgorithm: algorithm,
    signingKey,
    publicKey: keys.publicKey as any,
    extensions: [
      new x509.BasicConstraintsExtension(ca, undefined, true),
      new x509.ExtendedKeyUsageExtension(
        use === 'both' ? [clientAuth, serverAuth] : [use === 'client' ? clientAuth : serverAuth],
      ),
      new x509.SubjectAlternativeNameExtension(uris.map((value) => ({ type: 'url', value }))),
    ],
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { certificate: certificate.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') }
}
