// The control plane's side of held statements, made of the messages of hold.proto: requests by statement digest, verdicts by
// the test, and a claim that one call gets. It runs behind the agent's own end of the link, without a wire between.
import { createHash, randomBytes } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { parseCanonical } from '@sallyport/ledger/canonical'
import { approvalDigest, evidenceDigest, type HeldEvidence } from '@sallyport/ledger/hold'
import {
  type HoldClaim,
  HoldClaimedSchema,
  type HoldOpened,
  type HoldRan,
  type HoldReleased,
  HoldStateSchema,
} from '@sallyport/proto/gen/sallyport/v1/hold_pb'
import type { AgentMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { type After, type LinkHolds, linkHolds, realAfter } from '../src/link/holds.ts'

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())

export interface FakeRequest {
  readonly id: string
  readonly evidence: HeldEvidence
  readonly expiresAtMs: number
  approvalDigest: string
  evidenceDigest: string
  /** Passed on with the verdict. */
  signatures: { key: string; signature: Uint8Array }[]
  readonly opened: HoldOpened
  state: 'pending' | 'approved' | 'denied' | 'expired' | 'run'
  reason: string
  decidedBy: string[]
  /** Calls that wait. */
  readonly calls: Set<string>
  readonly released: HoldReleased[]
  readonly ran: HoldRan[]
  /** Call that got the run. */
  claimedBy: string
}

export interface FakeHolds {
  readonly holds: LinkHolds
  readonly requests: FakeRequest[]
  readonly messages: AgentMessage['body'][]
  readonly behaviour: {
    isUp: boolean
    /** Opened calls are not answered. */
    isSilent: boolean
    /** Claims are not answered until the test says so. */
    keepsClaims: boolean
    refusal: { errorCode: string; errorMessage: string } | null
    /** Answers with another digest than it should. */
    wrongDigest: string | null
  }
  decide(request: FakeRequest, verdict: 'approved' | 'denied', reason?: string, by?: string): void
  expire(request: FakeRequest): void
  /** Answers the claims that were kept. */
  answerClaims(): void
  linkDown(): void
  /** Waits until something is there; looks again with every message. */
  until<T>(look: () => T | undefined | null | false): Promise<T>
  /** The next request that no test has seen, of a text that holds this. */
  next(text?: string): Promise<FakeRequest>
  /** Nothing attaches to what was asked until now, and `next` does not find it. */
  forget(): void
  /** Looks again: something outside has happened. */
  wake(): void
}

export function fakeHolds(options: { readonly after?: After } = {}): FakeHolds {
  const requests: FakeRequest[] = []
  const messages: AgentMessage['body'][] = []
  const waiting = new Set<() => void>()
  const kept: HoldClaim[] = []
  const seen = new Set<FakeRequest>()
  const behaviour: FakeHolds['behaviour'] = {
    isUp: true,
    isSilent: false,
    keepsClaims: false,
    refusal: null,
    wrongDigest: null,
  }
  const wake = () => {
    for (const one of [...waiting]) one()
  }
  const holds = linkHolds({
    send(body) {
      if (!behaviour.isUp) return false
      messages.push(body)
      setImmediate(() => {
        take(body)
        wake()
      })
      return true
    },
    after: options.after ?? realAfter,
  })
  const tell = (request: FakeRequest, call: string): void =>
    holds.state(
      create(HoldStateSchema, {
        call,
        request: request.id,
        state: request.state === 'run' ? 'approved' : request.state,
        url: `https://elsewhere.test/approvals/${request.id}`,
        expiresAtMs: BigInt(request.expiresAtMs),
        approvalDigest: behaviour.wrongDigest ?? request.approvalDigest,
        evidenceDigest: request.evidenceDigest,
        reason: request.reason,
        decidedBy: request.decidedBy,
        signatures: request.signatures,
      }),
    )
  const made = (opened: HoldOpened): FakeRequest => {
    const parsed = parseCanonical(opened.evidence, 1_048_576)
    if (!parsed.ok) throw new Error(parsed.reason)
    const evidence = parsed.value as unknown as HeldEvidence
    const id = randomBytes(16).toString('hex')
    const expiresAtMs = Date.now() + evidence.expiresInMs
    const digest = evidenceDigest(sha256, evidence)
    const { statementDigest, quorum } = evidence
    const subject = { v: 1, request: id, statementDigest, evidenceDigest: digest, expiresAtMs, quorum } as const
    const request: FakeRequest = {
      id,
      evidence,
      expiresAtMs,
      approvalDigest: approvalDigest(sha256, subject),
      evidenceDigest: digest,
      signatures: [],
      opened,
      state: 'pending',
      reason: '',
      decidedBy: [],
      calls: new Set(),
      released: [],
      ran: [],
      claimedBy: '',
    }
    requests.push(request)
    return request
  }
  const open = (opened: HoldOpened): void => {
    if (behaviour.isSilent) return
    if (behaviour.refusal !== null) {
      holds.state(create(HoldStateSchema, { call: opened.call, state: 'refused', ...behaviour.refusal }))
      return
    }
    const attachable = (one: FakeRequest) => one.state === 'pending' || one.state === 'approved'
    const known = requests.find((one) => one.opened.statementDigest === opened.statementDigest && attachable(one))
    const request = known ?? made(opened)
    if (opened.waits) request.calls.add(opened.call)
    tell(request, opened.call)
  }
  const claim = (claimed: HoldClaim): void => {
    const request = requests.find(({ id }) => id === claimed.request)
    const granted =
      request !== undefined &&
      request.approvalDigest === claimed.approvalDigest &&
      request.opened.statementDigest === claimed.statementDigest &&
      (request.state === 'approved' || (request.state === 'run' && request.claimedBy === claimed.call))
    if (granted) {
      request.state = 'run'
      request.claimedBy = claimed.call
      request.calls.delete(claimed.call)
    }
    holds.claimed(create(HoldClaimedSchema, { call: claimed.call, granted }))
  }
  const take = (body: AgentMessage['body']): void => {
    switch (body.case) {
      case 'holdOpened':
        open(body.value)
        return
      case 'holdClaim':
        if (behaviour.keepsClaims) kept.push(body.value)
        else claim(body.value)
        return
      case 'holdReleased': {
        const { request, call } = body.value
        const released = requests.find(({ id }) => id === request)
        released?.calls.delete(call)
        released?.released.push(body.value)
        return
      }
      case 'holdRan':
        requests.find(({ id }) => id === body.value.request)?.ran.push(body.value)
    }
  }
  const change = (request: FakeRequest, state: FakeRequest['state'], reason = '', by: string[] = []): void => {
    Object.assign(request, { state, reason, decidedBy: by })
    for (const call of request.calls) tell(request, call)
  }
  const until: FakeHolds['until'] = async (look) => {
    for (;;) {
      const found = look()
      if (found !== undefined && found !== null && found !== false) return found
      await new Promise<void>((resolve) => {
        const one = () => {
          waiting.delete(one)
          resolve()
        }
        waiting.add(one)
      })
    }
  }
  return {
    holds,
    requests,
    messages,
    behaviour,
    until,
    decide: (request, verdict, reason = '', by = 'Bob') => change(request, verdict, reason, [by]),
    expire: (request) => change(request, 'expired'),
    answerClaims() {
      for (const one of kept.splice(0)) claim(one)
    },
    linkDown() {
      behaviour.isUp = false
      for (const request of requests) request.calls.clear()
      holds.lost()
    },
    async next(text = '') {
      const request = await until(() => requests.find((one) => !seen.has(one) && one.evidence.text.includes(text)))
      seen.add(request)
      return request
    },
    forget() {
      for (const request of requests) {
        seen.add(request)
        if (request.state !== 'run') request.state = 'expired'
      }
    },
    wake,
  }
}
