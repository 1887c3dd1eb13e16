// A small certificate authority for the target's TLS, made anew for each stack: ECDSA P-256, one server certificate.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

export interface ServerCertificate {
  /** PEM of the authority, for whoever verifies. */
  readonly ca: string
  readonly cert: string
  readonly key: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 86_400_000

/** A certificate for 127.0.0.1 and these names. */
export async function makeServerCertificate(
  name: string,
  { dnsNames = ['localhost'], days = 1 }: { readonly dnsNames?: readonly string[]; readonly days?: number } = {},
): Promise<ServerCertificate> {
  // The type of the library is that of browsers; Node's has the same functions.
  x509.cryptoProvider.set(webcrypto as any)
  const notBefore = new Date(Date.now() - 60_000)
  const notAfter = new Date(Date.now() + days * dayMs)
  const authorityKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name} authority`,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    keys: authorityKeys as any,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: '02',
    subject: `CN=${name}`,
    issuer: authority.subject,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    signingKey: authorityKeys.privateKey as any,
    publicKey: keys.publicKey as any,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...dnsNames.map((value) => ({ type: 'dns', value }) as const),
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    ca: `${authority.toString('pem')}\n`,
    cert: `${certificate.toString('pem')}\n`,
    key: `${x509.PemConverter.encode(key, 'PRIVATE KEY')}\n`,
  }
}
