// A refusal of the API, or of documents before they are sent, with all that it says: every problem with its place, and
// the request's id for the operator.
import { type ErrorDetails, SallyportError, type SallyportErrorCode } from '@sallyport/base/errors'

export interface DocumentProblemLine {
  readonly code: string
  readonly file?: string
  readonly line: number | null
  readonly path: string
  readonly message: string
}

interface RefusalDetails extends ErrorDetails {
  readonly problems?: readonly DocumentProblemLine[]
  readonly requestId?: string
}

export class Refusal extends SallyportError {
  readonly problems: readonly DocumentProblemLine[]
  readonly requestId: string | null
  constructor(code: SallyportErrorCode, message: string, details: RefusalDetails = {}) {
    super(code, message, details)
    this.problems = details.problems ?? []
    this.requestId = details.requestId ?? null
  }
}

export const problemsOf = (error: SallyportError): readonly DocumentProblemLine[] =>
  error instanceof Refusal ? error.problems : []

export const requestIdOf = (error: SallyportError): string | null => (error instanceof Refusal ? error.requestId : null)
