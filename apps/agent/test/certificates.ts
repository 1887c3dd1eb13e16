// A certificate for the listener of a test, signed by an authority of its own.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export interface TestCertificate {
  /** PEM of the authority. */
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

/** For `localhost` and 127.0.0.1, good for an hour. */
export async function makeCertificate(): Promise<TestCertificate> {
  x509.cryptoProvider.set(webcrypto as any)
  const period = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) }
  const authorityKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=test authority',
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
  }
}
