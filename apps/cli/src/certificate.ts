// sallyport connect TARGET --certificate: the login of a database is a key that is made here and never leaves this machine,
// with a certificate for it that is good for an hour, one target and one role.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { CertificateResponse } from '@sallyport/api/certificates'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import type { Session } from './app.ts'
import { configFolder } from './settings.ts'

x509.cryptoProvider.set(webcrypto)

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A login whose key and certificate lie in files, readable by their owner alone. */
export interface CertificateLogin {
  readonly issued: CertificateResponse
  readonly certificatePath: string
  readonly keyPath: string
  /** The same key as pgjdbc reads it (PKCS #8, DER); null where libpq alone is to use it. */
  readonly derKeyPath: string | null
}

/** Asks for one, and writes its files. `name` gives them theirs; those of an earlier login of this name are replaced. */
export async function certificateLogin(
  session: Session,
  target: string,
  { role, name, isForAny }: { readonly role: string | undefined; readonly name: string; readonly isForAny: boolean },
): Promise<CertificateLogin> {
  const { key, der, csr } = await makeRequest()
  const body = { target, csr, ...(role === undefined ? {} : { role }) }
  const issued = await session.api().call('certificateIssue', CertificateResponse, { body })
  const { host, database, user } = issued.connection
  if ([host, database, user].some((text) => !/^[\x20-\x7e]+$/.test(text)) || !/^[0-9a-f]{32}$/.test(issued.id))
    throw new SallyportError('INTERNAL', 'the control plane sent a connection that no client can use')
  const base = `${configFolder(session.world.env)}/certificates/${name.replace(/[^\w.-]/g, '_')}`
  const [certificatePath, keyPath, derKeyPath] = [`${base}.crt`, `${base}.key`, isForAny ? `${base}.pk8` : null]
  const { files } = session.world
  // Never a certificate beside the key of another one.
  files.remove(certificatePath)
  files.writePrivate(keyPath, key.reveal())
  if (derKeyPath !== null) files.writePrivate(derKeyPath, der)
  files.writePrivate(certificatePath, issued.certificate)
  return { issued, certificatePath, keyPath, derKeyPath }
}

export function removeLogin(session: Session, { certificatePath, keyPath, derKeyPath }: CertificateLogin): void {
  for (const path of [certificatePath, keyPath, derKeyPath]) if (path !== null) session.world.files.remove(path)
}

/** A key of this machine, and the request for its certificate; what the request names is ignored. */
async function makeRequest(): Promise<{ readonly key: Secret; readonly der: Uint8Array; readonly csr: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: ['caller'] }],
    keys,
    signingAlgorithm: algorithm,
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  const key = new Secret(`${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`)
  return { key, der: new Uint8Array(pkcs8), csr: csr.toString('pem') }
}
