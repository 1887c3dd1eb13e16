// What a verification found: problems (the record is not what was signed) and notices (true, and worth knowing).

/** Named reasons, one for each way in which a record can be wrong. docs/recording-format.md explains each. */
export const problemReasons = [
  // the file
  'line-malformed',
  'line-out-of-place',
  'header-missing',
  'end-missing',
  'end-mismatch',
  // keys and heads
  'key-mismatch',
  'key-shared',
  'key-not-pinned',
  'agent-unknown',
  'head-malformed',
  'head-signature',
  'head-order',
  'head-fork',
  'head-gap',
  'head-chain',
  'head-out-of-scope',
  'head-mismatch',
  'head-closed-mismatch',
  // sessions
  'session-missing',
  'session-out-of-scope',
  'session-spliced',
  'opening-missing',
  'agent-mismatch',
  // entries
  'entry-malformed',
  'entry-hash',
  'entry-missing',
  'entry-out-of-order',
  'entry-after-closing',
  'entry-unsigned',
  'truncated-tail',
  // statements
  'statement-repeated',
  'statement-count',
  'outcome-without-intent',
  'outcome-repeated',
  // holds
  'approval-missing',
  'hold-ended-without-held',
  'hold-ended-repeated',
] as const
export type ProblemReason = (typeof problemReasons)[number]

export const noticeReasons = [
  'outcome-unknown',
  'hold-open',
  'approval-unused',
  'closing-missing',
  'session-interrupted',
  'keys-not-pinned',
] as const
export type NoticeReason = (typeof noticeReasons)[number]

export interface Finding<Reason> {
  readonly reason: Reason
  /** Line of the file, from 1. */
  readonly line: number
  readonly session: string | null
  /** Sequence of the entry in its session. */
  readonly seq: number | null
  /** For a person: what was found and what was expected. */
  readonly detail: string
}
export type Problem = Finding<ProblemReason>
export type Notice = Finding<NoticeReason>

export interface SessionReport {
  readonly session: string
  readonly agent: string | null
  readonly target: string | null
  /** Display name of the initiator, as recorded. */
  readonly initiator: string | null
  readonly entries: number
  readonly firstSeq: number | null
  readonly lastSeq: number | null
  readonly firstAtMs: number | null
  readonly lastAtMs: number | null
  /** `open`: no closing entry; it may be going on, or its end was withheld. */
  readonly state: 'closed' | 'interrupted' | 'open'
  readonly statements: number
  readonly denied: number
  /** Statements that waited for a person, whatever came of it. */
  readonly held: number
  /** Statements whose outcome is not recorded: the agent was cut off while they ran. */
  readonly outcomesUnknown: readonly number[]
  /** Entries that a good signed head covers. */
  readonly signedEntries: number
}

export interface AgentReport {
  readonly id: string
  readonly name: string
  readonly fingerprint: string
  readonly pinned: boolean
  readonly heads: number
  /** Of the first and the last good head: an auditor sees from them whether two exports leave something out between. */
  readonly firstCounter: number | null
  readonly lastCounter: number | null
}

export interface ExportReport {
  /** True when there is no problem. Notices do not count. */
  readonly ok: boolean
  readonly installation: string | null
  readonly exportedAtMs: number | null
  readonly scope: 'session' | 'range' | null
  readonly agents: readonly AgentReport[]
  readonly sessions: readonly SessionReport[]
  readonly entries: number
  readonly heads: number
  readonly problems: readonly Problem[]
  readonly notices: readonly Notice[]
  /** Findings past the number that is kept. */
  readonly findingsLeftOut: number
}

/** Findings that a report keeps; the rest is counted. */
export const findingsMax = 1_000

/** Where the parts of the verifier put what they find. */
export class Findings {
  readonly problems: Problem[] = []
  readonly notices: Notice[] = []
  leftOut = 0
  #problems = 0
  get ok(): boolean {
    return this.#problems === 0
  }
  problem(reason: ProblemReason, line: number, at: { session?: string; seq?: number }, detail: string): void {
    this.#problems++
    if (this.problems.length >= findingsMax) this.leftOut++
    else this.problems.push({ reason, line, session: at.session ?? null, seq: at.seq ?? null, detail })
  }
  notice(reason: NoticeReason, line: number, at: { session?: string; seq?: number }, detail: string): void {
    if (this.notices.length >= findingsMax) this.leftOut++
    else this.notices.push({ reason, line, session: at.session ?? null, seq: at.seq ?? null, detail })
  }
}
