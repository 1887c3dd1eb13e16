// Everything outside the process that the commands touch, as one argument: terminal, files, clock, network, programs.
// main.ts makes the real one; tests make theirs.
import type { Readable, Writable } from 'node:stream'
import type { Clock } from '@sallyport/base/clock'
import type { Probe } from './doctor.ts'
import type { AskHttp } from './http-call.ts'
import type { Screen } from './output.ts'

export interface Files {
  /** Null when there is no such file. */
  readText(path: string): string | null
  /** Files of a folder by name, or null when the path is no folder. */
  list(path: string): string[] | null
  /** Replaces the file at once, readable by its owner only; makes the folder, too. */
  writePrivate(path: string, content: string | Uint8Array): void
  /** Opens a file for a download: all of it or nothing appears at `path`. */
  writeStream(path: string): { write(bytes: Uint8Array): void; commit(): void; abandon(): void }
  remove(path: string): void
}

export interface World {
  /** What this machine calls itself. */
  readonly hostname: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Screen
  readonly stderr: Screen
  readonly clock: Clock
  readonly files: Files
  readonly fetch: typeof fetch
  /** Runs a program on this terminal until it ends; its exit status, 128 + n after signal n. NOT_FOUND without it. */
  readonly run: (command: string, parameters: readonly string[], env: Record<string, string>) => Promise<number>
  readonly readStdin: () => Promise<string>
  /** The process's own streams, for a protocol on them. */
  readonly stdio: () => { readonly input: Readable; readonly output: Writable }
  readonly askHttp: AskHttp
  /** A file line by line, without line feeds, whatever its size; null when there is none. */
  readonly readLines: (path: string) => AsyncIterable<string> | null
  readonly sha256: (bytes: Uint8Array) => Uint8Array
  readonly verifySignature: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
  /** TCP and TLS to an agent, for the doctor. */
  readonly probe: Probe
  /** Sends bytes on a connection of their own, without waiting for anything. */
  readonly sendOnce: (host: string, port: number, bytes: Uint8Array) => void
  /** Waits for milliseconds, or until the signal. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Fires on Ctrl-C. */
  readonly interrupted: AbortSignal
}
