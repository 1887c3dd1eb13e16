// What the store may keep only encrypted: AES-256-GCM under the installation's store key, which lies in the keys directory
// and never in the store. The context is authenticated, so that nobody can move a ciphertext to another row
// (THREATS ).
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'

export interface Vault {
  /** Encrypts under the store key. `context` names the place, for example `webhook-secret ID`. */
  seal(context: string, plain: Uint8Array): Uint8Array<ArrayBuffer>
  /** Throws CHAIN_BROKEN when this is not what was sealed for this place under this key. */
  open(context: string, sealed: Uint8Array): Uint8Array<ArrayBuffer>
  /** Encrypts under a fresh key of its own; without `key`, `sealed` is lost for good. */
  sealApart(context: string, plain: Uint8Array): { sealed: Uint8Array<ArrayBuffer>; key: Uint8Array<ArrayBuffer> }
  openApart(context: string, sealed: Uint8Array, key: Uint8Array): Uint8Array<ArrayBuffer>
  /** Hex of a keyed digest, for texts that are too short to be hidden by a plain hash. */
  digest(context: string, text: string): string
}

const fileName = 'store-key'
const keyBytes = 32
// NIST SP 800-38D: 96-bit nonce, 128-bit tag.
const nonceBytes = 12
const tagBytes = 16

/** Reads the store key, or makes it at the first start. Throws NO_PERMISSION or CONFIG_INVALID. */
export function openVault(directory: string): Vault {
  const storeKey = readOrMake(directory)
  const digestKey = createHmac('sha256', storeKey).update('sallyport digest').digest()
  const openApart: Vault['openApart'] = (context, sealed, key) =>
    decrypt(decrypt(storeKey, `key ${context}`, key), context, sealed)
  return {
    seal: (context, plain) => encrypt(storeKey, context, plain),
    open: (context, sealed) => decrypt(storeKey, context, sealed),
    sealApart(context, plain) {
      const key = randomBytes(keyBytes)
      return { sealed: encrypt(key, context, plain), key: encrypt(storeKey, `key ${context}`, key) }
    },
    openApart,
    digest: (context, text) => createHmac('sha256', digestKey).update(`${context}\0${text}`).digest('hex'),
  }
}

function encrypt(key: Uint8Array, context: string, plain: Uint8Array): Uint8Array<ArrayBuffer> {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(context))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return new Uint8Array(Buffer.concat([nonce, cipher.getAuthTag(), body]))
}

function decrypt(key: Uint8Array, context: string, sealed: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(sealed)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(context))
    decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
    const body = bytes.subarray(nonceBytes + tagBytes)
    return new Uint8Array(Buffer.concat([decipher.update(body), decipher.final()]))
  } catch (cause) {
    throw new SallyportError('CHAIN_BROKEN', 'what the store holds was not sealed by this installation', {
      cause,
      hint: 'check that every replica uses the same keys directory, or put the store back from a backup',
    })
  }
}

const codeOf = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : ''

function readOrMake(directory: string): Buffer {
  const path = join(directory, fileName)
  const draft = join(directory, `.${fileName}-${randomBytes(8).toString('hex')}`)
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeFileSync(draft, randomBytes(keyBytes), { mode: 0o600, flag: 'wx' })
    chmodSync(draft, 0o600)
    // link(2) never replaces a key that is there; of two processes that start at once one wins, and both read a whole key.
    linkSync(draft, path)
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST')
      throw new SallyportError('NO_PERMISSION', `cannot write the store key to "${directory}"`, {
        cause,
        hint: 'give this user the directory, or set SALLYPORT_KEYS_DIR',
      })
  } finally {
    rmSync(draft, { force: true })
  }
  return readKey(path)
}

function readKey(path: string): Buffer {
  const others = 0o077
  if ((statSync(path).mode & others) !== 0)
    throw new SallyportError('NO_PERMISSION', `others can read the key "${path}"`, { hint: `chmod 600 ${path}` })
  const key = readFileSync(path)
  if (key.length === keyBytes) return key
  throw new SallyportError('CONFIG_INVALID', `"${path}" does not hold the key that we wrote`, {
    hint: 'put the keys directory back from a backup',
  })
}
