// One execution that is held: what it needs, what it has told the record and the control plane so far, and how it gives up.
// INVARIANT: a `held` entry gets one `hold-ended`, and after giving up nothing more is written.
import type { Clock } from '@sallyport/base/clock'
import type { SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import type { EntryBody } from '@sallyport/ledger/entry'
import type { HeldEstimate } from '@sallyport/ledger/hold'
import type { After, HoldAnswer, HoldCall, Holds, ReleaseReason } from '../link/holds.ts'
import type { ReviewerKeys } from '../link/reviewers.ts'
import type { Assessed } from './assess.ts'
import type { Judgement } from './gate.ts'
import type { HeldPlace, HeldText } from './held.ts'
import type { HoldNotice } from './hold-words.ts'
import type { TokenScan } from './recorded.ts'

/** Why an execution gives up: the caller cancelled, is gone, sends more than may wait, or the agent stops. */
export type Ending = 'cancelled' | 'vanished' | 'crowded' | 'draining'

export interface HoldDeps {
  readonly holds: Holds
  readonly place: HeldPlace
  readonly scan: TokenScan
  readonly clock: Clock
  readonly after: After
  readonly random: (bytes: number) => Uint8Array
  readonly consoleUrl: () => string
  /** Of the floor; null where it names none. */
  readonly reviewers: () => ReviewerKeys | null
  /** Never rejects, and settles within limits.holdEstimateMsMax. */
  readonly estimate: (held: HeldText, chain: Chain) => Promise<HeldEstimate>
  readonly isTokenExpired: () => boolean
  readonly onHeld: (request: string) => void
}

/** What the gate does for one held text. */
export interface HoldSteps {
  /** Judges the text again, under the snapshot and a catalog of this moment. */
  assess(): Promise<Assessed>
  /** The text as it would be held; null when nothing in it is. */
  heldOf(assessed: Assessed): HeldText | null
  /** What no longer holds anything: denied or allowed. */
  carryOut(assessed: Assessed): Judgement | Promise<Judgement>
  /** Denies with an entry, or without one. */
  deny(error: SallyportError): Judgement | Promise<Judgement>
  refusal(error: SallyportError): Judgement
  append(body: EntryBody): Promise<void> | undefined
  /** The number of the next statement; `begin` takes it. */
  readonly nextNumber: number
  begin(): void
  /** Writes these entries and the intents, the first under this number. */
  run(held: HeldText, number: number, before: EntryBody, approved: ApprovedRun): Judgement | Promise<Judgement>
}

/** The one run of an approval, told upward when the last statement of the text has its outcome. */
export interface ApprovedRun {
  outcome(of: RunOutcome): void
}
export interface RunOutcome {
  readonly result: 'done' | 'failed' | 'cancelled' | 'unknown'
  readonly tag: string
  readonly sqlstate: string
  readonly rows: number
  readonly durationUs: number
}

/** A request that the record says is held, and does not say yet what came of it. */
export interface OpenHold {
  readonly number: number
  readonly call: HoldCall
  readonly answer: HoldAnswer
  readonly url: string
}

export interface Execution {
  readonly deps: HoldDeps
  readonly steps: HoldSteps
  readonly onWaits: (notice: HoldNotice) => void
  ended: Ending | null
  /** Settles when it gives up. */
  readonly ending: Promise<typeof gaveUp>
  readonly settle: (how: typeof gaveUp) => void
  open: OpenHold | null
  /** Of the first wait: asking anew makes no wait longer. */
  waitEndMs: number | null
}
export const gaveUp = Symbol('gave up')

export function newExecution(deps: HoldDeps, steps: HoldSteps, onWaits: Execution['onWaits']): Execution {
  let settle: Execution['settle'] = () => {}
  const ending = new Promise<typeof gaveUp>((resolve) => {
    settle = resolve
  })
  return { deps, steps, onWaits, ended: null, ending, settle, open: null, waitEndMs: null }
}

/** Synchronous: the record may be closed right after. */
export function giveUp(execution: Execution, why: Ending): void {
  if (execution.ended !== null) return
  execution.ended = why
  const isCaller = why === 'cancelled' || why === 'vanished'
  try {
    close(execution, isCaller ? 'cancelled' : 'pending', isCaller ? why : 'pending')
  } catch {
    // A record that takes no more: the hold shows as open. Nothing runs either way.
  }
  execution.settle(gaveUp)
}

export type Ended = Extract<EntryBody, { kind: 'hold-ended' }>

/** Says in the record what came of the open hold, and lets go of it upward. */
export function close(execution: Execution, result: Ended['result'], why: ReleaseReason, from?: HoldAnswer): void {
  const { open } = execution
  if (open === null) return
  execution.open = null
  open.call.release(open.answer.request, why)
  void execution.steps.append(endedEntry(open, result, from))?.catch(() => {})
}

export const endedEntry = (open: OpenHold, result: Ended['result'], from?: HoldAnswer): Ended => ({
  kind: 'hold-ended',
  statement: open.number,
  request: open.answer.request,
  result,
  by: from?.decidedBy ?? [],
  reason: from?.reason ?? '',
  approvalDigest: from?.approvalDigest ?? '',
})

/** The promise, or that the execution gave up before. */
export const unlessEnded = async <T>(execution: Execution, promise: Promise<T>): Promise<T | typeof gaveUp> => {
  const value = await Promise.race([promise, execution.ending])
  return execution.ended === null ? value : gaveUp
}

export const notRun = ({ deps }: Execution, { answer: { request } }: OpenHold): void =>
  deps.holds.ran({ request, result: 'cancelled', tag: '', sqlstate: '', rows: 0, durationUs: 0 })

/** The first that did not end well speaks for the text; else the last one does. */
export function approvedRun(deps: HoldDeps, request: string, statements: number): ApprovedRun {
  let left = statements
  let failed: RunOutcome | null = null
  let rows = 0
  return {
    outcome(of) {
      if (left === 0) return
      left -= 1
      rows += of.rows
      if (of.result !== 'done') failed ??= of
      if (left > 0) return
      const { result, tag, sqlstate } = failed ?? of
      deps.holds.ran({ request, result, tag, sqlstate, rows, durationUs: of.durationUs })
    },
  }
}
