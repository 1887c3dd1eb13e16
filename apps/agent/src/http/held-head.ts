// A request as people are asked about it: what they are shown, what a verdict is bound to, and how long its caller waits.
import { createHash } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { Fields } from '@sallyport/wire/http/fields'
import type { HeldRequest } from '../session/request-hold.ts'
import { shownRequest, waitMsOf } from './held.ts'
import type { RequestHead } from './request.ts'
import type { HttpSession } from './session.ts'

export interface Holding {
  readonly head: RequestHead
  readonly session: HttpSession
  /** Those that go to the target. */
  readonly fields: Fields
  readonly body: Buffer
  readonly gone: AbortSignal
}

/** Throws REQUEST_TOO_LARGE where nobody could be shown it. */
export function heldHead({ head, session, fields, body, gone }: Holding): Omit<HeldRequest, 'recorded' | 'protocol'> {
  const shown = shownRequest(head, fields, body)
  if (shown === null)
    throw new SallyportError(
      'REQUEST_TOO_LARGE',
      `the request needs approval, and its body is longer than the ${limits.httpHeldBodyBytesMax} bytes that a reviewer is shown`,
      { hint: 'send it in several requests' },
    )
  return {
    ...shown,
    place: createHash('sha256').update(JSON.stringify(session.admitted.target.document.spec)).digest('hex'),
    waitMsMax: waitMsOf(head.fields),
    gone,
    ended: session.signal,
  }
}
