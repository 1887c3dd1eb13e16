// Answers that last, as streams of events do: judged again every second, as their request would be judged now, and ended when it would
// be refused. What began under a token, a grant or a rule does not outlive it.
// INVARIANT: whoever cannot be asked permits nothing.
import { isDeepStrictEqual } from 'node:util'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { AnswerMasking } from '@sallyport/policy/answers'
import type { AskedRequest } from '../session/request-asked.ts'
import type { HttpSession } from './session.ts'

export interface LastingAnswer {
  /** Why it would be refused now; null: it goes on. */
  readonly refusal: () => Promise<SallyportError | null>
  /** Called once. */
  readonly end: (why: SallyportError) => void
}

export interface Lasting {
  /** Until what it returns is called. */
  watch(answer: LastingAnswer): () => void
}

/** Answers that are judged in one turn of the event loop: others have theirs in between. */
const perTurn = 20

/** One timer for all answers of a listener; it runs while there are any, and keeps no process alive. */
export function lastingAnswers(everyMs: number = limits.httpJudgedEveryMs): Lasting {
  /** Those that were there at the last look; and those that came since, which most answers do not outlive. */
  let known = new Set<LastingAnswer>()
  let young = new Set<LastingAnswer>()
  let timer: NodeJS.Timeout | undefined
  let isLooking = false
  const look = async (): Promise<void> => {
    if (isLooking) return
    isLooking = true
    let count = 0
    for (const answer of known) {
      const why = await answer.refusal().catch(asSallyportError)
      if (why !== null && known.delete(answer)) answer.end(why)
      if (++count % perTurn === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    known = new Set([...known, ...young])
    young = new Set()
    isLooking = false
    if (known.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    watch(answer) {
      young.add(answer)
      timer ??= setInterval(() => void look(), everyMs).unref()
      return () => {
        if (!young.delete(answer)) known.delete(answer)
      }
    },
  }
}

/** What of a request is judged again: not its body, which is gone, nor what was true of its bytes and stays so. */
export function refusalNow(
  session: HttpSession,
  nowMs: number,
  { asked, masking }: { readonly asked: AskedRequest; readonly masking: AnswerMasking | null },
): Promise<SallyportError | null> {
  if (nowMs >= session.expiresAtMs)
    return Promise.resolve(new SallyportError('TOKEN_EXPIRED', 'the token has expired', { hint: 'get another one' }))
  return session.gate.again({
    ...asked,
    outward: async () => null,
    hide: async () => 0,
    also: async (_context, now = null) => ({ refusal: isSameMasking(masking, now) ? null : otherMasks() }),
  })
}

const isSameMasking = (before: AnswerMasking | null, now: AnswerMasking | null): boolean =>
  before === now ||
  (before !== null && now !== null && isDeepStrictEqual([before.parts, before.detection], [now.parts, now.detection]))

const otherMasks = (): SallyportError =>
  new SallyportError('SESSION_ENDED', 'other masks apply to this answer since it began', { hint: 'ask again' })
