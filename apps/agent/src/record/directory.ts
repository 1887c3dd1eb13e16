// The spool's own directory: private to the agent's user (0700), and held by one process at a time.
// Two agents on one spool would fork its chain of heads.
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'

/** Makes the directory if it is missing. Throws SPOOL_UNWRITABLE or NO_PERMISSION. */
export function makePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    if ((statSync(path).mode & 0o077) !== 0)
      throw new SallyportError('NO_PERMISSION', `spool directory "${path}" is open to others; run chmod 700 on it`)
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    throw new SallyportError('SPOOL_UNWRITABLE', `spool directory "${path}" cannot be made or read`, { cause })
  }
}

/** Makes names in a directory survive a power cut (fsync of the directory itself). */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** Takes the directory for this process; the answer gives it back. A lock of a process that is gone is taken over. */
export function lockDirectory(path: string, pid: number, isAlive: (pid: number) => boolean): () => void {
  const lock = join(path, 'lock')
  const draft = join(path, `lock.${pid}`)
  writeFileSync(draft, String(pid), { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        linkSync(draft, lock)
        return () => rmSync(lock, { force: true })
      } catch {
        const holder = readHolder(lock)
        // A container's process has the same number after each restart: our own number in the file is a dead one's.
        if (holder !== undefined && holder !== pid && isAlive(holder))
          throw new SallyportError('SPOOL_UNWRITABLE', `spool "${path}" is in use by process ${holder}; stop it first`)
        rmSync(lock, { force: true })
      }
    }
  } finally {
    rmSync(draft, { force: true })
  }
  throw new SallyportError('SPOOL_UNWRITABLE', `spool "${path}" cannot be locked`)
}

function readHolder(lock: string): number | undefined {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

export function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    // EPERM: it lives, under another user.
    return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'EPERM'
  }
}

/** Puts files aside under a name that is free, for a person to look at. */
export function putAside(path: string, names: readonly string[], label: string): string {
  for (let number = 1; ; number++) {
    const aside = join(path, `${label}-${number}`)
    try {
      mkdirSync(aside, { mode: 0o700 })
    } catch (cause) {
      if (typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'EEXIST') continue
      throw new SallyportError('SPOOL_UNWRITABLE', `spool "${path}" cannot put old records aside`, { cause })
    }
    for (const name of names) renameSync(join(path, name), join(aside, name))
    return aside
  }
}
