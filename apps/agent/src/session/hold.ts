// The life of a held text: ask, wait, look at everything again, claim the one run, let it run. The gate has judged it
// before, and judges it again; nothing here can allow what the gate would not.
// INVARIANT: a text runs only after this execution's claim was granted, and then once. Whoever gives up before that
// moment (cancel, goodbye, a lost connection, a stopping agent) has given up for good (DESIGN §5, THREATS ).
import { assert, unreachable } from '@sallyport/base/assert'
import { asSallyportError, type SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { HoldAnswer } from '../link/holds.ts'
import { signaturesMissing, signersOf } from '../link/reviewers.ts'
import type { Judgement } from './gate.ts'
import {
  digestOfHeld,
  evidenceBytes,
  type HeldText,
  heldEvidence,
  isAbout,
  recordHeld,
  type Terms,
  termsOf,
} from './held.ts'
import {
  approvedRun,
  close,
  type Ended,
  type Ending,
  type Execution,
  endedEntry,
  gaveUp,
  giveUp,
  type HoldDeps,
  type HoldSteps,
  newExecution,
  notRun,
  type OpenHold,
  unlessEnded,
} from './hold-execution.ts'
import * as say from './hold-words.ts'

export interface Holding {
  readonly isHolding: boolean
  /** `onWaits` is called when the caller begins to wait. Never rejects. */
  hold(held: HeldText, steps: HoldSteps, onWaits: (notice: say.HoldNotice) => void): Promise<Judgement>
  /** Gives up, at once and for good. False when nothing is held. */
  end(why: Ending): boolean
}

/** How often one execution asks anew, after another one used the approval or the judgement changed. */
export const holdRoundsMax = 3

export function createHolding(deps: HoldDeps): Holding {
  let current: Execution | null = null
  return {
    get isHolding() {
      return current !== null
    },
    async hold(held, steps, onWaits) {
      assert(current === null, 'a session holds one text at a time')
      const execution = newExecution(deps, steps, onWaits)
      current = execution
      try {
        return await rounds(execution, held)
      } catch (thrown) {
        return stopped(execution, asSallyportError(thrown))
      } finally {
        current = null
      }
    },
    end(why) {
      if (current === null) return false
      giveUp(current, why)
      return true
    },
  }
}

/** Something failed on the way: whatever is open ends, and nothing runs. */
function stopped(execution: Execution, error: SallyportError): Judgement | Promise<Judgement> {
  const { open, steps } = execution
  if (execution.ended !== null) return steps.refusal(endedError(execution, open))
  if (open === null) return steps.deny(error)
  try {
    close(execution, 'lost', 'pending')
  } catch (thrown) {
    return steps.refusal(asSallyportError(thrown))
  }
  return steps.refusal(error)
}

function endedError({ ended }: Execution, open: OpenHold | null): SallyportError {
  if (ended === 'cancelled') return say.holdCancelled()
  return open === null ? say.holdUnavailable('the wait was ended') : say.holdPending(open.answer.request, open.url)
}

type Came = { readonly kind: 'answer'; readonly judgement: Judgement } | { readonly kind: 'again' }
const again: Came = { kind: 'again' }
const answer = async (judgement: Judgement | Promise<Judgement>): Promise<Came> => ({
  kind: 'answer',
  judgement: await judgement,
})

async function rounds(execution: Execution, first: HeldText): Promise<Judgement> {
  const { steps } = execution
  let held = first
  for (let round = 0; round < holdRoundsMax; round++) {
    if (execution.deps.isTokenExpired()) return await steps.deny(say.tokenExpired())
    const came = await once(execution, held)
    if (came.kind === 'answer') return came.judgement
    const assessed = await steps.assess()
    if (execution.ended !== null) return steps.refusal(endedError(execution, null))
    const next = steps.heldOf(assessed)
    if (next === null) return await steps.carryOut(assessed)
    held = next
  }
  return await steps.deny(say.holdUnavailable('other executions of it used the approvals'))
}

/** One request: from its evidence to its run, its refusal, or to asking anew. */
async function once(execution: Execution, held: HeldText): Promise<Came> {
  const { deps, steps } = execution
  const approvals = `${deps.consoleUrl()}/approvals`
  const terms = termsOf(held.all)
  assert(terms !== null, 'nothing is held')
  const digest = digestOfHeld(held, deps.place)
  const estimate = await unlessEnded(execution, deps.estimate(held, deps.place.chain))
  if (estimate === gaveUp) return await gone(execution, null)
  const signers = signersOf(deps.reviewers())
  const evidence = heldEvidence(held, deps.place, terms, { digest, number: steps.nextNumber, estimate, signers })
  const bytes = evidenceBytes(evidence)
  if (bytes === null) return await answer(steps.deny(say.holdTooLong(limits.holdEvidenceBytesMax)))
  const waits = held.execution.mayWait && terms.approval.waitMs > 0 && !deps.holds.isFull
  const id = Buffer.from(deps.random(16)).toString('hex')
  const call = deps.holds.open({ call: id, statementDigest: digest, evidence: bytes, waits })
  const opened = await unlessEnded(execution, call.opened).catch((thrown: unknown) => asSallyportError(thrown))
  if (opened === gaveUp || opened instanceof Error || execution.ended !== null) {
    call.release('', execution.ended === 'vanished' ? 'vanished' : 'cancelled')
    return opened instanceof Error ? await answer(steps.deny(opened)) : await gone(execution, null)
  }
  if (!isAbout(opened, digest, terms, deps.place, deps.clock.nowMs())) {
    call.release(opened.request, 'cancelled')
    return await answer(steps.deny(say.holdUnavailable('the answer about it is not about this statement')))
  }
  const url = `${approvals}/${opened.request}`
  const open: OpenHold = { number: steps.nextNumber, call, answer: opened, url }
  const isWaiting = waits && opened.state === 'pending'
  await recordOpen(execution, held, open, { terms, digest, isWaiting })
  if (execution.ended !== null) return await gone(execution, open)
  deps.onHeld(opened.request)
  if (!isWaiting) return await decided(execution, held, { open, terms, digest }, opened)
  execution.onWaits(say.holdNotice(held.all, terms, opened.expiresAtMs, deps.clock.nowMs(), url))
  return await decided(execution, held, { open, terms, digest }, await waited(execution, open, terms))
}

/** The execution gave up. A held entry has its end by now; before one, the refusal itself is recorded. */
async function gone(execution: Execution, open: OpenHold | null): Promise<Came> {
  const error = endedError(execution, open)
  const { steps } = execution
  return await answer(open === null && execution.ended !== 'vanished' ? steps.deny(error) : steps.refusal(error))
}

interface Asked {
  readonly terms: Terms
  readonly digest: string
}

/** When the entry cannot be written, the request goes on without this execution. */
async function recordOpen(
  execution: Execution,
  held: HeldText,
  open: OpenHold,
  asked: Asked & { readonly isWaiting: boolean },
): Promise<void> {
  const { deps, steps } = execution
  const { request, expiresAtMs, evidenceDigest: evidence } = open.answer
  try {
    const written = steps.append({
      kind: 'held',
      statement: open.number,
      ...recordHeld(held, deps.place, deps.scan),
      rule: asked.terms.rule,
      request,
      statementDigest: asked.digest,
      evidenceDigest: evidence,
      expiresAtMs,
      waits: asked.isWaiting,
    })
    steps.begin()
    execution.open = open
    await written
  } catch (thrown) {
    if (execution.open === null) open.call.release(request, 'cancelled')
    throw thrown
  }
}

/** The answer when the wait ends: by a verdict, by its time, or by giving up. */
async function waited(execution: Execution, open: OpenHold, terms: Terms): Promise<HoldAnswer | typeof gaveUp> {
  const { deps } = execution
  const nowMs = deps.clock.nowMs()
  execution.waitEndMs ??= nowMs + terms.approval.waitMs
  const waitMs = Math.max(0, Math.min(execution.waitEndMs, open.answer.expiresAtMs) - nowMs)
  let stopTimer: () => void = () => {}
  const late = new Promise<HoldAnswer>((resolve) => {
    stopTimer = deps.after(waitMs, () => resolve(open.answer))
  })
  try {
    return await unlessEnded(execution, Promise.race([open.call.decided, late]))
  } finally {
    stopTimer()
  }
}

/** What an answer means for the caller. A verdict counts only if it is about what was held. */
async function decided(
  execution: Execution,
  held: HeldText,
  asked: Asked & { readonly open: OpenHold },
  found: HoldAnswer | typeof gaveUp,
): Promise<Came> {
  const { deps } = execution
  const { open, terms, digest } = asked
  if (found === gaveUp || execution.ended !== null) return await gone(execution, open)
  const { request } = open.answer
  if (found.request !== request || !isAbout(found, digest, terms, deps.place, deps.clock.nowMs()))
    return await refuse(execution, 'lost', say.holdUnavailable('the verdict is not about this statement'))
  const lateMs = deps.clock.nowMs() - open.answer.expiresAtMs
  switch (found.state) {
    case 'pending':
      if (lateMs >= 0) return await refuse(execution, 'expired', say.holdExpired(request, open.url))
      return await refuse(execution, 'pending', say.holdPending(request, open.url))
    case 'expired':
      return await refuse(execution, 'expired', say.holdExpired(request, open.url))
    case 'denied':
      return await refuse(execution, 'denied', say.holdDenied(found, open.url), found)
    case 'approved':
      if (lateMs >= limits.clockLeewaySeconds * 1_000)
        return await refuse(execution, 'expired', say.holdExpired(request, open.url))
      if (deps.isTokenExpired()) return await refuse(execution, 'pending', say.tokenExpired())
      if (signaturesMissing(deps.reviewers(), found) > 0) return await refuse(execution, 'lost', say.holdUnsigned())
      return await claim(execution, held, asked, found)
    default:
      return unreachable(found.state)
  }
}

async function refuse(
  execution: Execution,
  result: Ended['result'],
  error: SallyportError,
  from?: HoldAnswer,
): Promise<Came> {
  close(execution, result, 'pending', from)
  return await answer(execution.steps.refusal(error))
}

/** Approved: judged again, claimed, and judged once more, since a claim takes its time. Whatever has changed asks anew. */
async function claim(
  execution: Execution,
  held: HeldText,
  asked: Asked & { readonly open: OpenHold },
  found: HoldAnswer,
): Promise<Came> {
  const { steps, deps } = execution
  const { open, digest } = asked
  const isSame = async (): Promise<HeldText | typeof gaveUp | null> => {
    const assessed = await unlessEnded(execution, steps.assess())
    if (assessed === gaveUp) return gaveUp
    const now = steps.heldOf(assessed)
    return now !== null && digestOfHeld(now, deps.place) === digest ? now : null
  }
  const before = await isSame()
  if (before === gaveUp || execution.ended !== null) return await gone(execution, open)
  if (before === null) return lost(execution)
  const isForeign = deps.reviewers() !== null && !found.isOwnEvidence
  const granting = open.call.claim(found)
  const granted = await unlessEnded(execution, granting)
  if (granted === gaveUp || execution.ended !== null) {
    // Too late for this execution; if it got the run, nobody has it.
    granting.then(
      (late) => late && notRun(execution, open),
      () => {},
    )
    return await gone(execution, open)
  }
  if (!granted) return lost(execution)
  if (isForeign) {
    // Reviewers have signed what an earlier process of this agent said, which this one cannot look at: they are asked anew.
    notRun(execution, open)
    return lost(execution)
  }
  const now = await isSame()
  // Looked at here and not before: from this line on nothing is waited for until the run is in the record.
  const hasEnded = now === gaveUp || execution.ended !== null
  if (hasEnded || now === null || deps.isTokenExpired()) {
    notRun(execution, open)
    return hasEnded ? await gone(execution, open) : lost(execution)
  }
  execution.open = null
  const approved = approvedRun(deps, open.answer.request, held.all.length)
  const judgement = await steps.run(now, open.number, endedEntry(open, 'approved', found), approved)
  if (judgement.kind === 'refused') notRun(execution, open)
  if (judgement.kind !== 'allowed' || execution.ended === null) return { kind: 'answer', judgement }
  takeBack(execution, judgement)
  return await gone(execution, open)
}

/** Given up while the disk was waited for: the intents stand, and their outcomes say that nothing ran. */
function takeBack({ steps }: Execution, { statements }: Extract<Judgement, { kind: 'allowed' }>): void {
  const outcome = { result: 'cancelled', tag: '', sqlstate: '', rows: 0, durationUs: 0 } as const
  try {
    for (const { approved, number } of statements) {
      approved?.outcome(outcome)
      if (number === null) continue
      const entry = { kind: 'outcome', statement: number, ...outcome, bytes: 0, maskedValues: 0 } as const
      void steps.append(entry)?.catch(() => {})
    }
  } catch {
    // The record is closed: it shows the outcome as unknown.
  }
}

function lost(execution: Execution): Came {
  close(execution, 'lost', 'pending')
  return again
}
