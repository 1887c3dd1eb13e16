// Holds over Link: takes what agents say about held statements, and pushes every change of a request to each call that is
// attached to it in this process. What is pushed is read from the store; hints and a slow poll only say when to look.
// INVARIANT: an agent speaks for itself only; nothing in a message can name another.
import { create } from '@bufbuild/protobuf'
import { asSallyportError, type SallyportErrorCode } from '@sallyport/base/errors'
import { isId } from '@sallyport/base/ids'
import { limits } from '@sallyport/base/limits'
import {
  type HoldClaim,
  HoldClaimedSchema,
  type HoldOpened,
  type HoldRan,
  type HoldReleased,
  type HoldState,
  HoldStateSchema,
} from '@sallyport/proto/gen/sallyport/v1/hold_pb'
import type { ControlMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { printable } from '@sallyport/proto/status'
import type { Logger } from 'pino'
import { urlOf } from '../approvals/announce.ts'
import { type ClaimDeps, claimHold, noteRan } from '../approvals/claim.ts'
import { type HoldDeps, openHold } from '../approvals/open.ts'
import * as store from '../approvals/store.ts'
import type { AgentIdentity } from './peer.ts'

/** Attached calls are looked at this often even without a hint, in milliseconds. */
const pollMs = 3_000
/** Requests that are read at once. */
const readMax = 500

export type HoldsDeps = HoldDeps & ClaimDeps & { readonly log: Logger }

/** Resolves when the agent can take more, or is gone. */
type Send = (body: ControlMessage['body']) => Promise<void>

/** The holds of one stream. */
export interface LinkHolds {
  opened(message: HoldOpened): Promise<void>
  claim(message: HoldClaim): Promise<void>
  released(message: HoldReleased): Promise<void>
  ran(message: HoldRan): Promise<void>
  stop(): void
}

export interface Holds {
  /** For a link that has greeted. */
  attach(agent: AgentIdentity, send: Send): LinkHolds
  /** Resolves when nothing of it uses the store any more. */
  stop(): Promise<void>
}

interface AttachedCall {
  readonly call: string
  readonly request: string
  /** What the agent was told last. */
  told: string
  readonly push: (state: HoldState) => void
}

/** What is attached in this process, by request. */
type Attached = Map<string, Set<AttachedCall>>

export function createHolds(deps: HoldsDeps): Holds {
  const attached: Attached = new Map()
  const look = looking(deps, attached)
  const stopListening = deps.bus.listen({
    heard(hint) {
      if (hint.kind === 'approval' && attached.has(hint.id)) look([hint.id])
    },
    gap: () => look([...attached.keys()]),
  })
  const poll = setInterval(() => look([...attached.keys()]), pollMs)
  const leaving = new Set<Promise<void>>()
  /** Takes calls out of the store, and says so. */
  const forget = (agentId: string, remove: Promise<string[]>): void => {
    const done = remove.then(
      (ids) => {
        for (const id of ids) deps.bus.publish({ kind: 'approval', id })
      },
      (err: unknown) => deps.log.warn({ event: 'hold-calls-unremoved', agent: agentId, err }),
    )
    leaving.add(done)
    void done.finally(() => leaving.delete(done))
  }
  return {
    attach: (agent, send) => attachLink(deps, { attached, look, forget }, agent, send),
    async stop() {
      stopListening()
      clearInterval(poll)
      await Promise.all(leaving)
    },
  }
}

/** Reads requests and tells their calls what changed; looks asked for meanwhile are done together afterwards. */
function looking(deps: HoldsDeps, attached: Attached): (ids: readonly string[]) => void {
  const wanted = new Set<string>()
  let isRunning = false
  const run = async (): Promise<void> => {
    isRunning = true
    try {
      while (wanted.size > 0) {
        const ids = [...wanted].slice(0, readMax)
        for (const id of ids) wanted.delete(id)
        for (const request of await store.findRequests(deps.db, ids))
          for (const call of attached.get(request.id) ?? []) tell(deps, call, request)
      }
    } catch (err) {
      // What could not be read is found by the next poll.
      deps.log.warn({ event: 'holds-unread', err })
    } finally {
      isRunning = false
    }
  }
  return (ids) => {
    for (const id of ids) wanted.add(id)
    if (!isRunning) void run()
  }
}

function tell(deps: HoldsDeps, call: AttachedCall, request: store.HeldRequest): void {
  const told = `${request.state} ${request.verdicts.length}`
  if (call.told === told) return
  call.told = told
  call.push(stateOf(deps, call.call, request))
}

/** Another call used the approval: the agent learns it from its claim. A withdrawn request is denied by its initiator. */
function stateOf(deps: HoldsDeps, call: string, request: store.HeldRequest): HoldState {
  const withdrawn = request.state === 'cancelled'
  const wanted = request.state === 'denied' ? 'denied' : 'approved'
  const deciding = request.verdicts.filter((given) => given.verdict === wanted)
  const states = {
    pending: 'pending',
    approved: 'approved',
    run: 'approved',
    denied: 'denied',
    cancelled: 'denied',
    expired: 'expired',
  } as const
  return create(HoldStateSchema, {
    call,
    request: request.id,
    state: states[request.state],
    url: urlOf(deps.config, request.id),
    expiresAtMs: BigInt(request.expiresAt.getTime()),
    approvalDigest: request.approvalDigest,
    evidenceDigest: request.evidenceDigest,
    reason: withdrawn ? 'the request was withdrawn' : printable(deciding.at(-1)?.reason ?? ''),
    signatures: deciding.flatMap(({ signerKey: key, signature }) =>
      key === null || signature === null
        ? []
        : [{ key, signature: new Uint8Array(Buffer.from(signature, 'base64url')) }],
    ),
    decidedBy: withdrawn ? [printable(request.initiatorName)] : deciding.map((given) => printable(given.personName)),
  })
}

/** What the holds of a process share. */
interface Shared {
  readonly attached: Attached
  readonly look: (ids: readonly string[]) => void
  readonly forget: (agentId: string, remove: Promise<string[]>) => void
}

/** The calls of one stream that wait. */
function openCalls(deps: HoldsDeps, { attached, look }: Shared, push: AttachedCall['push']) {
  const calls = new Map<string, AttachedCall>()
  const detach = (id: string): void => {
    const call = calls.get(id)
    if (call === undefined) return
    calls.delete(id)
    const others = attached.get(call.request)
    others?.delete(call)
    if (others?.size === 0) attached.delete(call.request)
  }
  return {
    detach,
    isFull: (id: string): boolean => !calls.has(id) && calls.size >= limits.holdsWaitingPerAgentMax,
    attach(id: string, request: store.HeldRequest): void {
      detach(id)
      const call: AttachedCall = { call: id, request: request.id, told: '', push }
      calls.set(id, call)
      attached.set(request.id, (attached.get(request.id) ?? new Set()).add(call))
      tell(deps, call, request)
      // A verdict may have come between the commit and this line.
      look([request.id])
    },
    clear(): void {
      for (const id of [...calls.keys()]) detach(id)
    },
  }
}

function attachLink(deps: HoldsDeps, shared: Shared, agent: AgentIdentity, send: Send): LinkHolds {
  const { agentId } = agent
  const link = deps.randomBytes(8).toString('hex')
  const push = pushing(send)
  const calls = openCalls(deps, shared, push)
  const failed = (event: string) => (err: unknown) => deps.log.warn({ event, agent: agentId, err })
  shared.forget(agentId, store.removeCallsOfOthers(deps.db, agentId, link))
  return {
    async opened(message) {
      try {
        if (message.waits && calls.isFull(message.call))
          return push(refusal(message.call, 'HOLD_UNAVAILABLE', 'too many callers of this agent wait already'))
        const request = await openHold(deps, agent, { ...message, link })
        if (message.waits) calls.attach(message.call, request)
        else push(stateOf(deps, message.call, request))
      } catch (thrown) {
        push(refusalOf(deps, agentId, message.call, thrown))
      }
    },
    async claim(message) {
      const granted = await claimOf(deps, agentId, message).catch((thrown: unknown) => {
        failed('hold-claim-failed')(thrown)
        return false
      })
      if (granted) calls.detach(message.call)
      await send({ case: 'holdClaimed', value: create(HoldClaimedSchema, { call: message.call, granted }) })
    },
    async released(message) {
      calls.detach(message.call)
      if (!isId(message.call)) return
      const request = await store.removeCall(deps.db, message.call, agentId).catch(failed('hold-release-failed'))
      if (typeof request === 'string') deps.bus.publish({ kind: 'approval', id: request })
    },
    async ran(message) {
      if (isId(message.request)) await noteRan(deps, ranOf(agentId, message)).catch(failed('hold-result-failed'))
    },
    stop() {
      calls.clear()
      shared.forget(agentId, store.removeCallsOfLink(deps.db, agentId, link))
    },
  }
}

/** States go out one after the other, the latest of a call only: an agent that reads slowly holds up nobody. */
function pushing(send: Send): (state: HoldState) => void {
  const waiting = new Map<string, HoldState>()
  let isRunning = false
  const run = async (): Promise<void> => {
    isRunning = true
    try {
      for (const [call, state] of waiting) {
        waiting.delete(call)
        await send({ case: 'holdState', value: state })
      }
    } finally {
      isRunning = false
    }
  }
  return (state) => {
    waiting.set(state.call, state)
    if (!isRunning) void run()
  }
}

const claimOf = async (deps: HoldsDeps, agentId: string, message: HoldClaim): Promise<boolean> => {
  const { call, request, statementDigest, approvalDigest } = message
  if (!isId(call) || !isId(request)) return false
  return await claimHold(deps, { id: request, agentId, call, statementDigest, approvalDigest })
}

function refusalOf(deps: HoldsDeps, agent: string, call: string, thrown: unknown): HoldState {
  const error = asSallyportError(thrown)
  const fields = { event: 'hold-refused', agent, code: error.code, reason: error.message }
  if (error.code !== 'INTERNAL') deps.log.info(fields)
  else deps.log.error({ ...fields, err: error.cause })
  const code = error.code === 'INTERNAL' ? 'HOLD_UNAVAILABLE' : error.code
  const message = error.code === 'INTERNAL' ? 'the control plane could not keep the request; try again' : error.message
  return refusal(call, code, message)
}

const refusal = (call: string, errorCode: SallyportErrorCode, errorMessage: string): HoldState =>
  create(HoldStateSchema, { call, state: 'refused', errorCode, errorMessage })

const countOf = (value: bigint): number => Number(value > BigInt(Number.MAX_SAFE_INTEGER) ? 0n : value)

const ranOf = (agentId: string, message: HoldRan) => ({
  id: message.request,
  agentId,
  result: printable(message.result).slice(0, 20),
  tag: printable(message.tag).slice(0, 100),
  sqlstate: printable(message.sqlstate).slice(0, 5),
  rows: countOf(message.rows),
  durationUs: countOf(message.durationUs),
})
