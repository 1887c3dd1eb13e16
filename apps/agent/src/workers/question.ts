// Questions that a worker waits for within its turn, on a pipe of its own: what is counted for all workers is counted in the
// primary, and entries are written before anything that waits for them leaves. One question at a time; what is told needs no
// answer. A message is u32 length, u8 kind, content; an answer is u32 length and JSON.
import { assert } from '@sallyport/base/assert'
import type { Claim, Full } from '../limits/budgets.ts'
import type { HttpAnswers, HttpQuestion, HttpTold } from './http-questions.ts'
import type { SaidError } from './messages.ts'

export type Question =
  | { readonly kind: 'take'; readonly claims: readonly Claim[] }
  | { readonly kind: 'look'; readonly claims: readonly Claim[] }
  /** `place` is how the worker names it when it leaves. */
  | { readonly kind: 'enterCaller'; readonly place: number; readonly issuer: string; readonly subject: string }
  | { readonly kind: 'enterDoor'; readonly place: number; readonly address: string; readonly residentBytes: number }
  /** Of a connection that has entered. */
  | { readonly kind: 'refusedLogin'; readonly place: number }
  | { readonly kind: 'more'; readonly group: string; readonly max: number }
  | { readonly kind: 'wait'; readonly group: string; readonly caller: string; readonly max: number }
  | { readonly kind: 'holdsFull' }
  | { readonly kind: 'room' }
  | HttpQuestion
export type QuestionOf<K extends Question['kind']> = Extract<Question, { readonly kind: K }>

export interface Answers extends HttpAnswers {
  readonly take: Full | null
  readonly look: Full | null
  /** Null: it may. */
  readonly enterCaller: SaidError | null
  readonly enterDoor: string | null
  /** Milliseconds. */
  readonly refusedLogin: number
  readonly more: boolean
  readonly wait: boolean
  readonly holdsFull: boolean
  /** Bytes of entries that the spool takes. */
  readonly room: number
}

/** The answer to entries: room that is left, or why none of them was written. */
export type Written = number | SaidError

export type Told =
  | { readonly kind: 'leave' | 'authenticated'; readonly place: number }
  | { readonly kind: 'give'; readonly group: string; readonly count: number }
  | { readonly kind: 'waited'; readonly group: string; readonly caller: string }
  | HttpTold

export const messageKinds = { question: 1, told: 2, entries: 3 } as const
const headerBytes = 5
/** Of one message: a write of entries is much smaller (spooling.ts), and so is every claim. */
export const messageBytesMax = 16_777_216

export function packed(kind: number, contents: readonly Uint8Array[]): Buffer {
  const header = Buffer.allocUnsafe(headerBytes)
  header.writeUInt32BE(
    contents.reduce((sum, { length }) => sum + length, 1),
    0,
  )
  header[4] = kind
  return Buffer.concat([header, ...contents])
}

export function packedAnswer(answer: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(answer))
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32BE(text.length, 0)
  return Buffer.concat([length, text])
}

export interface Piped {
  readonly kind: number
  readonly content: Buffer
}

/** Whole messages of what comes in pieces. */
export class Splitter {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): Piped[] {
    const found: Piped[] = []
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= headerBytes) {
      const length = this.#rest.readUInt32BE(0)
      assert(length > 0 && length <= messageBytesMax, 'a worker sends a message that is none')
      if (this.#rest.length < 4 + length) break
      found.push({ kind: this.#rest[4] ?? 0, content: this.#rest.subarray(headerBytes, 4 + length) })
      this.#rest = this.#rest.subarray(4 + length)
    }
    return found
  }
}
