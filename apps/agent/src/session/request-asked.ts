// A request that asks to go on, and one that may: what the data path and the gate say to each other about it.

import type { SallyportError } from '@sallyport/base/errors'
import type { EntrySql, EntryTrace } from '@sallyport/ledger/entry'
import type { DetectorName } from '@sallyport/mask/rule'
import type { AnswerMasking } from '@sallyport/policy/answers'
import type { DecisionContext } from '@sallyport/policy/decide'
import type { BodyFacts } from '@sallyport/policy/http'
import type { BodyMasking } from '@sallyport/policy/outgoing'
import type { CostMeter } from '../limits/cost.ts'
import type { ByteMeter } from '../limits/request.ts'
import type { Said } from './initiator.ts'
import type { OutwardFinding } from './outward.ts'
import type { HeldRequest } from './request-hold.ts'
import type { Carried } from './request-subject.ts'

/** What became of a request that was let through. */
export interface RequestOutcome {
  readonly result: 'done' | 'failed' | 'cancelled'
  /** Status of the answer; empty when there was none. */
  readonly tag: string
  /** Of the answer's body, as it went to the caller. */
  readonly bytes: number
  /** Values that were hidden in it; in the record those of the request's body are among them. */
  readonly maskedValues: number
}

/** A request that may go on. */
export interface Granted {
  readonly number: number
  /** What is hidden in its answer; null: nothing. */
  readonly masking: AnswerMasking | null
  /** Counts the bytes of its answer; null where no limit does. */
  readonly meter: ByteMeter | null
  /** Told what the answer says that it cost; null where nobody asks. */
  readonly cost: CostMeter | null
  /** Called once, at the end. */
  end(outcome: RequestOutcome): void
}

/** What came of looking at what else has to be so. */
export interface AlsoFound {
  /** Null: it is so. */
  readonly refusal: SallyportError | null
  /** Statements for databases that the request carries, for its entry. Absent: none. */
  readonly sql?: readonly EntrySql[]
}

/** A request that asks to go on: its facts are without its body. */
export interface AskedRequest extends Carried {
  /** What the body says: asked for once a condition reads it. Rejects where it cannot be read in one way. */
  body(): Promise<BodyFacts>
  /** Looks for known credentials, and for what these detectors find; of `hides` not in the body. */
  outward(stops: ReadonlySet<DetectorName>, hides: ReadonlySet<DetectorName>): Promise<OutwardFinding | null>
  /** Hides this in the body that goes on; how many values. Rejects where it cannot be read in one way. Absent: nobody can. */
  hide?(masking: BodyMasking): Promise<number>
  /** What else has to be so before it goes on, asked once nothing denies it. Absent: nothing else. `masking`: of its answer; null: none. */
  also?(context: DecisionContext, masking?: AnswerMasking | null): Promise<AlsoFound>
  /** For whom, where it says so; null: for the session's own chain. */
  readonly initiator: Said | null
  /** Of which trace it is. */
  readonly trace: EntryTrace
  /** How it is held: asked for once a rule holds it. Rejects with the refusal where it cannot be. */
  held(): Promise<Omit<HeldRequest, 'recorded' | 'protocol'>>
}
