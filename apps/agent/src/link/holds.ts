// Held statements over the link: asks the control plane for a person's verdict, hands its answers to the execution that
// asked, and claims the one run. What is not answered in time, or with the link down, is not granted. It decides nothing.
import { createHash } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { isErrorCode, SallyportError } from '@sallyport/base/errors'
import { isId } from '@sallyport/base/ids'
import { limits } from '@sallyport/base/limits'
import { evidenceDigestOfBytes } from '@sallyport/ledger/hold'
import {
  type HoldClaimed,
  HoldClaimSchema,
  HoldOpenedSchema,
  HoldRanSchema,
  HoldReleasedSchema,
  type HoldState,
} from '@sallyport/proto/gen/sallyport/v1/hold_pb'
import type { AgentMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { printable } from '@sallyport/proto/status'

/** How a request stands, as the control plane says; text is printable. Nothing of it is believed before it is compared. */
export interface HoldAnswer {
  readonly state: 'pending' | 'approved' | 'denied' | 'expired'
  readonly request: string
  readonly expiresAtMs: number
  readonly approvalDigest: string
  readonly evidenceDigest: string
  readonly reason: string
  readonly decidedBy: readonly string[]
  readonly signatures: readonly { readonly key: string; readonly signature: Uint8Array }[]
  /** The evidence that the verdicts are about was made by this process: what reviewers saw is what it said. */
  readonly isOwnEvidence: boolean
}

export interface HoldOpening {
  /** Of this execution, 32 hex digits. */
  readonly call: string
  readonly statementDigest: string
  readonly evidence: Uint8Array
  readonly waits: boolean
}

/** Why an execution no longer waits. */
export type ReleaseReason = 'pending' | 'cancelled' | 'vanished'

/** One execution that asks. Whoever opens it ends it, by a claim that is granted or by a release. */
export interface HoldCall {
  /** The first answer. Rejects with HOLD_UNAVAILABLE, or with what the control plane refused it for. */
  readonly opened: Promise<HoldAnswer>
  /** The first answer that is no longer pending. Rejects with HOLD_UNAVAILABLE when the link is lost before. */
  readonly decided: Promise<HoldAnswer>
  /** True: this execution, and no other, runs now. Rejects with HOLD_UNAVAILABLE. */
  claim(answer: HoldAnswer): Promise<boolean>
  release(request: string, why: ReleaseReason): void
}

export interface HoldRanReport {
  readonly request: string
  readonly result: 'done' | 'failed' | 'cancelled' | 'unknown'
  readonly tag: string
  readonly sqlstate: string
  readonly rows: number
  readonly durationUs: number
}

export interface Holds {
  open(opening: HoldOpening): HoldCall
  ran(report: HoldRanReport): void
  /** As many callers wait as may: the next one does not. */
  readonly isFull: boolean
}

/** The link's end of it. */
export interface LinkHolds extends Holds {
  state(message: HoldState): void
  claimed(message: HoldClaimed): void
  /** The link is down: nobody gets an answer any more. */
  lost(): void
}

/** Calls a function after so many milliseconds; the result calls it off. */
export type After = (ms: number, run: () => void) => () => void

export const realAfter: After = (ms, run) => {
  const timer = setTimeout(run, ms)
  timer.unref()
  return () => clearTimeout(timer)
}

export interface LinkHoldsDeps {
  /** False when the link is down. */
  readonly send: (body: AgentMessage['body']) => boolean
  readonly after: After
}

/** Statements that the control plane has not answered yet: each may carry limits.holdEvidenceBytesMax. */
const openingsMax = 256

const unavailable = (message: string): SallyportError =>
  new SallyportError('HOLD_UNAVAILABLE', message, { hint: 'nothing ran; send the statement again later' })
const linkDown = 'the statement needs approval, and the control plane cannot be reached'
const noAnswer = 'the statement needs approval, and the control plane did not answer in time'

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())

/** Digests of evidence that are kept: a request lives for seven days at most, and few are open at once. */
const evidenceKeptMax = 10_000

/** What this process has said of held statements, by digest. A digest names its statement as well. */
function evidenceMemory() {
  const made = new Set<string>()
  return {
    add({ evidence }: HoldOpening): void {
      const digest = evidenceDigestOfBytes(sha256, evidence)
      made.delete(digest)
      made.add(digest)
      const [oldest] = made
      if (made.size > evidenceKeptMax && oldest !== undefined) made.delete(oldest)
    },
    has: (digest: string): boolean => made.has(digest),
  }
}

/** A promise that is settled from outside; that nobody listens to it is no error. */
export interface Settled<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: SallyportError): void
}

export function settled<T>(): Settled<T> {
  let resolve: Settled<T>['resolve'] = () => {}
  let reject: Settled<T>['reject'] = () => {}
  const promise = new Promise<T>((done, failed) => {
    resolve = done
    reject = failed
  })
  promise.catch(() => {})
  return { promise, resolve, reject }
}

interface OpenCall {
  readonly waits: boolean
  readonly opened: Settled<HoldAnswer>
  readonly decided: Settled<HoldAnswer>
  isAnswered: boolean
  claiming: Settled<boolean> | null
  /** The claim is answered. */
  isClaimed: boolean
  isReleased: boolean
  /** Of the answer that is waited for. */
  stopTimer: () => void
}

export function linkHolds(deps: LinkHoldsDeps): LinkHolds {
  const calls = new Map<string, OpenCall>()
  const evidence = evidenceMemory()
  const count = (fits: (call: OpenCall) => boolean): number => [...calls.values()].filter(fits).length
  return {
    get isFull() {
      return count(({ waits, isReleased }) => waits && !isReleased) >= limits.holdsWaitingPerAgentMax
    },
    open(opening) {
      evidence.add(opening)
      const call = newCall(opening.waits)
      if (count(({ isAnswered }) => !isAnswered) >= openingsMax)
        fail(call, 'too many statements ask for approval at once')
      else if (!deps.send({ case: 'holdOpened', value: create(HoldOpenedSchema, opening) })) fail(call, linkDown)
      else {
        calls.set(opening.call, call)
        call.stopTimer = deps.after(limits.holdAnswerMsMax, () => fail(call, noAnswer))
      }
      return callOf(deps, calls, opening, call)
    },
    ran(report) {
      const { rows, durationUs, ...rest } = report
      const value = create(HoldRanSchema, { ...rest, rows: BigInt(rows), durationUs: BigInt(durationUs) })
      deps.send({ case: 'holdRan', value })
    },
    state(message) {
      const call = calls.get(message.call)
      if (call !== undefined) takeState(call, message, evidence.has)
    },
    claimed(message) {
      const call = calls.get(message.call)
      if (call === undefined || call.claiming === null) return
      call.stopTimer()
      call.isClaimed = true
      call.claiming.resolve(message.granted)
      if (message.granted || call.isReleased) calls.delete(message.call)
    },
    lost() {
      for (const call of calls.values()) fail(call, linkDown)
      calls.clear()
    },
  }
}

const newCall = (waits: boolean): OpenCall => ({
  waits,
  opened: settled(),
  decided: settled(),
  isAnswered: false,
  claiming: null,
  isClaimed: false,
  isReleased: false,
  stopTimer: () => {},
})

function fail(call: OpenCall, message: string): void {
  call.stopTimer()
  const error = unavailable(message)
  call.opened.reject(error)
  call.decided.reject(error)
  call.claiming?.reject(error)
}

function callOf(deps: LinkHoldsDeps, calls: Map<string, OpenCall>, opening: HoldOpening, call: OpenCall): HoldCall {
  const { call: id, statementDigest } = opening
  return {
    opened: call.opened.promise,
    decided: call.decided.promise,
    claim({ request, approvalDigest }) {
      const claiming = settled<boolean>()
      call.claiming = claiming
      const value = create(HoldClaimSchema, { call: id, request, statementDigest, approvalDigest })
      if (!calls.has(id) || !deps.send({ case: 'holdClaim', value })) claiming.reject(unavailable(linkDown))
      else {
        call.stopTimer = deps.after(limits.holdAnswerMsMax, () => {
          claiming.reject(unavailable(noAnswer))
          if (call.isReleased) calls.delete(id)
        })
      }
      return claiming.promise
    },
    release(request, why) {
      if (call.isReleased || !calls.has(id)) return
      call.isReleased = true
      // The answer to a claim is still wanted: a run that was granted too late has to be given an end.
      if (call.claiming === null || call.isClaimed) {
        call.stopTimer()
        calls.delete(id)
      }
      deps.send({ case: 'holdReleased', value: create(HoldReleasedSchema, { call: id, request, why }) })
    },
  }
}

function takeState(call: OpenCall, message: HoldState, isOwn: (digest: string) => boolean): void {
  if (!call.isAnswered) call.stopTimer()
  call.isAnswered = true
  if (message.state === 'refused') {
    const code = isErrorCode(message.errorCode) ? message.errorCode : 'HOLD_UNAVAILABLE'
    const error = new SallyportError(code, `the statement needs approval, and ${printable(message.errorMessage)}`, {
      hint: 'nothing ran',
    })
    call.opened.reject(error)
    call.decided.reject(error)
    return
  }
  const answer = answerOf(message, isOwn)
  if (answer === null) fail(call, 'the statement needs approval, and the answer about it cannot be read')
  else call.opened.resolve(answer)
  if (answer !== null && answer.state !== 'pending') call.decided.resolve(answer)
}

const states = ['pending', 'approved', 'denied', 'expired'] as const

/** Null when it is none that we know: then nothing runs. */
function answerOf(message: HoldState, isOwn: (digest: string) => boolean): HoldAnswer | null {
  const state = states.find((known) => known === message.state)
  const expiresAtMs = Number(message.expiresAtMs)
  if (state === undefined || !isId(message.request) || !(expiresAtMs > 0 && expiresAtMs <= timeMsMax)) return null
  return {
    state,
    request: message.request,
    expiresAtMs,
    approvalDigest: message.approvalDigest,
    evidenceDigest: message.evidenceDigest,
    reason: printable(message.reason),
    decidedBy: message.decidedBy.slice(0, decidersMax).map(printable),
    signatures: message.signatures.slice(0, decidersMax),
    isOwnEvidence: isOwn(message.evidenceDigest),
  }
}

/** The last moment of the year 9999. */
const timeMsMax = 253_402_300_799_000
/** People named to the caller. */
const decidersMax = 16
