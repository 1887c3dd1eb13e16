// The keys directory of an installation: the authority's key, the key that signs snapshots, the key of hashes in masks.
// Made whole at the first start, never partly; read by this process alone. Private keys never leave this module as text.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { type Authority, makeAuthority, openAuthority } from './ca.ts'

export interface SnapshotSigner {
  /** First 16 hex digits of the SHA-256 of the public key. */
  readonly keyId: string
  /** SPKI, DER. */
  readonly publicKey: Uint8Array
  sign(bytes: Uint8Array): Uint8Array
}

export interface InstallationKeys {
  readonly installation: string
  readonly authority: Authority
  readonly snapshotSigner: SnapshotSigner
  /** 32 bytes; goes to every agent at enrolment. */
  readonly maskKey: Uint8Array
  /** True when the directory was empty: agents that joined before will not trust these keys. */
  readonly created: boolean
}

const files = {
  installation: 'installation',
  authorityKey: 'authority-key.pem',
  authorityCertificate: 'authority.pem',
  snapshotKey: 'snapshot-key.pem',
  maskKey: 'mask-key',
} as const
const maskKeyBytes = 32
/** All files stand in one directory below, so that one rename makes them all appear. */
const setName = 'installation-keys'

export interface KeysOptions {
  readonly directory: string
  readonly installation: string
  readonly clock: Clock
  readonly randomBytes: (size: number) => Buffer
}

/** Opens the keys, or makes them. Throws NO_PERMISSION or CONFIG_INVALID. */
export async function openKeys(options: KeysOptions): Promise<InstallationKeys> {
  const set = join(options.directory, setName)
  const created = await makeOnce(set, options)
  await checkPrivate(set)
  const read = async (name: string): Promise<Buffer> => await readPrivate(join(set, name))
  const installation = (await read(files.installation)).toString('utf8')
  if (installation !== options.installation)
    throw new SallyportError(
      'CONFIG_INVALID',
      `the keys in "${options.directory}" belong to installation "${installation}", not "${options.installation}"`,
      { hint: 'set SALLYPORT_INSTALLATION back, or use another SALLYPORT_KEYS_DIR' },
    )
  const maskKey = new Uint8Array(await read(files.maskKey))
  if (maskKey.length !== maskKeyBytes) throw damaged(join(set, files.maskKey))
  const authority = await openAuthority({
    installation,
    keyPem: (await read(files.authorityKey)).toString('utf8'),
    certificatePem: (await read(files.authorityCertificate)).toString('utf8'),
    clock: options.clock,
  }).catch((cause: unknown) => {
    throw damaged(set, cause)
  })
  const snapshotSigner = signerOf(await read(files.snapshotKey), join(set, files.snapshotKey))
  return { installation, authority, snapshotSigner, maskKey, created }
}

function signerOf(pem: Buffer, path: string): SnapshotSigner {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (cause) {
    throw damaged(path, cause)
  }
  if (key.asymmetricKeyType !== 'ed25519') throw damaged(path)
  const publicKey = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }))
  return {
    keyId: createHash('sha256').update(publicKey).digest('hex').slice(0, 16),
    publicKey,
    sign: (bytes) => new Uint8Array(sign(null, bytes, key)),
  }
}

const damaged = (path: string, cause?: unknown) =>
  new SallyportError('CONFIG_INVALID', `"${path}" does not hold the keys that we wrote`, {
    cause,
    hint: 'put the keys directory back from a backup',
  })

const codeOf = (thrown: unknown): unknown =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined

/** True when this call made the set. Of two first starts at once, one wins and both use its keys. */
async function makeOnce(set: string, options: KeysOptions): Promise<boolean> {
  if (await exists(set)) return false
  const draft = join(options.directory, `.${setName}-${options.randomBytes(8).toString('hex')}`)
  try {
    await mkdir(draft, { recursive: true, mode: 0o700 })
    await writeSet(draft, options)
    // Fails where a full directory is in the way: rename(2) replaces empty ones only.
    await rename(draft, set)
    return true
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    if (codeOf(cause) === 'ENOTEMPTY' || codeOf(cause) === 'EEXIST') return false
    throw new SallyportError('NO_PERMISSION', `cannot write keys to "${options.directory}"`, {
      cause,
      hint: 'give this user the directory, or set SALLYPORT_KEYS_DIR',
    })
  }
}

/** An empty directory is a mount point or an interrupted start, not a set. */
async function exists(set: string): Promise<boolean> {
  try {
    return (await readdir(set)).length > 0
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return false
    throw new SallyportError('NO_PERMISSION', `cannot read the keys in "${set}"`, { cause })
  }
}

async function writeSet(directory: string, options: KeysOptions): Promise<void> {
  await chmod(directory, 0o700)
  const authority = await makeAuthority(options.installation, options.clock)
  const { privateKey } = generateKeyPairSync('ed25519')
  await writePrivate(join(directory, files.installation), options.installation)
  await writePrivate(join(directory, files.authorityKey), authority.keyPem)
  await writePrivate(join(directory, files.authorityCertificate), authority.certificatePem)
  await writePrivate(join(directory, files.snapshotKey), privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  await writePrivate(join(directory, files.maskKey), options.randomBytes(maskKeyBytes))
}

async function writePrivate(path: string, content: string | Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

const othersMask = 0o077

async function checkPrivate(path: string): Promise<void> {
  const { mode } = await stat(path).catch((cause: unknown) => {
    throw new SallyportError('NO_PERMISSION', `cannot read "${path}"`, { cause })
  })
  if ((mode & othersMask) !== 0)
    throw new SallyportError('NO_PERMISSION', `others can read the keys in "${path}"`, {
      hint: `chmod -R go-rwx ${path}`,
    })
}

async function readPrivate(path: string): Promise<Buffer> {
  await checkPrivate(path)
  return await readFile(path).catch((cause: unknown) => {
    throw new SallyportError('NO_PERMISSION', `cannot read "${path}"`, { cause })
  })
}
