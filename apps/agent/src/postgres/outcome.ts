// How a statement ended, for the record, for whoever counts, and for the approval that it ran by.
import { shadowOf } from '../limits/meter.ts'
import type { SessionRecord } from '../record/record.ts'
import type { Judgement } from '../session/gate.ts'
import type { Log } from '../session/log.ts'
import type { Action, Running } from './machine.ts'

export interface OutcomeDeps {
  readonly record: SessionRecord
  readonly monotonicUs: () => number
  readonly log: Log
  readonly onOutcome: (running: Running, result: string) => void
}

/** Never throws: nothing waits for an outcome; that it could not be written shows as a missing one and in the log. */
export function noteOutcome(
  { record, monotonicUs, log, onOutcome }: OutcomeDeps,
  running: Running,
  { result, tag, sqlstate }: Pick<Extract<Action, { do: 'outcome' }>, 'result' | 'tag' | 'sqlstate'>,
): void {
  const { number, startedAtUs, approved, meter } = running.judged
  const { rows, bytes, maskedValues } = running
  const durationUs = Math.max(0, Math.round(monotonicUs() - startedAtUs))
  onOutcome(running, result)
  approved?.outcome({ result, tag, sqlstate, rows, durationUs })
  if (number === null) return
  const whole = {
    kind: 'outcome',
    statement: number,
    result,
    tag,
    sqlstate,
    rows,
    bytes,
    maskedValues,
    durationUs,
  } as const
  const body = meter === null || meter.shadow.size === 0 ? whole : { ...whole, ...shadowOf(meter) }
  const failed = (thrown: unknown) => log.error({ cause: String(thrown) }, 'outcome-not-recorded')
  try {
    record.note(body)?.catch(failed)
  } catch (thrown) {
    failed(thrown)
  }
}

/** The session ended between the judgement and the run: an approval that it used has no other end. */
export function neverRun(judgement: Judgement): void {
  if (judgement.kind !== 'allowed') return
  const outcome = { result: 'cancelled', tag: '', sqlstate: '', rows: 0, durationUs: 0 } as const
  for (const { approved } of judgement.statements) approved?.outcome(outcome)
}
