// The installation's certificate authority: an ECDSA P-256 key that signs the certificates of the control plane, of the
// agents, of the agents' listeners, and of callers. Subjects and names of requests are ignored; only their keys are used.
// INVARIANT: only the control plane has a certificate for servers that carries a spiffe:// URI, so that no agent's
// certificate passes for the control plane.
import 'reflect-metadata'
import { createHash, webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { type CertificateName, csrCharsMax } from './rules.ts'

x509.cryptoProvider.set(webcrypto)

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const hourMs = 3_600_000
export const clientLifeMs = 24 * hourMs
export const listenerLifeMs = 30 * 24 * hourMs
export const controlPlaneLifeMs = 24 * hourMs
const authorityLifeMs = 10 * 365 * 24 * hourMs
/** Certificates begin in the past by this much, so that a clock that is behind takes them. */
const backdateMs = 300_000

export interface Issued {
  readonly pem: string
  /** Hex. */
  readonly serial: string
  readonly notAfterMs: number
}

export interface IssuedServer {
  /** The leaf, then the authority: agents look for the pinned key in what is presented. */
  readonly chainPem: string
  readonly keyPem: string
  readonly notAfterMs: number
}

export interface Authority {
  readonly certificatePem: string
  readonly certificate: X509Certificate
  /** SHA-256 of the public key (SPKI, DER), hex: what join tokens pin. */
  readonly keyHash: string
  /** A fresh key and certificate for the gRPC listener. */
  issueControlPlane(names: readonly CertificateName[]): Promise<IssuedServer>
  /** For the agent's side of the link. Throws REQUEST_INVALID when the request does not verify. */
  issueAgent(csrPem: string, agentId: string): Promise<Issued>
  /** For a caller's login at agents, by its id and these URIs, one of which holds the SHA-256 of its key. */
  issueCaller(csrPem: string, caller: CallerNamed): Promise<Issued>
  /** For the listener that callers reach. */
  issueListener(csrPem: string, names: readonly CertificateName[]): Promise<Issued>
}

/** What a caller's certificate is for. */
export interface CallerNamed {
  readonly id: string
  readonly uris: (keyHash: string) => Promise<readonly string[]>
  readonly lifeMs: number
}

export const controlPlaneUri = (installation: string): string => `spiffe://sallyport/${installation}/control-plane`
export const agentUri = (installation: string, agentId: string): string =>
  `spiffe://sallyport/${installation}/agent/${agentId}`

/** SHA-256 over the SubjectPublicKeyInfo of a certificate, hex. */
export const keyHashOf = (certificatePem: string): string =>
  createHash('sha256')
    .update(new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')

/** A new authority, as PEM texts. */
export async function makeAuthority(
  installation: string,
  clock: Clock,
): Promise<{ keyPem: string; certificatePem: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const now = clock.nowMs()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ O: ['Sallyport'] }, { CN: [`${installation} authority`] }],
    notBefore: new Date(now - backdateMs),
    notAfter: new Date(now + authorityLifeMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { keyPem: await pemOf(keys.privateKey), certificatePem: certificate.toString('pem') }
}

const pemOf = async (key: webcrypto.CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')

/** 127 random bits: positive in DER (RFC 5280, 4.1.2.2). */
function newSerial(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)))
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0)
  return bytes.toString('hex')
}

export async function openAuthority(options: {
  readonly installation: string
  readonly keyPem: string
  readonly certificatePem: string
  readonly clock: Clock
}): Promise<Authority> {
  const { installation, keyPem, certificatePem, clock } = options
  const own = new x509.X509Certificate(certificatePem)
  const key = await webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(keyPem), algorithm, false, [
    'sign',
  ])
  const issue = async (request: Request): Promise<Issued> => await sign(own, key, clock.nowMs(), request)
  return {
    certificatePem,
    certificate: new X509Certificate(certificatePem),
    keyHash: keyHashOf(certificatePem),
    async issueControlPlane(names) {
      const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
      const alternatives = [...names.map(toAlternative), { type: 'url', value: controlPlaneUri(installation) } as const]
      const request = { publicKey: keys.publicKey, alternatives, use: 'server', lifeMs: controlPlaneLifeMs } as const
      const { pem, notAfterMs } = await issue({ ...request, commonName: 'control-plane' })
      return { chainPem: `${pem}\n${certificatePem}\n`, keyPem: await pemOf(keys.privateKey), notAfterMs }
    },
    async issueAgent(csrPem, agentId) {
      const publicKey = await readCsr(csrPem)
      const alternatives = [{ type: 'url', value: agentUri(installation, agentId) } as const]
      return await issue({ publicKey, alternatives, use: 'client', lifeMs: clientLifeMs, commonName: agentId })
    },
    async issueCaller(csrPem, { id, uris, lifeMs }) {
      const publicKey = await readCsr(csrPem)
      const names = await uris(createHash('sha256').update(Buffer.from(publicKey.rawData)).digest('hex'))
      const alternatives = names.map((value) => ({ type: 'url', value }) as const)
      return await issue({ publicKey, alternatives, use: 'client', lifeMs, commonName: id })
    },
    async issueListener(csrPem, names) {
      const publicKey = await readCsr(csrPem)
      const alternatives = names.map(toAlternative)
      return await issue({ publicKey, alternatives, use: 'server', lifeMs: listenerLifeMs, commonName: 'listener' })
    },
  }
}

const toAlternative = (name: CertificateName) => ({ type: name.type, value: name.value })

interface Request {
  readonly publicKey: x509.PublicKeyType
  readonly alternatives: readonly { readonly type: 'dns' | 'ip' | 'url'; readonly value: string }[]
  readonly use: 'server' | 'client'
  readonly lifeMs: number
  readonly commonName: string
}

async function sign(
  authority: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
  nowMs: number,
  request: Request,
): Promise<Issued> {
  const serial = newSerial()
  const notAfterMs = Math.min(nowMs + request.lifeMs, authority.notAfter.getTime())
  const purpose = request.use === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: [{ O: ['Sallyport'] }, { CN: [request.commonName] }],
    issuer: authority.subject,
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(notAfterMs),
    signingKey,
    publicKey: request.publicKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([purpose]),
      new x509.SubjectAlternativeNameExtension([...request.alternatives]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  })
  return { pem: certificate.toString('pem'), serial, notAfterMs }
}

/** The key of a certificate request, after its signature proved that the sender holds the private half. */
async function readCsr(csrPem: string): Promise<x509.PublicKey> {
  const refuse = (cause?: unknown) =>
    new SallyportError(
      'REQUEST_INVALID',
      'the certificate request is not valid; it needs a P-256 key and a signature',
      {
        cause,
      },
    )
  if (csrPem.length > csrCharsMax) throw refuse()
  let publicKey: x509.PublicKey
  let isSigned: boolean
  try {
    const csr = new x509.Pkcs10CertificateRequest(csrPem)
    publicKey = csr.publicKey
    isSigned = await csr.verify()
  } catch (cause) {
    throw refuse(cause)
  }
  const curve = 'namedCurve' in publicKey.algorithm ? publicKey.algorithm.namedCurve : undefined
  if (!isSigned || curve !== 'P-256') throw refuse()
  return publicKey
}
