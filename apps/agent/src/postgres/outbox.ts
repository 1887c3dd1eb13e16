// What a session has written for its two sides and has not sent: one write to each socket, and only behind the record.
import type { Duplex } from 'node:stream'
import { ByteWriter } from '@sallyport/wire/bytes/writer'
import type { SessionRecord } from '../record/record.ts'
import type { TargetLink } from './target-link.ts'

// INVARIANT: no byte leaves for either side before the record of what it belongs to is written.
export class Outbox {
  readonly toClient = new ByteWriter()
  readonly #client: Duplex
  readonly #link: TargetLink
  readonly #record: SessionRecord

  constructor(client: Duplex, link: TargetLink, record: SessionRecord) {
    this.#client = client
    this.#link = link
    this.#record = record
  }

  get length(): number {
    return this.toClient.length + this.#link.toTarget.length
  }

  /** Throws SPOOL_UNWRITABLE; then nothing has left. */
  send(): void {
    this.#record.write()
    this.#link.send()
    if (this.toClient.length > 0) this.#client.write(this.toClient.take())
  }

  /** As the session ends: without a record the client hears `last`, and nothing else leaves. */
  sendLast(last: Buffer | null): void {
    try {
      this.send()
    } catch {
      this.drop()
      if (last !== null) this.#client.write(last)
    }
  }

  /** What waits for a record that cannot be written never leaves. */
  drop(): void {
    this.#link.toTarget.take()
    this.toClient.take()
  }
}
