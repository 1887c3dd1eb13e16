// The seam between session/ and record/: one SessionRecord for each session, made by the recorder.
// INVARIANT: `append` of an intent has completed before anything of the statement goes to the target.
import type { EntryBody } from '@sallyport/ledger/entry'

export type RecordingMode = 'strict' | 'spool' | 'off'

export interface SessionRecord {
  /**
   * Chains the entry and writes it to the spool. Under `spool` it returns undefined after a completed write(2); under
   * `strict` a promise that settles after fdatasync. Throws or rejects with SPOOL_FULL or SPOOL_UNWRITABLE; then nothing
   * may be forwarded. Under `off` it does nothing.
   */
  append(body: EntryBody): undefined | Promise<void>
  /** Writes session-closed and signs the last head. Never throws: what cannot be written is logged. */
  close(reason: string): void
}

export interface Recorder {
  open(sessionId: string, mode: RecordingMode): SessionRecord
  /** Bytes in the spool that are not acknowledged yet. */
  readonly spoolBytes: number
}
