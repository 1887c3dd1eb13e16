// A world for tests: memory instead of files, captured screens, no network unless a test brings it.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { Readable, Writable } from 'node:stream'
import { manualClock } from '@sallyport/base/clock'
import { runCli } from '../src/program.ts'
import type { World } from '../src/world.ts'

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface TestWorld extends World {
  readonly stored: Map<string, string>
  readonly started: { command: string; parameters: readonly string[]; env: Record<string, string> }[]
}

export const nowMs = Date.parse('2026-06-01T12:00:00Z')

export function makeWorld(
  changes: Partial<World> & { readonly tty?: boolean; readonly columns?: number } = {},
): TestWorld {
  const stored = new Map<string, string>()
  const started: TestWorld['started'] = []
  const screen = { write: () => {}, isTty: changes.tty ?? false, columns: changes.columns ?? 80 }
  return {
    stored,
    started,
    hostname: 'ann-laptop',
    env: { HOME: '/home/ann' },
    stdout: screen,
    stderr: screen,
    clock: manualClock(nowMs),
    files: {
      readText: (path) => stored.get(path) ?? null,
      list(path) {
        const names = [...stored.keys()]
          .filter((name) => name.startsWith(`${path}/`))
          .map((name) => name.slice(path.length + 1))
        return names.length === 0 ? null : names
      },
      writePrivate: (path, content) =>
        void stored.set(path, typeof content === 'string' ? content : Buffer.from(content).toString('base64')),
      writeStream(path) {
        const chunks: Uint8Array[] = []
        return {
          write: (bytes) => void chunks.push(bytes),
          commit: () => void stored.set(path, Buffer.concat(chunks).toString()),
          abandon: () => {},
        }
      },
      remove: (path) => void stored.delete(path),
    },
    fetch: () => Promise.reject(new TypeError('no network in this test')),
    async run(command, parameters, env) {
      started.push({ command, parameters, env })
      return 3
    },
    readStdin: async () => '',
    stdio: () => ({ input: Readable.from([]), output: new Writable() }),
    askHttp: () => Promise.reject(new Error('no network in this test')),
    readLines(path) {
      const text = stored.get(path)
      return text === undefined ? null : linesOf(text)
    },
    sha256: (bytes) => createHash('sha256').update(bytes).digest(),
    verifySignature(publicKey, message, signature) {
      const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' })
      return verify(null, message, key, signature)
    },
    probe: async () => ({ protocol: 'TLSv1.3', validTo: 'later' }),
    sendOnce: () => {},
    pause: async () => {},
    interrupted: new AbortController().signal,
    ...changes,
  }
}

async function* linesOf(text: string): AsyncGenerator<string> {
  yield* text.split('\n').filter((line, index, all) => line !== '' || index < all.length - 1)
}

/** Runs a command line and captures both streams. */
export async function runIn(world: World, ...parameters: string[]): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  const status = await runCli(parameters, {
    ...world,
    stdout: {
      ...world.stdout,
      write(text) {
        stdout += text
      },
    },
    stderr: {
      ...world.stderr,
      write(text) {
        stderr += text
      },
    },
  })
  return { status, stdout, stderr }
}

export const storedLogin = (url: string, expiresAt = '2026-06-01T18:00:00.000Z'): string =>
  JSON.stringify({
    v: 1,
    url,
    provider: 'demo',
    accessToken: 'bearer-of-ann',
    expiresAt,
    me: {
      issuer: 'https://idp',
      subject: 'ann',
      display: 'Ann',
      groups: [],
      roles: ['member'],
      expiresAt,
      csrfToken: null,
    },
  })

export const loginFile = '/home/ann/.config/sallyport/login.json'
