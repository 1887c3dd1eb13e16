// The installation's own token key (Ed25519): signs the tokens for targets. It lies in the keys directory as
// token-key.pem, readable by this process alone; the public half is served as a JWK set.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose'

export interface TokenKey {
  readonly privateKey: KeyObject
  /** RFC 7638 thumbprint of the public key. */
  readonly keyId: string
  readonly publicJwk: JWK
}

const fileName = 'token-key.pem'

const codeOf = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : ''

/** Reads the key, or makes it at the first start. Throws NO_PERMISSION when others could read it. */
export async function openTokenKey(directory: string): Promise<TokenKey> {
  const privateKey = readOrMake(directory)
  if (privateKey.asymmetricKeyType !== 'ed25519')
    throw new SallyportError('CONFIG_INVALID', `"${join(directory, fileName)}" is not an Ed25519 key`)
  const jwk = await exportJWK(createPublicKey(privateKey))
  const keyId = await calculateJwkThumbprint(jwk)
  return { privateKey, keyId, publicJwk: { ...jwk, kid: keyId, use: 'sig', alg: 'EdDSA' } }
}

function readOrMake(directory: string): KeyObject {
  const path = join(directory, fileName)
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const { privateKey } = generateKeyPairSync('ed25519')
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
    // `wx` never replaces a key that is there, and of two processes that start at once one wins.
    writeFileSync(path, pem, { mode: 0o600, flag: 'wx' })
    chmodSync(path, 0o600)
    return privateKey
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return readKey(path)
    throw new SallyportError('NO_PERMISSION', `cannot write the token key to "${directory}"`, {
      cause: thrown,
      hint: 'give this user the directory, or set SALLYPORT_KEYS_DIR',
    })
  }
}

function readKey(path: string): KeyObject {
  const others = 0o077
  if ((statSync(path).mode & others) !== 0)
    throw new SallyportError('NO_PERMISSION', `others can read the key "${path}"`, { hint: `chmod 600 ${path}` })
  try {
    return createPrivateKey(readFileSync(path))
  } catch (cause) {
    throw new SallyportError('CONFIG_INVALID', `"${path}" cannot be read as a key in PEM`, { cause })
  }
}
