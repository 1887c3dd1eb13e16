// Questions to the control plane that somebody waits for: each gets one answer, in time or the one for "nothing".
import { limits } from '@sallyport/base/limits'
import type { After } from './holds.ts'

export interface QuestionDeps {
  readonly after: After
  readonly random: (bytes: number) => Uint8Array
}

export interface Questions<A> {
  /** `send` gets the id of the call; false when the link is down. Never rejects. */
  ask(send: (call: string) => boolean): Promise<A>
  /** The answer has come; one that nobody waits for is dropped. */
  answered(call: string, answer: A): void
  /** The link is down: nobody gets an answer any more. */
  lost(): void
}

/** At most limits.ticketLookupsMax at once, each answered within limits.ticketAnswerMsMax. */
export function questions<A>(deps: QuestionDeps, nothing: A): Questions<A> {
  const open = new Map<string, (answer: A) => void>()
  return {
    async ask(send) {
      if (open.size >= limits.ticketLookupsMax) return nothing
      const call = Buffer.from(deps.random(16)).toString('hex')
      return await new Promise<A>((resolve) => {
        const stopTimer = deps.after(limits.ticketAnswerMsMax, () => settle(nothing))
        const settle = (given: A): void => {
          stopTimer()
          open.delete(call)
          resolve(given)
        }
        open.set(call, settle)
        if (!send(call)) settle(nothing)
      })
    },
    answered: (call, answer) => open.get(call)?.(answer),
    lost() {
      for (const settle of [...open.values()]) settle(nothing)
    },
  }
}
