// Makes a key on this machine and the request for its certificate. The key stays; only the request is sent.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { Secret } from '@sallyport/base/secret'

x509.cryptoProvider.set(webcrypto)

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export interface CertificateRequest {
  /** PEM, PKCS #8. */
  readonly key: Secret
  /** PEM, PKCS #10; its signature proves that we hold the key. */
  readonly csr: string
}

/** The control plane ignores subject and names of a request and writes its own. */
export async function makeRequest(): Promise<CertificateRequest> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: ['agent'] }],
    keys,
    signingAlgorithm: algorithm,
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { key: new Secret(x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')), csr: csr.toString('pem') }
}
