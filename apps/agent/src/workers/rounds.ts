// A question to several workers, answered when each of them has, is gone, or is late: what came until then is the answer.
import type { Member } from './member.ts'
import type { ToWorker } from './messages.ts'

export interface Rounds<A> {
  ask(members: readonly Member[], message: (call: number) => ToWorker): Promise<readonly A[]>
  answered(call: number, member: Member, answer: A): void
}

interface Round<A> {
  readonly left: Set<Member>
  readonly answers: A[]
  readonly settle: () => void
}

export function openRounds<A>(msMax: number): Rounds<A> {
  const open = new Map<number, Round<A>>()
  let last = 0
  const leave = (round: Round<A>, member: Member): void => {
    round.left.delete(member)
    if (round.left.size === 0) round.settle()
  }
  return {
    async ask(members, message) {
      last += 1
      const call = last
      if (members.length === 0) return []
      return await new Promise((resolve) => {
        const timer = setTimeout(() => round.settle(), msMax)
        const round: Round<A> = {
          left: new Set(members),
          answers: [],
          settle() {
            clearTimeout(timer)
            open.delete(call)
            resolve(round.answers)
          },
        }
        open.set(call, round)
        for (const member of members) {
          void member.ended.then(() => leave(round, member))
          member.send(message(call))
        }
      })
    },
    answered(call, member, answer) {
      const round = open.get(call)
      if (round === undefined || !round.left.has(member)) return
      round.answers.push(answer)
      leave(round, member)
    },
  }
}
