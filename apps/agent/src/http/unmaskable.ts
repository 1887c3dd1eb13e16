// Refusals of answers under masks: what cannot be looked into does not go on (THREATS ).
import { SallyportError } from '@sallyport/base/errors'

/** An answer that cannot be masked; `why` is about its form, and quotes nothing of it. */
export class Unmaskable extends SallyportError {
  override name = 'Unmaskable'
  constructor(why: string, cause?: unknown) {
    super('ANSWER_REFUSED', `masks apply to this route, and ${why}`, {
      hint: 'ask the API for JSON, or the owner of the policy to leave the route out of its masks',
      cause,
    })
  }
}
