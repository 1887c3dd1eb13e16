// The batches of one transaction: what is known of their sessions, and what was judged and is not stored yet. It is stored
// together, because each statement to the store costs more than a batch does.
// INVARIANT: whoever asks the store for what this transaction may have changed has it stored first.
import type { AgentChain, CheckedEntry, ShownBatch } from './check.ts'
import type { JudgedHead } from './heads.ts'
import { appendInitiators } from './initiators.ts'
import {
  advanced,
  appendEntries,
  appendHeads,
  type ChangedSession,
  type FreshEntries,
  type IngestTx,
  type NextHead,
  type StoredSession,
  saveSessions,
} from './store.ts'
import { additionOf } from './summary.ts'

export class Unit {
  readonly #tx: IngestTx
  readonly #known: Map<string, StoredSession>
  #agent: AgentChain
  #heads: NextHead[] = []
  #entries: FreshEntries[] = []
  #changed = new Map<string, ChangedSession>()

  constructor(tx: IngestTx, agent: AgentChain, known: Map<string, StoredSession>) {
    this.#tx = tx
    this.#agent = agent
    this.#known = known
  }

  /** Where the agent's chain of heads stands, with what is not stored yet. */
  get agent(): AgentChain {
    return this.#agent
  }

  /** The same of a session; null where there is none. */
  session(id: string): StoredSession | null {
    return this.#known.get(id) ?? null
  }

  addHead(batch: ShownBatch, judged: JudgedHead): void {
    this.#heads.push({ batch, judged })
    this.#agent = { ...this.#agent, headCounter: judged.head.counter, headHash: judged.hash }
  }

  /** `entries`: at least one, checked against `session`. */
  addEntries(id: string, entries: readonly CheckedEntry[], continues: (statement: number) => boolean): void {
    const last = entries.at(-1)
    if (last === undefined) return
    this.#entries.push({ session: id, entries, continues })
    const added = additionOf(entries, continues)
    const now = advanced(this.session(id), this.#agent.id, added, { seq: last.entry.seq, hash: last.hash })
    const before = this.#changed.get(id)
    this.#known.set(id, now)
    this.#changed.set(id, {
      id,
      now,
      opening: added.opening ?? before?.opening ?? null,
      closing: added.closing ?? before?.closing ?? null,
    })
  }

  /** The store, with everything in it that was added. */
  async stored(): Promise<IngestTx> {
    const [heads, entries, changed] = [this.#heads, this.#entries, [...this.#changed.values()]]
    this.#heads = []
    this.#entries = []
    this.#changed = new Map()
    await appendHeads(this.#tx, heads)
    await appendEntries(this.#tx, entries)
    await appendInitiators(this.#tx, entries)
    await saveSessions(this.#tx, changed)
    return this.#tx
  }
}
