// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS from the client's side (RFC 5802, RFC 7677), as states that a caller moves along.
// Nothing here reads or writes a socket; the server is trusted with nothing until its signature is verified.
import { createHash, createHmac, pbkdf2, timingSafeEqual, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import type { Secret } from '@sallyport/base/secret'
import { saslPrepared } from './saslprep.ts'

/** The server broke the exchange or does not know the password. */
export class ScramError extends Error {
  override name = 'ScramError'
}

/**
 * What the client says about channel binding (RFC 5802, section 6): `bound` with the bytes, `unoffered` when it could
 * and the server did not offer it (the server fails a downgrade by that), `none` when it cannot.
 */
export type Binding =
  | { readonly kind: 'bound'; readonly bytes: Uint8Array }
  | { readonly kind: 'unoffered' }
  | { readonly kind: 'none' }

/** Waiting for the server's first message. */
export interface ScramOpened {
  readonly message: string
  /** The message without what is said about channel binding. */
  readonly bare: string
  readonly nonce: string
  readonly binding: Binding
}

/** Waiting for the server's last message. */
export interface ScramProved {
  readonly message: string
  readonly signature: Buffer
}

/** Past this the server would keep us computing; PostgreSQL's default is 4096. */
export const scramIterationsMax = 1_000_000
/** RFC 7677, section 4: fewer make guessing cheap for whoever listens. */
export const scramIterationsMin = 4_096

const derive = promisify(pbkdf2)

/**
 * The client's first message. `nonce` is fresh and random: printable ASCII without a comma. PostgreSQL takes the name from
 * the start-up packet and wants none here (manual, "SCRAM-SHA-256 Authentication").
 */
export function openScram(nonce: string, binding: Binding, name = ''): ScramOpened {
  const bare = `n=${name},r=${nonce}`
  return { message: `${gs2Header(binding)}${bare}`, bare, nonce, binding }
}

/** The client's proof. Throws ScramError when the server's message is not an answer to ours. */
export async function proveScram(opened: ScramOpened, serverFirst: string, password: Secret): Promise<ScramProved> {
  const { nonce, salt, iterations } = readServerFirst(opened, serverFirst)
  const salted = await derive(Buffer.from(saslPrepared(password.reveal()), 'utf8'), salt, iterations, 32, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  const header = Buffer.from(gs2Header(opened.binding), 'utf8')
  const channel = opened.binding.kind === 'bound' ? Buffer.concat([header, opened.binding.bytes]) : header
  const withoutProof = `c=${channel.toString('base64')},r=${nonce}`
  const authMessage = `${opened.bare},${serverFirst},${withoutProof}`
  const clientSignature = hmac(createHash('sha256').update(clientKey).digest(), authMessage)
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ clientSignature.readUInt8(at)))
  return {
    message: `${withoutProof},p=${proof.toString('base64')}`,
    signature: hmac(hmac(salted, 'Server Key'), authMessage),
  }
}

/** Returns once the server has proved that it knows the verifier; throws ScramError otherwise. */
export function verifyScram(proved: ScramProved, serverFinal: string): void {
  if (serverFinal.startsWith('e=')) throw new ScramError('the server ended the SCRAM exchange')
  const signature = /^v=([A-Za-z0-9+/]{43}=)$/.exec(serverFinal)?.[1]
  if (signature === undefined) throw new ScramError('the last SCRAM message of the server is malformed')
  if (!timingSafeEqual(Buffer.from(signature, 'base64'), proved.signature))
    throw new ScramError('the server does not know the password: its SCRAM signature is wrong')
}

/**
 * Binding bytes of `tls-server-end-point` for a certificate in DER (RFC 5929, section 4.1), or undefined where the RFC
 * defines none (Ed25519, RSA-PSS).
 */
export function endPointBinding(certificate: Buffer): Buffer | undefined {
  const hash = bindingHashes[signatureAlgorithm(certificate)]
  return hash === undefined ? undefined : createHash(hash).update(certificate).digest()
}

/** Content bytes of the algorithm's OID, in hex. MD5 and SHA-1 are replaced by SHA-256. */
const bindingHashes: Readonly<Record<string, 'sha224' | 'sha256' | 'sha384' | 'sha512'>> = {
  '2a864886f70d010104': 'sha256', // md5WithRSAEncryption
  '2a864886f70d010105': 'sha256', // sha1WithRSAEncryption
  '2a864886f70d01010b': 'sha256', // sha256WithRSAEncryption
  '2a864886f70d01010c': 'sha384', // sha384WithRSAEncryption
  '2a864886f70d01010d': 'sha512', // sha512WithRSAEncryption
  '2a864886f70d01010e': 'sha224', // sha224WithRSAEncryption
  '2a8648ce3d0401': 'sha256', // ecdsa-with-SHA1
  '2a8648ce3d040301': 'sha224', // ecdsa-with-SHA224
  '2a8648ce3d040302': 'sha256', // ecdsa-with-SHA256
  '2a8648ce3d040303': 'sha384', // ecdsa-with-SHA384
  '2a8648ce3d040304': 'sha512', // ecdsa-with-SHA512
}

// Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OID, … }, signature } (RFC 5280, 4.1).
function signatureAlgorithm(certificate: Buffer): string {
  // Refuses anything that is no certificate before the bytes are walked.
  const { raw } = new X509Certificate(certificate)
  const toBeSigned = derAt(raw, derAt(raw, 0).start)
  const algorithm = derAt(raw, toBeSigned.end)
  const oid = derAt(raw, algorithm.start)
  return raw.toString('hex', oid.start, oid.end)
}

/** Where the content of a DER element begins and ends. */
function derAt(bytes: Buffer, at: number): { readonly start: number; readonly end: number } {
  const first = bytes.readUInt8(at + 1)
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const lengthBytes = first & 0x7f
  const start = at + 2 + lengthBytes
  return { start, end: start + bytes.readUIntBE(at + 2, lengthBytes) }
}

function readServerFirst(
  opened: ScramOpened,
  message: string,
): { readonly nonce: string; readonly salt: Buffer; readonly iterations: number } {
  const match = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9][0-9]{0,9})$/.exec(message)
  const [, nonce = '', salt = '', iterations = ''] = match ?? []
  if (match === null || salt.length % 4 !== 0)
    throw new ScramError('the first SCRAM message of the server is malformed')
  if (!nonce.startsWith(opened.nonce) || nonce.length === opened.nonce.length)
    throw new ScramError('the server answers to another SCRAM nonce')
  const count = Number(iterations)
  if (count > scramIterationsMax) throw new ScramError(`the server asks for ${count} SCRAM iterations`)
  // Inside TLS nobody listens, and a server may be set to fewer; without it they are all that protects the password.
  if (opened.binding.kind === 'none' && count < scramIterationsMin)
    throw new ScramError(`the server asks for ${count} SCRAM iterations; at least ${scramIterationsMin} without TLS`)
  return { nonce, salt: Buffer.from(salt, 'base64'), iterations: count }
}

function gs2Header(binding: Binding): string {
  switch (binding.kind) {
    case 'bound':
      return 'p=tls-server-end-point,,'
    case 'unoffered':
      return 'y,,'
    case 'none':
      return 'n,,'
  }
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
