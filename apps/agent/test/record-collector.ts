// The other end of the Ingest stream for tests: takes batches as the control plane does (signature, counter, chain, in
// order), keeps what it took, and can be told to lose answers or to hang up. Its verdict comes from the ledger's verifier.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { toHex } from '@sallyport/ledger/bytes'
import { entryHash, firstPrevious } from '@sallyport/ledger/chain'
import type { Entry } from '@sallyport/ledger/entry'
import { headHash, headMessage, noHead } from '@sallyport/ledger/head'
import type { ExportReport } from '@sallyport/ledger/report'
import { parseEntry, parseHead } from '@sallyport/ledger/shape'
import { exportOf, type TestEntry, type TestHead } from '@sallyport/ledger/testing-record'
import { verifyExport } from '@sallyport/ledger/verify'
import {
  type IngestRequest,
  type IngestResponse,
  IngestResponseSchema,
} from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import type { IngestStream } from '../src/record/upload.ts'

export const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())
export const verifySignature = (spki: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
  verify(null, message, createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), signature)

export type CollectedEntry = TestEntry & { readonly entry: Entry }

export class Collector {
  readonly #entries = new Map<string, CollectedEntry[]>()
  readonly heads: TestHead[] = []
  /** Batches that came again. */
  repeated = 0
  /** Sessions whose batches are refused. */
  readonly refused = new Set<string>()
  readonly #publicKey: Uint8Array

  constructor(publicKey: Uint8Array) {
    this.#publicKey = publicKey
  }

  /** Takes the batch, or throws: the tests' agents are honest. */
  take(request: IngestRequest): IngestResponse {
    const batch = request.batch!
    const { head: bytes, signature } = batch.head!
    if (!verifySignature(this.#publicKey, headMessage(bytes), signature)) throw new Error('signature')
    const parsed = parseHead(bytes)
    if (!parsed.ok) throw new Error(parsed.reason)
    const head = parsed.value
    const known = this.heads[head.counter - 1]
    const answer = (errorCode: string) =>
      create(IngestResponseSchema, {
        batchId: request.batchId,
        session: batch.session,
        acknowledgedSeq: BigInt(head.seq),
        errorCode,
      })
    if (known !== undefined) {
      if (toHex(known.bytes) !== toHex(bytes)) throw new Error(`two heads with counter ${head.counter}`)
      this.repeated++
      return answer(this.refused.has(batch.session) ? 'CHAIN_BROKEN' : '')
    }
    const before = this.heads.at(-1)
    const previous = before === undefined ? noHead : toHex(headHash(sha256, before.bytes))
    if (head.counter !== this.heads.length + 1 || head.previous !== previous)
      throw new Error(`gap before ${head.counter}`)
    this.heads.push({ head, bytes, signature })
    if (this.refused.has(batch.session)) return answer('CHAIN_BROKEN')
    this.#takeEntries(batch.session, Number(batch.firstSeq), batch.entries)
    if (toHex(this.of(batch.session).at(-1)!.hash) !== head.hash) throw new Error('head of other entries')
    return answer('')
  }

  #takeEntries(session: string, firstSeq: number, entries: readonly Uint8Array[]): void {
    const taken = this.#entries.get(session) ?? []
    this.#entries.set(session, taken)
    for (const [index, bytes] of entries.entries()) {
      const parsed = parseEntry(bytes)
      if (!parsed.ok) throw new Error(parsed.reason)
      const tip = taken.at(-1)
      const seq = firstSeq + index
      if (tip !== undefined && seq <= tip.seq) continue
      if (seq !== (tip?.seq ?? -1) + 1) throw new Error(`entry ${seq} after ${tip?.seq}`)
      const hash = entryHash(sha256, seq, tip?.hash ?? firstPrevious(sha256, session), bytes)
      taken.push({ session, seq, bytes, hash: Uint8Array.from(hash), entry: parsed.value })
    }
  }

  of(session: string): readonly CollectedEntry[] {
    return this.#entries.get(session) ?? []
  }

  get entries(): readonly CollectedEntry[] {
    return [...this.#entries.values()].flat()
  }

  /** What an auditor with the agent's key would say of an export of all this. */
  report(): ExportReport {
    const fingerprint = toHex(sha256(this.#publicKey))
    const record = { entries: this.entries, heads: this.heads, publicKey: this.#publicKey, fingerprint }
    const lines = exportOf(sha256, record, { kind: 'range', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER })
    return verifyExport(lines, { sha256, verifySignature, pinnedKeys: [{ fingerprint }] })
  }
}

export interface StreamOptions {
  /** False: the answer is lost on the way, and the stream ends. */
  readonly answers?: (request: IngestRequest) => boolean
  /** True: this request fills the stream. */
  readonly fills?: (request: IngestRequest) => boolean
}

/** An in-process stream to the collector. Answers come in a later turn, as they do over a network. */
export class CollectorStream implements IngestStream {
  readonly sent: IngestRequest[] = []
  isClosed = false
  /** Sent while the stream said that it was full. */
  overran = 0
  #isFull = false
  #onResponse: (response: IngestResponse) => void = () => {}
  #onDrain: () => void = () => {}
  #onEnd: (error: Error | undefined) => void = () => {}
  readonly #collector: Collector
  readonly #options: StreamOptions

  constructor(collector: Collector, options: StreamOptions = {}) {
    this.#collector = collector
    this.#options = options
  }

  send(request: IngestRequest): boolean {
    if (this.#isFull) this.overran++
    this.sent.push(request)
    this.#isFull = this.#options.fills?.(request) === true
    setImmediate(() => this.#answer(request))
    return !this.#isFull
  }

  #answer(request: IngestRequest): void {
    // What was sent arrives, also when the stream has ended and nobody hears the answer.
    const response = this.#collector.take(request)
    if (this.isClosed) return
    if (this.#options.answers?.(request) === false) {
      this.close()
      return
    }
    this.#onResponse(response)
    if (!this.#isFull) return
    this.#isFull = false
    this.#onDrain()
  }

  onResponse(listener: (response: IngestResponse) => void): void {
    this.#onResponse = listener
  }
  onDrain(listener: () => void): void {
    this.#onDrain = listener
  }
  onEnd(listener: (error: Error | undefined) => void): void {
    this.#onEnd = listener
  }
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#onEnd(undefined)
  }
}
