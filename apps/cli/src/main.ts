// The process: makes the real world, runs the command line and leaves with its exit status.
import { spawn } from 'node:child_process'
import { createHash, createPublicKey, verify } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  createReadStream,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { constants, hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { systemClock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { exportLineCharsMax } from '@sallyport/ledger/export'
import { probeAgent, sendOnce } from './doctor.ts'
import { askHttp } from './http-call.ts'
import { splitLines } from './lines.ts'
import type { Screen } from './output.ts'
import { interruptedStatus, runCli } from './program.ts'
import type { Files, World } from './world.ts'

/** What --file - and pipes may bring, in bytes. */
const stdinBytesMax = 16 * 1_048_576

const screen = (stream: NodeJS.WriteStream): Screen => ({
  write: (text) => void stream.write(text),
  isTty: stream.isTTY === true,
  columns: stream.columns ?? 120,
})

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''

/** The operating system's refusals as ours, with the path. */
function fileFailure(path: string, thrown: unknown): SallyportError {
  const code = codeOf(thrown)
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new SallyportError('NO_SPACE', `no space left to write "${path}"`, { hint: 'free some space' })
  const hint = 'check the path, its owner and its mode'
  return new SallyportError('NO_PERMISSION', `"${path}" cannot be used (${code || 'unknown'})`, { cause: thrown, hint })
}

function guarded<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (thrown) {
    throw thrown instanceof SallyportError ? thrown : fileFailure(path, thrown)
  }
}

/** Undefined becomes null when there is nothing at the path; other failures are thrown. */
function orNull<T>(path: string, run: () => T): T | null {
  try {
    return run()
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR') return null
    throw fileFailure(path, thrown)
  }
}

const files: Files = {
  readText: (path) => orNull(path, () => readFileSync(path, 'utf8')),
  list: (path) => orNull(path, () => (statSync(path).isDirectory() ? readdirSync(path) : null)),
  writePrivate(path, content) {
    guarded(path, () => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      const temporary = `${path}.${process.pid}.tmp`
      writeFileSync(temporary, content, { mode: 0o600, flag: 'w' })
      chmodSync(temporary, 0o600)
      renameSync(temporary, path)
    })
  },
  writeStream(path) {
    const temporary = `${path}.${process.pid}.part`
    const file = guarded(path, () => openSync(temporary, 'w', 0o600))
    return {
      write: (bytes) => guarded(path, () => void writeSync(file, bytes)),
      commit: () =>
        guarded(path, () => {
          closeSync(file)
          renameSync(temporary, path)
        }),
      abandon: () =>
        guarded(path, () => {
          closeSync(file)
          rmSync(temporary, { force: true })
        }),
    }
  },
  remove: (path) => guarded(path, () => rmSync(path, { force: true })),
}

function run(command: string, parameters: readonly string[], env: Record<string, string>): Promise<number> {
  // Ctrl-C belongs to the client: psql cancels its query and goes on.
  const ignore = () => {}
  process.on('SIGINT', ignore)
  const child = spawn(command, [...parameters], { env, stdio: 'inherit' })
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  process.on('SIGTERM', forward)
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => {
      const hint = 'install it, or use: sallyport query TARGET "SQL", which needs no client'
      const missing = new SallyportError('NOT_FOUND', `the program "${command}" is not on this machine`, {
        cause,
        hint,
      })
      reject(codeOf(cause) === 'ENOENT' ? missing : fileFailure(command, cause))
    })
    child.on('exit', (code, signal) => {
      process.off('SIGINT', ignore)
      process.off('SIGTERM', forward)
      resolve(code ?? 128 + (signal === null ? 1 : constants.signals[signal]))
    })
  })
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length > stdinBytesMax)
      throw new SallyportError('REQUEST_TOO_LARGE', `stdin has more than ${stdinBytesMax} bytes`)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function readLines(path: string): AsyncIterable<string> | null {
  const found = orNull(path, () => statSync(path))
  if (found === null) return null
  return splitLines(createReadStream(path, { encoding: 'utf8' }), exportLineCharsMax + 1)
}

/** Ed25519 with an SPKI key; false for anything that is not a good signature. */
function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' })
    return key.asymmetricKeyType === 'ed25519' && verify(null, message, key, signature)
  } catch {
    return false
  }
}

const interruption = new AbortController()
const world: World = {
  hostname: hostname(),
  env: process.env,
  stdout: screen(process.stdout),
  stderr: screen(process.stderr),
  clock: systemClock,
  files,
  fetch: globalThis.fetch,
  run,
  readStdin,
  stdio: () => ({ input: process.stdin, output: process.stdout }),
  askHttp,
  readLines,
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  verifySignature,
  probe: probeAgent,
  sendOnce,
  pause: async (ms, signal) => await setTimeout(ms, undefined, { signal }),
  interrupted: interruption.signal,
}

// A reader that went away (`| head`) is no failure of ours.
process.stdout.on('error', (error) => {
  if (codeOf(error) === 'EPIPE') process.exit(0)
})
process.on('SIGINT', () => {
  // A client that we run has the terminal: it decides what Ctrl-C means.
  if (process.listenerCount('SIGINT') > 1) return
  if (interruption.signal.aborted) process.exit(interruptedStatus)
  interruption.abort()
})
process.exitCode = await runCli(process.argv.slice(2), world)
