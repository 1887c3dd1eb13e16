// Files that must be whole or absent, and private to the agent's user: written beside, synced, then renamed (rename(2)).
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'

const codeOf = (thrown: unknown): unknown =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined

const othersMask = 0o077

/** Replaces the file; after the return it survives a power cut. Throws NO_PERMISSION or NO_SPACE. */
export function writeDurably(path: string, content: string | Uint8Array, mode = 0o600): void {
  const draft = `${path}.new`
  try {
    rmSync(draft, { force: true })
    const file = openSync(draft, 'wx', mode)
    try {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
    syncDirectory(dirname(path))
  } catch (cause) {
    const code = codeOf(cause) === 'ENOSPC' ? 'NO_SPACE' : 'NO_PERMISSION'
    throw new SallyportError(code, `cannot write "${path}"`, { cause, hint: 'give the agent its data directory' })
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** Undefined when there is none. Throws NO_PERMISSION when it cannot be read, or when others can read it. */
export function readPrivate(path: string): Buffer | undefined {
  try {
    if ((statSync(path).mode & othersMask) !== 0)
      throw new SallyportError('NO_PERMISSION', `others can read "${path}"`, { hint: `chmod 600 ${path}` })
    return readFileSync(path)
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    if (codeOf(cause) === 'ENOENT') return undefined
    throw new SallyportError('NO_PERMISSION', `cannot read "${path}"`, { cause })
  }
}

/** Makes the agent's data directory, mode 0700. */
export function makeDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new SallyportError('NO_PERMISSION', `cannot make the data directory "${path}"`, {
      cause,
      hint: 'set SALLYPORT_AGENT_DATA to a directory of this user',
    })
  }
}
