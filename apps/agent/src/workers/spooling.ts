// A worker's way to the record: it makes each session's chain itself, and has the primary write the frames. What several sessions
// note within one turn goes in one message, and nothing that waits for it leaves before the answer.
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { type ChainOptions, type FrameSink, openSession } from '../record/chain.ts'
import type { Recorder } from '../record/record.ts'
import { atTurnEnd } from '../record/turn-end.ts'
import type { Asking } from './asking.ts'
import { errorSaid } from './messages.ts'

export function passedRecorder(
  options: ChainOptions,
  asking: Pick<Asking, 'ask' | 'write'>,
  sync: () => Promise<void>,
): Recorder {
  const sink = new PassedSink(asking, sync)
  return {
    open: (sessionId, mode) => openSession(options, sink, sessionId, mode),
    // The spool's own process says how much is in it.
    spoolBytes: 0,
  }
}

class PassedSink implements FrameSink {
  readonly #asking: Pick<Asking, 'ask' | 'write'>
  readonly #sync: () => Promise<void>
  #pending: Buffer[] = []
  #pendingBytes = 0
  /** What the spool had room for when it was asked last, less what was taken since. */
  #room = 0
  #isStuck = false

  constructor(asking: Pick<Asking, 'ask' | 'write'>, sync: () => Promise<void>) {
    this.#asking = asking
    this.#sync = sync
  }

  append(frame: Buffer, essential: boolean): void {
    this.#makeRoom(frame.length, essential)
    this.#writeAll([...this.#pending, frame])
  }

  add(frame: Buffer, essential: boolean): void {
    if (this.#pendingBytes + frame.length > limits.workerEntriesBytesMax) return void this.append(frame, essential)
    this.#makeRoom(frame.length, essential)
    this.#pending.push(frame)
    this.#pendingBytes += frame.length
    this.#room -= frame.length
  }

  readonly written = atTurnEnd(() => this.write())

  write(): void {
    if (this.#pending.length > 0) this.#writeAll(this.#pending)
  }

  async sync(): Promise<void> {
    this.write()
    await this.#sync()
  }

  #makeRoom(length: number, essential: boolean): void {
    // After a write that failed, the next statement finds out whether it would fail again, before it is taken.
    if (this.#isStuck) this.write()
    if (essential || length <= this.#room) return
    this.#room = this.#asking.ask({ kind: 'room' }) - this.#pendingBytes
    if (length > this.#room)
      throw new SallyportError(
        'SPOOL_FULL',
        'the record of this agent is full; it can go on when the control plane is reachable again',
      )
  }

  /** All of them, or none: then what was pending stays so. */
  #writeAll(frames: readonly Buffer[]): void {
    const written = this.#asking.write(frames)
    if (typeof written !== 'number') {
      this.#isStuck = this.#pending.length > 0
      throw errorSaid(written)
    }
    this.#pending = []
    this.#pendingBytes = 0
    this.#room = written
    this.#isStuck = false
  }
}
