// Carries questions about limits between the agents of one target, and the sum of what they lend back to the one that asked.
// Nothing is kept: agents count, and what one borrows another has lent before (apps/agent/src/limits/loans.ts).
// INVARIANT: an agent asks about its own targets only, and only agents of that target are asked.
import { create } from '@bufbuild/protobuf'
import { limits } from '@sallyport/base/limits'
import { targetOfBudget } from '@sallyport/policy/limits'
import {
  LeaseAskedSchema,
  LeaseGrantedSchema,
  type LeaseLent,
  type LeaseWanted,
} from '@sallyport/proto/gen/sallyport/v1/lease_pb'
import type { ControlMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import type { Logger } from 'pino'
import type { Db } from '../db.ts'
import { readDocument } from '../policies/store.ts'
import type { GreetedLink, Links } from './links.ts'
import type { AgentIdentity } from './peer.ts'

export interface LeasesDeps {
  readonly db: Db
  readonly log: Logger
  readonly links: Pick<Links, 'linked'>
  readonly randomBytes: (size: number) => Buffer
}

export interface Leases {
  /** Answered by LeaseGranted in any case, before the agent gives up. */
  wanted(agent: AgentIdentity, message: LeaseWanted, send: (body: ControlMessage['body']) => void): void
  lent(agent: AgentIdentity, message: LeaseLent): void
}

/** What others lend is waited for so long, in milliseconds: the sum has to be back in time. */
const lendersMsMax = limits.leaseAnswerMsMax * 0.75

/** One question that is out. */
interface Open {
  readonly waitsFor: Set<string>
  readonly share: bigint
  sum: bigint
  readonly end: () => void
}

export function createLeases(deps: LeasesDeps): Leases {
  const open = new Map<string, Open>()
  const perAgent = new Map<string, number>()
  const count = (agentId: string, by: number): number => {
    const now = (perAgent.get(agentId) ?? 0) + by
    if (now > 0) perAgent.set(agentId, now)
    else perAgent.delete(agentId)
    return now
  }
  const askOthers = async (agent: AgentIdentity, message: LeaseWanted): Promise<bigint> => {
    const lenders = isSound(message) ? await lendersOf(deps, agent, message.target) : []
    if (lenders.length === 0) return 0n
    const { budget, share, everyMs } = message
    const call = deps.randomBytes(16).toString('hex')
    const value = create(LeaseAskedSchema, { call, borrower: agent.agentId, budget, share, everyMs })
    return await new Promise<bigint>((resolve) => {
      const timer = setTimeout(() => open.get(call)?.end(), lendersMsMax)
      const question: Open = {
        waitsFor: new Set(lenders.map(({ agentId }) => agentId)),
        share,
        sum: 0n,
        end() {
          clearTimeout(timer)
          open.delete(call)
          resolve(question.sum)
        },
      }
      open.set(call, question)
      for (const lender of lenders) lender.send({ case: 'leaseAsked', value })
    })
  }
  return {
    wanted(agent, message, send) {
      const answer = (amount: bigint): void =>
        send({ case: 'leaseGranted', value: create(LeaseGrantedSchema, { call: message.call, amount }) })
      if (count(agent.agentId, 1) > limits.leasesWantedMax) {
        count(agent.agentId, -1)
        return answer(0n)
      }
      askOthers(agent, message)
        .catch((err: unknown) => {
          deps.log.warn({ event: 'lease-unanswered', agent: agent.agentId, err })
          return 0n
        })
        .then(answer)
        .finally(() => count(agent.agentId, -1))
    },
    lent(agent, { call, amount }) {
      const question = open.get(call)
      // Whoever was not asked, or comes twice or too late, has lent for nothing: that is strict, and never too much.
      if (question === undefined || !question.waitsFor.delete(agent.agentId)) return
      const isMore = amount > question.share
      question.sum += isMore ? question.share : amount
      if (question.waitsFor.size === 0) question.end()
    },
  }
}

/** The budget's own target is the one that is asked about: its name is what lenders go by. */
const isSound = ({ target, budget, share, everyMs }: LeaseWanted): boolean =>
  Buffer.byteLength(budget) <= limits.leaseNameBytesMax &&
  targetOfBudget(budget) === target &&
  share > 0n &&
  everyMs > 0n

/** The other agents of the target that are linked here. Those of another replica are not asked, and lend nothing. */
async function lendersOf(deps: LeasesDeps, agent: AgentIdentity, target: string): Promise<readonly GreetedLink[]> {
  const stored = await readDocument(deps.db, 'Target', target)
  if (stored?.document.kind !== 'Target') return []
  const { agents } = stored.document.spec
  if (!agents.includes(agent.name)) return []
  return deps.links.linked().filter(({ agentId, name }) => agentId !== agent.agentId && agents.includes(name))
}
