// What went wrong with a request, as pages and toasts show it. Made from problem documents; never guesses.
import { Problem } from '@sallyport/api/problem'

/** A refused or failed request. `problem` is null when the server did not answer. */
export class RequestError extends Error {
  override name = 'RequestError'
  readonly status: number
  readonly problem: Problem | null
  constructor(status: number, problem: Problem | null, message: string) {
    super(message)
    this.status = status
    this.problem = problem
  }
}

/** Reads the answer of a failed request. */
export async function requestErrorOf(response: Response): Promise<RequestError> {
  const body: unknown = await response.json().catch(() => null)
  const parsed = Problem.safeParse(body)
  if (parsed.success) return new RequestError(response.status, parsed.data, parsed.data.detail)
  return new RequestError(response.status, null, `the server answered ${response.status}`)
}
