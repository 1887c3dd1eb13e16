// Problems of meaning that documents have, with their place.
import type { PathProblem } from './problems.ts'

/** A problem of meaning; a CEL one is told apart because it has a code of its own. */
export interface CheckProblem extends PathProblem {
  readonly code: 'DOCUMENT_INVALID' | 'CEL_INVALID'
}

export type Path = readonly PropertyKey[]

export const problem = (path: Path, message: string): CheckProblem => ({ code: 'DOCUMENT_INVALID', path, message })
