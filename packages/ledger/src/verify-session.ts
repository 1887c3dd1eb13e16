// Entries of one session of an export: places, hashes, the heads that cover them, and which statement each belongs to.
import { type Sha256, toHex } from './bytes.ts'
import { entryHash, firstPrevious } from './chain.ts'
import type { Entry } from './entry.ts'
import type { Findings, SessionReport } from './report.ts'
import type { GoodHead } from './verify-heads.ts'
import { StatementCheck } from './verify-statements.ts'

/** `reason` of a closing that was written by the agent's next start, or for a worker that was gone. */
const interruptedReasons: ReadonlySet<string> = new Set(['agent restarted', 'agent worker ended'])

export class SessionCheck {
  readonly session: string
  readonly #sha256: Sha256
  readonly #findings: Findings
  readonly #heads: readonly GoodHead[]
  #nextHead = 0
  #nextSeq = 0
  #signedEntries = 0
  #entries = 0
  #firstLine = 0
  #lastLine = 0
  /** What may stand before the next entry. Two after a problem, so that one change is reported at one place. */
  #previous: readonly Uint8Array[]
  #first: Entry | undefined
  #last: Entry | undefined
  #opened: Extract<Entry, { kind: 'session-opened' }> | undefined
  #closed: Extract<Entry, { kind: 'session-closed' }> | undefined
  readonly #statements: StatementCheck

  constructor(session: string, heads: readonly GoodHead[], sha256: Sha256, findings: Findings) {
    this.session = session
    this.#heads = heads
    this.#sha256 = sha256
    this.#findings = findings
    this.#statements = new StatementCheck(session, findings)
    this.#previous = [firstPrevious(sha256, session)]
  }

  /** Nothing that a head signs is still to come. */
  get isComplete(): boolean {
    return this.#heads.every(({ head }) => head.seq < this.#nextSeq)
  }

  take(line: number, entry: Entry, bytes: Uint8Array, stated: Uint8Array): void {
    const at = { session: this.session, seq: entry.seq }
    if (this.#firstLine === 0) this.#firstLine = line
    this.#lastLine = line
    this.#entries++
    if (entry.seq < this.#nextSeq) {
      this.#findings.problem('entry-out-of-order', line, at, `entry ${this.#nextSeq} was expected here`)
      return
    }
    this.#checkHash(line, entry, bytes, stated)
    this.#checkHeads(line, entry.seq)
    this.#first ??= entry
    this.#last = entry
    this.#nextSeq = entry.seq + 1
    if (this.#closed !== undefined)
      this.#findings.problem('entry-after-closing', line, at, 'the session was closed before this entry')
    this.#follow(line, entry)
  }

  #checkHash(line: number, entry: Entry, bytes: Uint8Array, stated: Uint8Array): void {
    const at = { session: this.session, seq: entry.seq }
    if (entry.seq > this.#nextSeq) {
      const missing =
        entry.seq - 1 === this.#nextSeq ? `${this.#nextSeq} is` : `${this.#nextSeq} to ${entry.seq - 1} are`
      this.#findings.problem('entry-missing', line, at, `entry ${missing} missing before this one`)
      this.#previous = [stated]
      return
    }
    const computed = this.#previous.map((previous) => entryHash(this.#sha256, entry.seq, previous, bytes))
    const good = computed.find((hash) => toHex(hash) === toHex(stated))
    if (good === undefined)
      this.#findings.problem('entry-hash', line, at, 'the bytes of this entry are not those that were hashed')
    this.#previous = good === undefined ? [stated, ...computed.slice(0, 1)] : [good]
  }

  /** Compares with every head up to this sequence; heads of entries that are missing are reported by the gap. */
  #checkHeads(line: number, seq: number): void {
    for (;;) {
      const good = this.#heads[this.#nextHead]
      if (good === undefined || good.head.seq > seq) return
      this.#nextHead++
      if (good.head.seq < seq) continue
      if (this.#previous.some((hash) => toHex(hash) === good.head.hash)) this.#signedEntries = seq + 1
      else
        this.#findings.problem(
          'head-mismatch',
          line,
          { session: this.session, seq },
          `entries ${this.#signedEntries} to ${seq} are not those that head ${good.head.counter} (line ${good.line}) signs`,
        )
    }
  }

  #follow(line: number, entry: Entry): void {
    const at = { session: this.session, seq: entry.seq }
    if ((entry.kind === 'session-opened') !== (entry.seq === 0))
      this.#findings.problem('opening-missing', line, at, 'a session begins with its opening, and has one')
    switch (entry.kind) {
      case 'session-opened':
        this.#opened = entry
        if (this.#heads.some(({ head }) => head.agent !== entry.agent))
          this.#findings.problem('agent-mismatch', line, at, 'another agent signed the heads of this session')
        return
      case 'intent':
      case 'denied':
      case 'held':
      case 'hold-ended':
      case 'outcome':
        this.#statements.take(line, entry)
        return
      case 'session-closed':
        this.#closed = entry
        if (entry.statements !== this.#statements.count)
          this.#findings.problem(
            'statement-count',
            line,
            at,
            `the closing counts ${entry.statements} statements, the session has ${this.#statements.count}`,
          )
        return
    }
  }

  /** After the last entry of the session. */
  end(): SessionReport {
    this.#checkTail()
    this.#statements.end()
    const state = this.#stateAtEnd()
    return {
      session: this.session,
      agent: this.#opened?.agent ?? this.#heads[0]?.head.agent ?? null,
      target: this.#opened?.target ?? null,
      initiator: this.#opened?.initiator.display ?? null,
      entries: this.#entries,
      firstSeq: this.#first?.seq ?? null,
      lastSeq: this.#last?.seq ?? null,
      firstAtMs: this.#first?.atMs ?? null,
      lastAtMs: this.#last?.atMs ?? null,
      state,
      statements: this.#statements.count,
      denied: this.#statements.denied,
      held: this.#statements.held,
      outcomesUnknown: this.#statements.outcomesUnknown,
      signedEntries: this.#signedEntries,
    }
  }

  #checkTail(): void {
    const at = { session: this.session, seq: this.#nextSeq }
    const lastHead = this.#heads.at(-1)
    const signed = this.#heads.reduce((max, { head }) => Math.max(max, head.seq + 1), 0)
    if (signed > this.#nextSeq)
      this.#findings.problem(
        'truncated-tail',
        this.#lastLine + 1,
        at,
        `entries ${this.#nextSeq} to ${signed - 1} were signed and are missing at the end`,
      )
    if (signed < this.#nextSeq)
      this.#findings.problem(
        'entry-unsigned',
        this.#lastLine,
        { session: this.session, seq: signed },
        `entries ${signed} to ${this.#nextSeq - 1} are under no head`,
      )
    if (lastHead === undefined || signed !== this.#nextSeq) return
    if (lastHead.head.closed !== (this.#closed !== undefined))
      this.#findings.problem(
        'head-closed-mismatch',
        lastHead.line,
        at,
        lastHead.head.closed
          ? 'the head says that the session is over; its closing is missing'
          : 'the closing is under no head that says so',
      )
  }

  #stateAtEnd(): SessionReport['state'] {
    const at = { session: this.session }
    if (this.#closed === undefined) {
      this.#findings.notice(
        'closing-missing',
        this.#lastLine,
        at,
        'the session has no closing: it goes on, or its end was withheld',
      )
      return 'open'
    }
    if (!interruptedReasons.has(this.#closed.reason)) return 'closed'
    this.#findings.notice(
      'session-interrupted',
      this.#lastLine,
      at,
      'the agent was cut off and closed the session at its next start',
    )
    return 'interrupted'
  }
}
