// Makes a key on this machine and the request for its certificate. The key stays; only the request is sent.
import { webcrypto } from 'node:crypto'
import { Secret } from '@sallyport/base/secret'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export interface CertificateRequest {
  /** PEM, PKCS #8. */
  readonly key: Secret
  /** PEM, PKCS #10; its signature proves that we hold the key. */
  readonly csr: string
}

/** Loaded when it is needed: for most of its life an agent has its certificates, and ten megabytes less. */
async function loadX509() {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto)
  return x509
}

/** The control plane ignores subject and names of a request and writes its own. */
export async function makeRequest(): Promise<CertificateRequest> {
  const x509 = await loadX509()
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: ['agent'] }],
    keys,
    signingAlgorithm: algorithm,
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { key: new Secret(x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')), csr: csr.toString('pem') }
}
