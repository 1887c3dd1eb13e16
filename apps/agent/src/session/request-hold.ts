// A request of HTTP that a rule holds: what hold.ts needs to ask people about it, to judge it again, and to give it the one
// run of an approval. It decides nothing itself.
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import type { EntryBody } from '@sallyport/ledger/entry'
import type { Catalog } from '@sallyport/sql/catalog'
import type { Assessed, Cleared } from './assess.ts'
import type { JudgedStatement, Judgement } from './gate.ts'
import { type HeldText, isHeld } from './held.ts'
import { createHolding } from './hold.ts'
import type { ApprovedRun, HoldDeps, HoldSteps } from './hold-execution.ts'
import type { HoldNotice } from './hold-words.ts'
import { noParameters, type RecordedStatement } from './recorded.ts'

/** Judged: nothing denies it. */
export type ClearedRequest = Omit<Cleared, 'catalog' | 'kind'>

/** A request as it is held. */
export interface HeldRequest {
  /** As reviewers read it. */
  readonly text: string
  readonly protocol: HeldText['protocol']
  /** What else a verdict is bound to: `name=value`. */
  readonly settings: readonly string[]
  /** How the target is reached, as a digest. */
  readonly place: string
  readonly waitMsMax: number
  readonly recorded: RecordedStatement
  /** Fires when the caller is gone; the other one when its session ends. */
  readonly gone: AbortSignal
  readonly ended: AbortSignal
  /** Told when the caller begins to wait. */
  readonly onWaits?: (notice: HoldNotice) => void
}

/** What the gate does for one held request. */
export interface RequestHoldSteps {
  /** Judges it again, under the rules of this moment. */
  assess(): Promise<ClearedRequest | SallyportError>
  /** Puts a refusal into the record, under this number. */
  deny(number: number, error: SallyportError): Promise<void>
  append(body: EntryBody): Promise<void> | undefined
  nextNumber(): number
  /** Writes the end of the hold, where there was one, and the intent. Rejects when it cannot. */
  run(number: number, before: EntryBody | null): Promise<void>
}

/** A request that may run now. */
export interface RequestRun {
  readonly number: number
  /** Told what came of it; null where no approval was needed after all. */
  readonly approved: ApprovedRun | null
}

const catalogOf = (version: string): Catalog => ({
  version,
  database: '',
  serverVersion: 0,
  serverEncoding: '',
  relations: [],
  functions: [],
  schemas: [],
  types: [],
  operators: [],
})

/** What only databases have: there is nothing that could be looked up. */
export const noCatalog: Catalog = catalogOf('')

/** One request on its way to a verdict. */
interface Underway {
  readonly request: HeldRequest
  readonly first: ClearedRequest
  readonly steps: RequestHoldSteps
  readonly catalog: Catalog
  number: number
  /** The record has a held entry of this number. */
  isBegun: boolean
  error: SallyportError | null
  run: RequestRun | null
}

/** Asks, waits as long as the caller would, and resolves when it may run. Rejects with the refusal, which is in the record. */
export async function holdRequest(
  deps: HoldDeps,
  request: HeldRequest,
  first: ClearedRequest,
  steps: RequestHoldSteps,
): Promise<RequestRun> {
  const catalog = catalogOf(request.place)
  const held = heldOf(request, { kind: 'clear', ...first, catalog })
  if (held === null) throw new SallyportError('POLICY_ERROR', 'nothing in it is held')
  const underway: Underway = {
    request,
    first,
    steps,
    catalog,
    number: steps.nextNumber(),
    isBegun: false,
    error: null,
    run: null,
  }
  const holding = createHolding(deps)
  const judging = holding.hold(held, holdSteps(underway), request.onWaits ?? (() => {}))
  const stop = endWith(holding, request)
  try {
    const judgement = await judging
    if (judgement.kind === 'allowed' && underway.run !== null) return underway.run
    throw underway.error ?? new SallyportError('HOLD_UNAVAILABLE', 'the request needs approval, and the wait was ended')
  } finally {
    stop()
  }
}

function holdSteps(underway: Underway): HoldSteps {
  const { steps, request, catalog } = underway
  const deny = async (error: SallyportError): Promise<Judgement> => {
    await steps.deny(next(underway), inWordsOfHttp(error))
    return refusal(underway, error)
  }
  return {
    async assess() {
      const found = await steps.assess()
      return found instanceof SallyportError
        ? { kind: 'refused', error: found, judged: null, position: null, under: null }
        : { kind: 'clear', ...found, catalog }
    },
    heldOf: (assessed) => heldOf(request, assessed),
    async carryOut(assessed) {
      if (assessed.kind === 'refused') return await deny(assessed.error)
      if (assessed.kind !== 'clear' || isHeld(assessed.all))
        return await deny(new SallyportError('POLICY_ERROR', 'it cannot be judged again'))
      next(underway)
      return await allow(underway, null, null)
    },
    deny,
    refusal: (error) => refusal(underway, error),
    append: (body) => steps.append(body),
    get nextNumber() {
      return next(underway)
    },
    begin() {
      underway.isBegun = true
    },
    run: async (_held, _number, before, approved) => await allow(underway, before, approved),
  }
}

function refusal(underway: Underway, error: SallyportError): Judgement {
  underway.error = inWordsOfHttp(error)
  return { kind: 'refused', error: underway.error, position: null }
}

/** A number with a held entry is used up; whoever asks anew has another one. */
function next(underway: Underway): number {
  if (underway.isBegun) underway.number = underway.steps.nextNumber()
  underway.isBegun = false
  return underway.number
}

async function allow(underway: Underway, before: EntryBody | null, approved: ApprovedRun | null): Promise<Judgement> {
  const { steps, first, number } = underway
  try {
    await steps.run(number, before)
  } catch (thrown) {
    return refusal(underway, asSallyportError(thrown))
  }
  underway.run = { number, approved }
  return { kind: 'allowed', statements: [statementOf(first, number, approved)] }
}

function heldOf(request: HeldRequest, assessed: Assessed): HeldText | null {
  if (assessed.kind !== 'clear' || !isHeld(assessed.all)) return null
  return { ...heldTextOf(request, assessed), all: bounded(assessed.all, request.waitMsMax) }
}

/** Whoever is gone has given up for good; a session that ends leaves the request to the next attempt. */
function endWith(holding: { end(why: 'vanished' | 'draining'): boolean }, { gone, ended }: HeldRequest): () => void {
  const onGone = (): void => void holding.end('vanished')
  const onEnded = (): void => void holding.end('draining')
  gone.addEventListener('abort', onGone)
  ended.addEventListener('abort', onEnded)
  // Either may have come before anybody listened.
  if (gone.aborted) onGone()
  else if (ended.aborted) onEnded()
  return () => {
    gone.removeEventListener('abort', onGone)
    ended.removeEventListener('abort', onEnded)
  }
}

const heldTextOf = (
  { text, protocol, settings, recorded, waitMsMax }: HeldRequest,
  { policies, catalog }: Cleared,
): Omit<HeldText, 'all'> => ({
  text,
  protocol,
  parameters: noParameters,
  searchPath: [],
  execution: {
    mayWait: waitMsMax > 0,
    isWhole: true,
    parameters: [],
    shown: [],
    resultFormats: [],
    settings,
    changedSetting: null,
  },
  recorded,
  policies,
  catalog,
})

/** The caller waits as long as it prefers, and never longer than the rule says. */
const bounded = (all: HeldText['all'], waitMsMax: number): HeldText['all'] =>
  all.map((one) => {
    const { decision } = one
    if (decision.kind !== 'hold') return one
    const approval = { ...decision.approval, waitMs: Math.min(decision.approval.waitMs, waitMsMax) }
    const { message, policy, version, rule, shadow } = decision
    return { ...one, decision: { kind: 'hold', message, policy, version, rule, shadow, trace: [], approval } }
  })

function statementOf({ all }: ClearedRequest, number: number, approved: ApprovedRun | null): JudgedStatement {
  const [only] = all
  if (only === undefined) throw new SallyportError('POLICY_ERROR', 'nothing was judged')
  return {
    facts: only.facts,
    plan: { kind: 'plain' },
    sensitive: false,
    number,
    startedAtUs: 0,
    protection: { columns: [], detection: null, isProtected: () => false, relation: () => undefined },
    meter: null,
    copyGuard: null,
    approved,
  }
}

/** What hold.ts says of statements is so of requests; what a reviewer wrote stays as it is. */
function inWordsOfHttp(error: SallyportError): SallyportError {
  if (!/^(HOLD_PENDING|HOLD_EXPIRED|HOLD_UNAVAILABLE|STATEMENT_TOO_LONG)$/.test(error.code)) return error
  const words = (text: string): string => text.replace(/\bstatement\b/g, 'request')
  const code = error.code === 'STATEMENT_TOO_LONG' ? 'REQUEST_TOO_LARGE' : error.code
  return new SallyportError(code, words(error.message), {
    ...(error.hint === undefined ? {} : { hint: words(error.hint) }),
    cause: error.cause,
  })
}
