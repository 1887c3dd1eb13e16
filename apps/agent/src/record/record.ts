// The seam between session/ and record/: one SessionRecord for each session, made by the recorder.
// INVARIANT: an intent is written before anything of its statement goes to the target, and an outcome before the client
// hears of it: by `append`, or by `note` and a `write` before the bytes leave.
import type { EntryBody } from '@sallyport/ledger/entry'

export type RecordingMode = 'strict' | 'spool' | 'off'

export interface SessionRecord {
  /**
   * Chains the entry and writes it to the spool. Under `spool` it returns undefined after a completed write(2); under
   * `strict` a promise that settles after fdatasync. Throws or rejects with SPOOL_FULL or SPOOL_UNWRITABLE; then nothing
   * may be forwarded. Under `off` it does nothing.
   */
  append(body: EntryBody): undefined | Promise<void>
  /**
   * The same, but under `spool` the entry is written with the next `write` or `append` of any session. Sessions that are woken
   * together so share one write(2).
   */
  note(body: EntryBody): undefined | Promise<void>
  /** Writes what `note` took, of all sessions. Throws SPOOL_UNWRITABLE: then nothing that waits for it may leave. */
  write(): void
  /**
   * Settles when what `note` took is written, with what others note in the same turn of the event loop: one write(2) for all of them.
   * Rejects with SPOOL_UNWRITABLE: then nothing that waits for it may leave.
   */
  written(): Promise<void>
  /** Writes session-closed and signs the last head. Never throws: what cannot be written is logged. */
  close(reason: string): void
}

export interface Recorder {
  open(sessionId: string, mode: RecordingMode): SessionRecord
  /** Bytes in the spool that are not acknowledged yet. */
  readonly spoolBytes: number
}
