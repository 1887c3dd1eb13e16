// Where the session's own connection can be asked about its catalog: the client must not notice, no transaction of its may
// end, and no portal of its may die by the question. Pure.
import { assert } from '@sallyport/base/assert'
import type { JudgeRequest } from '../session/gate.ts'
import type { State } from './state.ts'

/** Only while nothing is due from the target. */
export function readingPlace(state: State): Exclude<JudgeRequest['reading'], 'unsettled'> {
  assert(state.expected.length === 0, 'a catalog is read while answers are due')
  // Behind an Execute of the same pipeline it is not known whether a block is open: that Execute may have begun or ended one.
  if (state.status === 'E' || state.segmentRan) return 'impossible'
  const unsynced = state.segmentOpen
  if (state.status === 'T') return { block: true, unsynced }
  // Outside of a block the question has a transaction of its own, which ends the portals of an implicit one.
  const dies = unsynced && [...state.portals.values()].some(({ holds }) => !holds)
  return dies ? 'impossible' : { block: false, unsynced }
}
