// The one place where a statement is let through or stopped. Protocols bring texts and names, and carry out what comes
// back; they never decide. No snapshot, no catalog, no record, no proof: each of them means deny.
// INVARIANT: a statement that may run has its intent noted before `judge` answers, and written before it is forwarded.
import { assert } from '@sallyport/base/assert'
import type { Clock } from '@sallyport/base/clock'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import type { EntryBody } from '@sallyport/ledger/entry'
import type { MaskPlan } from '@sallyport/mask/plan'
import type { Decision, DecisionContext } from '@sallyport/policy/decide'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { StatementBudgets } from '../limits/budgets.ts'
import type { RowSource } from '../limits/limiter.ts'
import type { Meter } from '../limits/meter.ts'
import type { Snapshots } from '../link/current.ts'
import type { SessionRecord } from '../record/record.ts'
import { type Analyser, noNames, type SessionNames } from './analysis.ts'
import { type Assessed, assess, assessNow, type Cleared, ownCatalog, refused as refusedBy } from './assess.ts'
import type { CatalogSource, ReadingPlace } from './catalog-source.ts'
import { deniedEntry, intentEntry, protocolOf } from './gate-entries.ts'
import { type Guess, guessed, guessesOf } from './guesses.ts'
import { type HeldExecution, type HeldText, isHeld } from './held.ts'
import type { ApprovedRun, Ending, HoldDeps, HoldSteps } from './hold-execution.ts'
import type { HoldNotice } from './hold-words.ts'
import { type Behalf, conflict, type Initiators, pastInitiator, type Said } from './initiator.ts'
import { limited } from './limited.ts'
import { type Live, lives } from './lives.ts'
import type { SessionState } from './outlasting.ts'
import type { Protection } from './protection.ts'
import { type BoundParameters, noParameters, type TokenScan } from './recorded.ts'
import { catalogStale, changedUnseen, pathMoved } from './refusals.ts'
import { meansTheSame } from './same-meaning.ts'
import { sizeRefusal } from './size.ts'
import { type CopyGuard, copyGuard } from './write-back.ts'

export type { Protection, SessionNames }

/** When a statement is looked at. `parse` and `bind` let it be prepared and described, `run` lets it run; `query` is the simple
 * protocol, where all of that is one. `refuse` only puts a refusal of the protocol into the record. */
export type Moment = 'query' | 'parse' | 'bind' | 'run'

export interface JudgeRequest {
  readonly moment: Moment
  readonly text: string
  /** Facts that were fixed when a portal was made; null to analyse the text. */
  readonly facts: StatementFacts | null
  readonly parameters: BoundParameters
  /** Types that the client declared for them, by OID, 0 for one that the target finds; absent: none. */
  readonly parameterTypes?: readonly number[]
  /** Whose rows an Execute asks for, as an identity; absent for a text. */
  readonly portal?: object
  readonly names: SessionNames
  /** For whom, where its client said so; `past`: what it was prepared for is over; `conflict`: somebody else was proved. Absent: the chain. */
  readonly initiator?: Said | 'past' | 'conflict'
  /** Null while answers are due: a text that is held is judged again once they have come. */
  readonly hold: HeldExecution | null
  /** `unsettled` while answers are due, `impossible` where the target cannot be asked without the client noticing. */
  readonly reading: 'unsettled' | 'impossible' | ReadingPlace
  /** The search_path was asked for a moment ago, since it did not fit the catalog. */
  readonly isPathRenewed?: boolean
}

export interface JudgedStatement {
  readonly facts: StatementFacts
  readonly plan: Exclude<MaskPlan, { readonly kind: 'refuse' }>
  /** Errors and notices may quote protected values. */
  readonly sensitive: boolean
  /** Its number in the record; null before it runs. */
  readonly number: number | null
  readonly startedAtUs: number
  readonly protection: Protection
  /** Counts what it returns; null where no limit concerns it. */
  readonly meter: Meter | null
  /** Looks for masked values in the rows of COPY FROM STDIN; null where there is nothing to look for. */
  readonly copyGuard: CopyGuard | null
  /** What a constraint may answer about protected values. Absent: nothing. */
  readonly guesses?: readonly Guess[]
  /** The approval that it runs by; null when no person had to be asked. */
  readonly approved: ApprovedRun | null
  /** Asked before an answer that comes late is shown: does the statement still mean what was judged? Absent where nothing is
   * hidden from the caller. */
  readonly stillMeans?: () => Promise<boolean>
}

export type Judgement =
  /** It has to be held, or needs the session's own catalog: ask again when everything before has been answered. Nothing
   * is recorded yet. */
  /** `path`: the target has to be asked for its search_path, which is another by now. */
  | { readonly kind: 'unsettled'; readonly path?: 'moved' }
  | { readonly kind: 'allowed'; readonly statements: readonly JudgedStatement[] }
  | { readonly kind: 'refused'; readonly error: SallyportError; readonly position: number | null }

export interface Gate {
  /**
   * Synchronous unless the catalog has to be read, the record waits for the disk, or a person is asked; `onWaits` is
   * called when the caller begins to wait for one. Never throws or rejects.
   */
  judge(request: JudgeRequest, onWaits?: (notice: HoldNotice) => void): Judgement | Promise<Judgement>
  /** A text is being held. */
  readonly isHolding: boolean
  /** The held text is given up, at once and for good. False when none is held. */
  endHold(why: Ending): boolean
  /** Puts a refusal of the protocol itself, such as a FunctionCall, into the record. */
  refuse(what: string, error: SallyportError): void
  readonly statements: number
}

export interface GateDeps {
  readonly snapshots: Snapshots
  readonly target: string
  readonly chain: Chain
  readonly initiators: Initiators
  /** By which the target was told for whom the connection is. */
  readonly initiatorSetting?: string
  readonly session: DecisionContext['session']
  readonly catalog: CatalogSource
  readonly analyser: Analyser
  readonly record: SessionRecord
  readonly scan: TokenScan
  readonly clock: Clock
  readonly monotonicUs: () => number
  readonly hold: HoldDeps
  readonly budgets: StatementBudgets
  /** What becomes of statements whose effect outlasts their transaction; absent where the session has its own connection. */
  readonly sessionState?: SessionState | undefined
  /** The cause of a refusal, for the operator's log. */
  readonly onRefused: (error: SallyportError) => void
}

/** One statement with everything that policy says about it. */
export interface Judged {
  readonly facts: StatementFacts
  readonly decision: Decision
  readonly plan: MaskPlan
  readonly sensitive: boolean
  /** Its literals and parameters stay out of the record. */
  readonly guarded: boolean
}

type Answer = Judgement | Promise<Judgement>

export const createGate = (deps: GateDeps): Gate => new SessionGate(deps)

/** A class for the sake of V8, as the machine of the protocol (postgres/machine.ts). */
class SessionGate implements Gate {
  readonly #deps: GateDeps
  readonly #liveOf: (behalf: Behalf) => Live
  readonly #own: Live
  /** One text is judged at a time, for one chain. */
  #now: Live

  constructor(deps: GateDeps) {
    const { liveOf, own } = lives(deps)
    this.#deps = deps
    this.#liveOf = liveOf
    this.#own = own
    this.#now = own
  }

  judge(request: JudgeRequest, onWaits: OnWaits = () => {}): Answer {
    const tooLarge = sizeRefusal(request.text)
    if (tooLarge !== null) return deny(this.#own, { ...request, text: '' }, tooLarge)
    const { initiator } = request
    if (initiator === undefined) return this.#judgeFor(null, request, onWaits)
    if (initiator === 'past') return this.#judgeFor(pastInitiator(), request, onWaits)
    if (initiator === 'conflict') return this.#judgeFor(conflict(), request, onWaits)
    const found = this.#deps.initiators.of(initiator)
    if (!(found instanceof Promise)) return this.#judgeFor(found, request, onWaits)
    return found.then((settled) => this.#judgeFor(settled, request, onWaits))
  }

  #judgeFor(found: Behalf | SallyportError | null, request: JudgeRequest, onWaits: OnWaits): Answer {
    if (found instanceof SallyportError) return deny(this.#own, request, found)
    this.#now = found === null ? this.#own : this.#liveOf(found)
    return judgeNow(this.#now, request, onWaits)
  }

  refuse(what: string, error: SallyportError): void {
    const nothing = { facts: null, parameters: noParameters, names: noNames, hold: null, reading: 'unsettled' } as const
    void deny(this.#own, { moment: 'run', text: what, ...nothing }, error)
  }

  get statements(): number {
    return this.#own.numbers.last
  }

  get isHolding(): boolean {
    return this.#now.holding.isHolding
  }

  endHold(why: Ending): boolean {
    return this.#now.holding.end(why)
  }
}

type OnWaits = (notice: HoldNotice) => void

function judgeNow(live: Live, request: JudgeRequest, onWaits: OnWaits): Answer {
  const { deps } = live
  const own = ownCatalog(deps, request)
  if (own !== undefined) return carryOut(live, request, assess(deps, request, own, true), onWaits)
  const catalog = deps.catalog.fresh()
  if (catalog !== undefined) return carryOut(live, request, assess(deps, request, catalog), onWaits)
  return deps.catalog.read().then(
    (read) => carryOut(live, request, assess(deps, request, read), onWaits),
    (thrown: unknown) => deny(live, request, catalogStale(thrown)),
  )
}

/** At Parse and Bind nothing runs yet: what is held may be prepared and described. */
const runs = ({ moment }: JudgeRequest): boolean => moment === 'query' || moment === 'run'

function carryOut(
  live: Live,
  request: JudgeRequest,
  assessed: Assessed,
  onWaits: (notice: HoldNotice) => void = () => {},
  isCharged = false,
): Answer {
  if (assessed.kind === 'needs-own') return byOwnCatalog(live, request, onWaits)
  if (assessed.kind === 'path-moved') return byNewPath(live, request, onWaits)
  const isDue = assessed.kind === 'clear' && runs(request) && isHeld(assessed.all)
  // Judged again once everything before has been answered, and counted then.
  if (isDue && request.hold === null) return { kind: 'unsettled' }
  const settled = isCharged || !runs(request) ? assessed : guessed(live.deps, limited(live.limiter, assessed))
  if (settled.kind === 'refused') return deny(live, request, settled.error, settled.judged, settled.position)
  assert(settled.kind === 'clear', 'limits ask for no catalog')
  const held = isDue ? heldOf(request, settled) : null
  if (held === null) return allow(live, request, settled)
  return live.holding.hold(held, stepsOf(live, request), onWaits)
}

/** Schemas came, went, or changed hands. Where the path has just been asked for, it is the catalog that is older. */
function byNewPath(live: Live, request: JudgeRequest, onWaits: (notice: HoldNotice) => void): Answer {
  const { deps } = live
  if (request.isPathRenewed !== true) return { kind: 'unsettled', path: 'moved' }
  return deps.catalog.renewed().then(
    (read) => {
      const again = assess(deps, request, read)
      return again.kind === 'path-moved' ? deny(live, request, pathMoved()) : carryOut(live, request, again, onWaits)
    },
    (thrown: unknown) => deny(live, request, catalogStale(thrown)),
  )
}

/** The session's own connection is asked, where that is possible, and only once nothing else is due on it. */
function byOwnCatalog(live: Live, request: JudgeRequest, onWaits: (notice: HoldNotice) => void): Answer {
  const { deps } = live
  const { reading, names } = request
  // The shared one may have been read for this request.
  const own = ownCatalog(deps, request)
  if (own !== undefined) return carryOut(live, request, assess(deps, request, own, true), onWaits)
  if (reading === 'unsettled') return { kind: 'unsettled' }
  if (reading === 'impossible') return deny(live, request, changedUnseen())
  return deps.catalog.own.read(names, reading).then(
    (read) => carryOut(live, request, assess(deps, request, read, true), onWaits),
    (thrown: unknown) => deny(live, request, catalogStale(thrown)),
  )
}

function heldOf(request: JudgeRequest, assessed: Assessed): HeldText | null {
  const { hold: execution, text, parameters, names } = request
  if (assessed.kind !== 'clear' || execution === null || !isHeld(assessed.all)) return null
  const { all, policies, catalog } = assessed
  const { searchPath } = names
  return { text, protocol: protocolOf(request), parameters, searchPath, execution, all, policies, catalog }
}

/** What a hold needs of the gate; it never sees the rest. */
function stepsOf(live: Live, request: JudgeRequest): HoldSteps {
  const { deps } = live
  return {
    async assess() {
      const over = live.behalf?.refusal() ?? null
      return over === null ? await assessNow(deps, request) : refusedBy(over)
    },
    heldOf: (assessed) => heldOf(request, assessed),
    carryOut: (assessed) => carryOut(live, request, assessed, () => {}, true),
    deny: (error) => deny(live, request, error),
    refusal: (error) => refusal(deps, error, null),
    append: (body) => deps.record.append(body),
    get nextNumber() {
      return live.numbers.last + 1
    },
    begin() {
      live.numbers.last += 1
    },
    run: ({ all, policies, catalog }, number, before, approved) => {
      assert(live.numbers.last === number, 'another statement began while one was held')
      live.numbers.last = number - 1
      return allow(live, request, { kind: 'clear', all, policies, catalog }, { before, approved })
    },
  }
}

/** Appends a denial. When the record cannot be written the statement stays denied all the same. */
function deny(
  live: Live,
  request: JudgeRequest,
  error: SallyportError,
  judged: Judged | null = null,
  position: number | null = null,
): Answer {
  const { deps } = live
  live.numbers.last += 1
  const body = deniedEntry(live, request, error, judged)
  const refused = (): Judgement => refusal(deps, error, position)
  return afterAppend(deps.record, [body], refused, refused)
}

function refusal(deps: GateDeps, error: SallyportError, position: number | null): Judgement {
  deps.onRefused(error)
  return { kind: 'refused', error, position }
}

/** With `approval`, what a person approved runs now: its end in the record comes right before the intents. */
function allow(
  live: Live,
  request: JudgeRequest,
  { all, policies, catalog }: Cleared,
  approval: { readonly before: EntryBody; readonly approved: ApprovedRun } | null = null,
): Answer {
  const { deps } = live
  const protection = live.protectionOf(policies, catalog)
  const startedAtUs = deps.monotonicUs()
  const isRun = runs(request)
  const approved = approval?.approved ?? null
  const meterOf = isRun && policies.limits > 0 ? live.limiter.metersOf(policies, catalog, rowSource(request)) : null
  const stillMeans = isRun && protection.columns.length > 0 ? meansTheSame(deps, request, all, catalog) : null
  const statements = all.map((judged): JudgedStatement => {
    if (isRun) live.numbers.last += 1
    const guesses = isRun ? guessesOf(deps, judged.facts, policies, catalog) : []
    return {
      facts: judged.facts,
      plan: judged.plan.kind === 'refuse' ? { kind: 'plain' } : judged.plan,
      sensitive: judged.sensitive,
      number: isRun ? live.numbers.last : null,
      startedAtUs,
      protection,
      approved,
      meter: meterOf === null ? null : meterOf(judged.facts),
      copyGuard: judged.facts.written === undefined ? null : copyGuard(judged.facts, protection.columns),
      ...(guesses.length === 0 ? {} : { guesses }),
      ...(stillMeans === null ? {} : { stillMeans }),
    }
  })
  const first = live.numbers.last - all.length + 1
  const decision = approved === null ? 'allow' : 'approved'
  const intents = isRun ? all.map((judged, index) => intentEntry(live, request, judged, first + index, decision)) : []
  return afterAppend(
    deps.record,
    approval === null ? intents : [approval.before, ...intents],
    () => ({ kind: 'allowed', statements }),
    (error) => refusal(deps, error, null),
  )
}

const rowSource = ({ portal, names }: JudgeRequest): RowSource => ({
  portal: portal ?? null,
  cursor: (name) => names.portal?.(name),
})

/** Notes all, then answers; with a promise only when the record waits for the disk. */
function afterAppend(
  record: SessionRecord,
  bodies: readonly EntryBody[],
  answer: () => Judgement,
  failed: (error: SallyportError) => Judgement,
): Judgement | Promise<Judgement> {
  const waits: Promise<void>[] = []
  try {
    for (const body of bodies) {
      const wait = record.note(body)
      if (wait !== undefined) waits.push(wait)
    }
  } catch (thrown) {
    return failed(asSallyportError(thrown))
  }
  if (waits.length === 0) return answer()
  return Promise.all(waits).then(answer, (thrown: unknown) => failed(asSallyportError(thrown)))
}
