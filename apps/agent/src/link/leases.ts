// Asks the other agents of a target, over the link, for what they do not need of a limit that all share; and answers them.
// It decides nothing: what is lent and borrowed changes how much the budgets have. Without a link the own share is all.
import { create } from '@bufbuild/protobuf'
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { targetOfBudget } from '@sallyport/policy/limits'
import {
  type LeaseAsked,
  type LeaseGranted,
  LeaseLentSchema,
  LeaseWantedSchema,
} from '@sallyport/proto/gen/sallyport/v1/lease_pb'
import type { AgentMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import type { Budgets, Claim } from '../limits/budgets.ts'
import type { Terms } from '../limits/loans.ts'
import type { After } from './holds.ts'

/** The link's end of it. */
export interface LinkLeases {
  /** The control plane carries the question of another agent. */
  asked(message: LeaseAsked): void
  granted(message: LeaseGranted): void
  /** The link is down: nobody answers any more, and nothing that was borrowed counts. */
  lost(): void
}

export interface LinkLeasesDeps {
  readonly budgets: Budgets
  /** What the policies of this agent say of a budget; null: nothing, or nothing that agents share. */
  readonly termsOf: (budget: string) => Terms | null
  readonly clock: Clock
  /** False when the link is down. */
  readonly send: (body: AgentMessage['body']) => boolean
  readonly after: After
  readonly random: (bytes: number) => Uint8Array
}

export function linkLeases(deps: LinkLeasesDeps): LinkLeases {
  const { budgets, clock, send } = deps
  const questions = new Map<string, { readonly budget: string; readonly untilMs: number; readonly end: () => void }>()
  /** When a budget was asked about last. */
  const askedAt = new Map<string, number>()

  const mayAsk = (budget: string, nowMs: number): boolean => {
    const last = askedAt.get(budget)
    if (last !== undefined && Math.abs(nowMs - last) < limits.leaseEveryMsMin) return false
    if (questions.size >= limits.leasesWantedMax) return false
    askedAt.delete(budget)
    askedAt.set(budget, nowMs)
    const [oldest] = askedAt.keys()
    if (askedAt.size > limits.leasesWantedMax && oldest !== undefined) askedAt.delete(oldest)
    return true
  }
  budgets.onScarce = ({ budget, max, everyMs }: Claim): void => {
    const nowMs = clock.nowMs()
    if (!mayAsk(budget, nowMs)) return
    const target = targetOfBudget(budget)
    if (target === undefined || Buffer.byteLength(budget) > limits.leaseNameBytesMax) return
    const call = Buffer.from(deps.random(16)).toString('hex')
    const value = create(LeaseWantedSchema, { call, target, budget, share: BigInt(max), everyMs: BigInt(everyMs) })
    if (!send({ case: 'leaseWanted', value })) return
    const stopTimer = deps.after(limits.leaseAnswerMsMax, () => questions.delete(call))
    const end = (): void => {
      stopTimer()
      questions.delete(call)
    }
    // From the question on: nobody has lent anything before it, so all of it has left the window when it is theirs again.
    questions.set(call, { budget, untilMs: nowMs + everyMs, end })
  }
  return {
    asked({ call, borrower, budget }) {
      // Share and window that the borrower names are its own: one that lies would have back at once what it has spent.
      const terms = Buffer.byteLength(budget) > limits.leaseNameBytesMax ? null : deps.termsOf(budget)
      const amount = BigInt(terms === null ? 0 : budgets.lend({ borrower, budget }, terms))
      send({ case: 'leaseLent', value: create(LeaseLentSchema, { call, amount }) })
    },
    granted({ call, amount }) {
      const question = questions.get(call)
      if (question === undefined) return
      question.end()
      const sum = amount > BigInt(Number.MAX_SAFE_INTEGER) ? 0 : Number(amount)
      budgets.borrow(question.budget, sum, question.untilMs)
    },
    lost() {
      for (const { end } of [...questions.values()]) end()
      askedAt.clear()
      budgets.cutOff()
    },
  }
}
