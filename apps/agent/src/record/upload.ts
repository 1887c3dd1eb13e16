// Sends sealed batches over the Ingest stream and trims the spool behind the acknowledgements (DESIGN §6).
// It opens the stream again for as long as it runs, and sends first what was not acknowledged. It never drops a batch.
import { create } from '@bufbuild/protobuf'
import { limits } from '@sallyport/base/limits'
import { EntryBatchSchema, SignedHeadSchema } from '@sallyport/proto/gen/sallyport/v1/entry_pb'
import {
  type IngestRequest,
  IngestRequestSchema,
  type IngestResponse,
} from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import type { SealedBatch, Sealer } from './seal.ts'
import type { RecordLog, Spool } from './spool.ts'

/** One Ingest stream as link/ gives it. Listeners are set once, right after it is opened. */
export interface IngestStream {
  /** False: the stream is full; wait for `onDrain` before the next. The request itself was taken. */
  send(request: IngestRequest): boolean
  onResponse(listener: (response: IngestResponse) => void): void
  onDrain(listener: () => void): void
  /** Called once, also after `close`. */
  onEnd(listener: (error: Error | undefined) => void): void
  close(): void
}

export interface UploadOptions {
  /** What `openRecorder` answers. */
  readonly recorder: { readonly sealer: Sealer; readonly spool: Spool; readonly step: (name: string) => void }
  /** Opens a stream; rejects when the control plane cannot be reached. */
  readonly open: (signal: AbortSignal) => Promise<IngestStream>
  readonly signal: AbortSignal
  readonly log: RecordLog
  /** How long entries are gathered before a batch is sealed, in milliseconds. */
  readonly lingerMs?: number
  /** Between two attempts to open a stream, in milliseconds, for the n-th failure in a row. */
  readonly backoffMs?: (failures: number) => number
}

/** Each batch of a session costs a signature, two notes in the journal and a message: what a busy session does within this is
 * one batch. It is also what can be lost with the host itself, never with the process. */
const lingerMsDefault = 250
/** Without an answer for this long while batches are out, the stream counts as dead, in milliseconds. */
const answerMsMax = 30_000
/** Codes that no repetition can change: the session's entries stay in the spool, and a person must look. */
const finalCodes: ReadonlySet<string> = new Set(['CHAIN_BROKEN', 'REQUEST_INVALID'])

const backoffMsDefault = (failures: number): number => Math.min(30_000, 250 * 2 ** Math.min(failures, 7))

/** Runs until the signal; the promise settles when the stream is closed. */
export async function startUpload(options: UploadOptions): Promise<void> {
  const upload = new Upload(options)
  try {
    await upload.run()
  } finally {
    options.recorder.sealer.putBack(upload.unacknowledged())
  }
}

/** Remembers a wake-up that came while nobody waited. */
class Bell {
  #isRung = false
  #wake: (() => void) | undefined
  ring(): void {
    this.#isRung = true
    this.#wake?.()
  }
  /** Settles at the next ring, or after `ms`. */
  async wait(ms: number): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#wake = undefined
    this.#isRung = false
  }
}

class Upload {
  readonly #options: UploadOptions
  readonly #bell = new Bell()
  /** Sealed, not sent on this stream. */
  #waiting: SealedBatch[] = []
  /** Sent, not acknowledged, in the order of sending. */
  readonly #inFlight = new Map<bigint, SealedBatch>()
  #isBlocked = false
  #isEnded = true
  #lastAnswerMs = 0

  constructor(options: UploadOptions) {
    this.#options = options
    options.recorder.spool.onWritten = () => this.#bell.ring()
    options.signal.addEventListener('abort', () => this.#bell.ring(), { once: true })
  }

  async run(): Promise<void> {
    const { open, signal, log, backoffMs = backoffMsDefault } = this.#options
    let failures = 0
    while (!signal.aborted) {
      try {
        const stream = await open(signal)
        const acknowledged = await this.#pump(stream)
        if (acknowledged) failures = 0
      } catch (cause) {
        if (!signal.aborted) log.warn({ err: cause }, 'upload-interrupted')
      }
      if (signal.aborted) return
      await pause(backoffMs(failures++), signal)
    }
  }

  /** Works on one stream until it ends. True when anything was acknowledged on it. */
  async #pump(stream: IngestStream): Promise<boolean> {
    const { signal } = this.#options
    const { sealer } = this.#options.recorder
    let acknowledged = false
    this.#begin(stream, () => {
      acknowledged = true
    })
    try {
      while (!this.#isEnded && !signal.aborted) {
        if (this.#waiting.length === 0) this.#waiting = await sealer.next()
        this.#sendWaiting(stream)
        await this.#bell.wait(answerMsMax)
        this.#expectAnswer(stream)
        if (this.#isEnded || signal.aborted) break
        if (this.#waiting.length === 0 && !sealer.isBehind) await this.#linger()
      }
    } finally {
      this.#isEnded = true
      stream.close()
    }
    return acknowledged
  }

  /** In the order of their counters. */
  unacknowledged(): SealedBatch[] {
    return [...this.#inFlight.values(), ...this.#waiting]
  }

  #begin(stream: IngestStream, onAcknowledged: () => void): void {
    // What was out when the last stream ended goes first, with the same heads.
    this.#waiting = this.unacknowledged()
    this.#inFlight.clear()
    this.#isBlocked = false
    this.#isEnded = false
    this.#lastAnswerMs = performance.now()
    stream.onResponse((response) => {
      this.#lastAnswerMs = performance.now()
      if (this.#answered(stream, response)) onAcknowledged()
      this.#bell.ring()
    })
    stream.onDrain(() => {
      this.#isBlocked = false
      this.#bell.ring()
    })
    stream.onEnd((error) => {
      this.#isEnded = true
      if (error !== undefined) this.#options.log.warn({ err: error }, 'upload-stream-ended')
      this.#bell.ring()
    })
  }

  #sendWaiting(stream: IngestStream): void {
    while (!this.#isBlocked && !this.#isEnded && this.#inFlight.size < limits.batchesInFlightMax) {
      const batch = this.#waiting.shift()
      if (batch === undefined) return
      this.#options.recorder.step('before-upload')
      if (this.#inFlight.size === 0) this.#lastAnswerMs = performance.now()
      this.#inFlight.set(BigInt(batch.counter), batch)
      this.#isBlocked = !stream.send(requestOf(batch))
    }
  }

  /** True when the batch is acknowledged. */
  #answered(stream: IngestStream, response: IngestResponse): boolean {
    const { log } = this.#options
    const { sealer } = this.#options.recorder
    const batch = this.#inFlight.get(response.batchId)
    if (batch === undefined) {
      log.warn({ batch: String(response.batchId) }, 'acknowledgement-of-unknown-batch')
      return false
    }
    const { session, counter } = batch
    if (response.errorCode !== '' && !finalCodes.has(response.errorCode)) {
      log.warn({ session, counter, code: response.errorCode }, 'batch-not-accepted')
      stream.close()
      return false
    }
    this.#inFlight.delete(response.batchId)
    if (response.errorCode !== '') {
      log.error({ session, counter, code: response.errorCode, reason: response.errorMessage }, 'batch-refused')
      sealer.refuse(batch)
      return false
    }
    const last = batch.firstSeq + batch.entries.length - 1
    if (response.acknowledgedSeq < BigInt(last)) {
      log.error(
        { session, counter, acknowledged: String(response.acknowledgedSeq), last },
        'batch-acknowledged-in-part',
      )
      sealer.refuse(batch)
      return false
    }
    sealer.acknowledge(batch)
    return true
  }

  async #linger(): Promise<void> {
    const { lingerMs = lingerMsDefault, signal } = this.#options
    if (lingerMs > 0) await pause(lingerMs, signal)
  }

  #expectAnswer(stream: IngestStream): void {
    if (this.#inFlight.size === 0 || performance.now() - this.#lastAnswerMs < answerMsMax) return
    this.#options.log.warn({ inFlight: this.#inFlight.size }, 'upload-without-answer')
    stream.close()
  }
}

/** Settles after `ms` or at the signal, and never rejects. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
  })
}

function requestOf(batch: SealedBatch): IngestRequest {
  return create(IngestRequestSchema, {
    // Counters are unique per agent, so they name batches too.
    batchId: BigInt(batch.counter),
    batch: create(EntryBatchSchema, {
      session: batch.session,
      firstSeq: BigInt(batch.firstSeq),
      entries: [...batch.entries],
      head: create(SignedHeadSchema, { head: batch.head, signature: batch.signature }),
    }),
  })
}
