// Statements of one session of an export: each number begins once, what ran was let through before, what was held ended
// once, and only an approval lets an approved statement run.
import type { Entry } from './entry.ts'
import type { Findings } from './report.ts'

type StatementEntry = Extract<Entry, { kind: 'intent' | 'denied' | 'held' | 'hold-ended' | 'outcome' }>
type EntryOf<Kind extends StatementEntry['kind']> = Extract<StatementEntry, { kind: Kind }>

interface Place {
  readonly line: number
  readonly seq: number
}

/** An approval that is being used: its statements run under consecutive numbers, and nothing else begins between them. */
interface Approved extends Place {
  readonly statement: number
  /** Number of the intent that may come next. */
  next: number
}

export class StatementCheck {
  readonly #session: string
  readonly #findings: Findings
  readonly #numbers = new Set<number>()
  #denied = 0
  #held = 0
  /** Statements that wait for their outcome. */
  readonly #running = new Map<number, Place>()
  readonly #finished = new Set<number>()
  /** Statements that wait for a person, with their requests. */
  readonly #waiting = new Map<number, Place & { readonly request: string }>()
  readonly #ended = new Set<number>()
  #approved: Approved | null = null

  constructor(session: string, findings: Findings) {
    this.#session = session
    this.#findings = findings
  }

  /** How many numbers have begun. */
  get count(): number {
    return this.#numbers.size
  }
  get denied(): number {
    return this.#denied
  }
  get held(): number {
    return this.#held
  }
  get outcomesUnknown(): number[] {
    return [...this.#running.keys()]
  }

  take(line: number, entry: StatementEntry): void {
    switch (entry.kind) {
      case 'intent':
        this.#takeIntent(line, entry)
        return
      case 'denied':
        this.#begin(line, entry)
        this.#denied++
        return
      case 'held':
        this.#begin(line, entry)
        this.#held++
        this.#waiting.set(entry.statement, { line, seq: entry.seq, request: entry.request })
        return
      case 'hold-ended':
        this.#endHold(line, entry)
        return
      case 'outcome':
        this.#endStatement(line, entry)
        return
    }
  }

  #takeIntent(line: number, entry: EntryOf<'intent'>): void {
    if (entry.decision === 'approved') this.#useApproval(line, entry)
    else this.#begin(line, entry)
    this.#running.set(entry.statement, { line, seq: entry.seq })
  }

  /** A number that begins ends the use of an approval: what comes later needs one of its own. */
  #begin(line: number, entry: EntryOf<'intent' | 'denied' | 'held'>): void {
    this.#endApproval()
    this.#addNumber(line, entry)
  }

  #addNumber(line: number, entry: StatementEntry): void {
    if (this.#numbers.has(entry.statement))
      this.#problem('statement-repeated', line, entry, `statement ${entry.statement} was recorded before`)
    this.#numbers.add(entry.statement)
  }

  #useApproval(line: number, entry: EntryOf<'intent'>): void {
    const approved = this.#approved
    if (approved === null || approved.next !== entry.statement) {
      this.#problem('approval-missing', line, entry, `statement ${entry.statement} ran as approved, and was not`)
      this.#endApproval()
      this.#numbers.add(entry.statement)
      return
    }
    // The first one runs under the number that was held.
    if (entry.statement !== approved.statement) this.#addNumber(line, entry)
    approved.next++
  }

  #endHold(line: number, entry: EntryOf<'hold-ended'>): void {
    const { statement, request, result } = entry
    this.#endApproval()
    const waiting = this.#waiting.get(statement)
    if (waiting === undefined || waiting.request !== request) {
      if (waiting === undefined && this.#ended.has(statement))
        this.#problem('hold-ended-repeated', line, entry, `the hold of statement ${statement} ended before`)
      else this.#problem('hold-ended-without-held', line, entry, `statement ${statement} was not held by this request`)
      return
    }
    this.#waiting.delete(statement)
    this.#ended.add(statement)
    if (result === 'approved') this.#approved = { statement, next: statement, line, seq: entry.seq }
  }

  #endApproval(): void {
    const approved = this.#approved
    this.#approved = null
    if (approved !== null && approved.next === approved.statement)
      this.#findings.notice(
        'approval-unused',
        approved.line,
        { session: this.#session, seq: approved.seq },
        `statement ${approved.statement} was approved, and that it ran is not recorded`,
      )
  }

  #endStatement(line: number, entry: EntryOf<'outcome'>): void {
    const { statement } = entry
    const wasRunning = this.#running.delete(statement)
    if (!wasRunning && this.#finished.has(statement))
      this.#problem('outcome-repeated', line, entry, `statement ${statement} has another outcome`)
    else if (!wasRunning)
      this.#problem('outcome-without-intent', line, entry, `statement ${statement} has no intent before it`)
    this.#finished.add(statement)
  }

  /** After the last entry of the session. */
  end(): void {
    this.#endApproval()
    for (const [statement, { line, seq }] of this.#running)
      this.#findings.notice(
        'outcome-unknown',
        line,
        { session: this.#session, seq },
        `statement ${statement} was sent to the target, and how it ended is not recorded`,
      )
    for (const [statement, { line, seq }] of this.#waiting)
      this.#findings.notice(
        'hold-open',
        line,
        { session: this.#session, seq },
        `statement ${statement} waits for a person, and what came of it is not recorded`,
      )
  }

  #problem(reason: Parameters<Findings['problem']>[0], line: number, entry: StatementEntry, detail: string): void {
    this.#findings.problem(reason, line, { session: this.#session, seq: entry.seq }, detail)
  }
}
