// The record key of an agent: a long-lived Ed25519 key, apart from its mTLS key, that signs heads (DESIGN §6).
// It is made here, stays in one file that only the agent's user can read, and never leaves it.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { SallyportError } from '@sallyport/base/errors'

export interface RecordKey {
  /** SPKI, DER: what goes to the control plane at enrolment, and into exports. */
  readonly publicKey: Uint8Array
  /** SHA-256 of `publicKey`, hex: what an auditor pins, read from the agent itself. */
  readonly fingerprint: string
  sign(message: Uint8Array): Uint8Array
}

/** Loads the key at `path`, or makes it there (mode 0600). Throws NO_PERMISSION or CONFIG_INVALID. */
export function loadRecordKey(path: string): RecordKey {
  return readKey(path) ?? makeKey(path)
}

function readKey(path: string): RecordKey | undefined {
  let pem: string
  try {
    // POSIX mode bits: anyone else who reads this file can sign records in our name.
    if ((statSync(path).mode & 0o077) !== 0)
      throw new SallyportError('NO_PERMISSION', `record key "${path}" can be read by others; run chmod 600 on it`)
    pem = readFileSync(path, 'utf8')
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    if (codeOf(cause) === 'ENOENT') return undefined
    throw new SallyportError('NO_PERMISSION', `record key "${path}" cannot be read by the agent`, { cause })
  }
  return recordKeyOf(privateKeyOf(path, pem))
}

function privateKeyOf(path: string, pem: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (cause) {
    throw new SallyportError('CONFIG_INVALID', `record key "${path}" is not a private key in PEM`, { cause })
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new SallyportError('CONFIG_INVALID', `record key "${path}" is not an Ed25519 key`)
  return key
}

function makeKey(path: string): RecordKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  const draft = `${path}.${process.pid}`
  try {
    const file = openSync(draft, 'wx', 0o600)
    try {
      writeSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    // A link fails where a rename would replace: two starts at once end with one key.
    try {
      linkSync(draft, path)
    } finally {
      unlinkSync(draft)
    }
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST')
      throw new SallyportError('NO_PERMISSION', `record key "${path}" cannot be written by the agent`, { cause })
    const made = readKey(path)
    if (made !== undefined) return made
    throw new SallyportError('NO_PERMISSION', `record key draft "${draft}" is in the way; remove it`, { cause })
  }
  return recordKeyOf(privateKey)
}

function recordKeyOf(key: KeyObject): RecordKey {
  const publicKey = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }))
  return {
    publicKey,
    fingerprint: createHash('sha256').update(publicKey).digest('hex'),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  }
}

const codeOf = (thrown: unknown): unknown =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined
