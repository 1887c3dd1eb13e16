// The calls of agents that are open in this process, so that a revocation cuts them at once and a message finds its agent.
// Revocations made in another process are found by looking, once a second; a certificate that runs out ends its calls too.
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import type { ControlMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import type { Logger } from 'pino'
import { revokedAmong } from '../agents/store.ts'
import type { Db } from '../db.ts'
import type { AgentIdentity } from './peer.ts'

/** How often revocations of other processes are looked for, in milliseconds; two of it stay below the promised 2 s. */
const sweepMs = 900
/** Calls that one agent may hold open at once. */
export const callsPerAgentMax = 8

export interface OpenCall {
  readonly kind: 'link' | 'ingest'
  readonly agent: AgentIdentity
  /** Tells the other side and ends the call. Called once at most. */
  cut(error: SallyportError): void
}

/** The link of an agent that has said Hello. */
export interface GreetedLink {
  readonly agentId: string
  readonly name: string
  send(body: ControlMessage['body']): void
}

export interface Links {
  /** Throws TOO_MANY_REQUESTS. A second link of an agent ends the first. Returns how to take the call out. */
  add(call: OpenCall): () => void
  /** Ends every call of a revoked agent. */
  revoke(agentId: string): void
  /** Looks now whether this agent was revoked in another process. */
  check(agentId: string): void
  /** An agent has greeted on its link: messages for it go there. Returns how to take it out. */
  greeted(link: GreetedLink): () => void
  /** Links that have greeted, one an agent. */
  linked(): readonly GreetedLink[]
  stop(): void
}

export function createLinks(deps: { readonly db: Db; readonly clock: Clock; readonly log: Logger }): Links {
  const open = new Set<OpenCall>()
  const links = new Set<GreetedLink>()
  const cut = (call: OpenCall, error: SallyportError): void => {
    if (!open.delete(call)) return
    deps.log.info({ event: 'agent-cut', agent: call.agent.agentId, call: call.kind, code: error.code })
    call.cut(error)
  }
  const of = (agentId: string): OpenCall[] => [...open].filter((call) => call.agent.agentId === agentId)
  const revoke = (agentId: string): void => {
    for (const call of of(agentId))
      cut(call, new SallyportError('AGENT_REVOKED', `agent "${call.agent.name}" was revoked`))
  }
  const sweep = async (): Promise<void> => {
    const nowMs = deps.clock.nowMs()
    for (const call of open) {
      if (call.agent.certificateNotAfterMs <= nowMs)
        cut(call, new SallyportError('AGENT_NOT_ENROLLED', 'the certificate has expired'))
    }
    const ids = new Set([...open].map((call) => call.agent.agentId))
    if (ids.size > 0) for (const id of await revokedAmong(deps.db, [...ids])) revoke(id)
  }
  const check = async (agentId: string): Promise<void> => {
    if (of(agentId).length > 0 && (await revokedAmong(deps.db, [agentId])).length > 0) revoke(agentId)
  }
  const unread = (err: unknown) => deps.log.warn({ event: 'revocations-unread', err })
  let isSweeping = false
  const timer = setInterval(() => {
    if (isSweeping) return
    isSweeping = true
    sweep()
      .catch(unread)
      .finally(() => {
        isSweeping = false
      })
  }, sweepMs)
  return {
    add(call) {
      const others = of(call.agent.agentId)
      if (call.kind === 'link') {
        const replaced = new SallyportError('CONFLICT', 'the agent opened another link')
        for (const other of others) if (other.kind === 'link') cut(other, replaced)
      }
      if (others.length >= callsPerAgentMax)
        throw new SallyportError('TOO_MANY_REQUESTS', `agent "${call.agent.name}" has too many open streams`)
      open.add(call)
      return () => open.delete(call)
    },
    revoke,
    check: (agentId) => void check(agentId).catch(unread),
    greeted(link) {
      links.add(link)
      return () => links.delete(link)
    },
    linked: () => [...links],
    stop: () => clearInterval(timer),
  }
}
