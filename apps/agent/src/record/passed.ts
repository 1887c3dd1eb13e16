// Entries that another process of the agent has chained: they are written as they come, and whoever made them may end without a
// word. Then each of its sessions gets its end here, so that none is left without one (THREATS ).
import { SallyportError } from '@sallyport/base/errors'
import { Chain, type ChainOptions, type Tip, tipOf } from './chain.ts'
import { scanFrames } from './frame.ts'
import type { Spool } from './spool.ts'
import { decodeSpooled, type Spooled, spooledBytesMax } from './spooled.ts'

/** `reason` of the closing entry for a session whose worker has ended. The control plane shows it as interrupted. */
export const workerEndedReason = 'agent worker ended'

/** Of one process. */
export class PassedChains {
  readonly #options: ChainOptions
  readonly #spool: Spool
  readonly #tips = new Map<string, Tip>()

  constructor(options: ChainOptions, spool: Spool) {
    this.#options = options
    this.#spool = spool
  }

  /** Writes whole frames, all or none. Throws SPOOL_FULL or SPOOL_UNWRITABLE. */
  write(frames: Buffer): void {
    const { payloads, stopped } = scanFrames(frames, spooledBytesMax)
    const entries = payloads.map(({ payload }) => decodeSpooled(payload))
    if (stopped !== 'end' || !this.#follow(entries))
      throw new SallyportError('SPOOL_UNWRITABLE', 'a worker sent entries that do not follow each other')
    // Whether there was room for what is not essential, the worker has asked before.
    this.#spool.append(frames, true, entries.length)
    for (const entry of entries) {
      if (entry === undefined) continue
      if (entry.kind === 'session-closed') this.#tips.delete(entry.session)
      else this.#tips.set(entry.session, tipOf(entry))
    }
  }

  get roomBytes(): number {
    return this.#spool.roomBytes
  }

  /** Closes what is open. Never throws: what cannot be written is logged, and closed by the next start. */
  closeAll(): void {
    for (const tip of this.#tips.values()) {
      try {
        const chain = new Chain(this.#options, this.#spool, tip)
        chain.append({ kind: 'session-closed', reason: workerEndedReason, statements: chain.statements })
      } catch (cause) {
        this.#options.log.error({ err: cause, session: tip.session }, 'session-closing-not-recorded')
      }
    }
    this.#tips.clear()
  }

  #follow(entries: readonly (Spooled | undefined)[]): boolean {
    const last = new Map<string, number>()
    return entries.every((entry) => {
      if (entry === undefined) return false
      const before = last.get(entry.session) ?? this.#tips.get(entry.session)?.seq ?? -1
      last.set(entry.session, entry.seq)
      return entry.seq === before + 1
    })
  }
}
