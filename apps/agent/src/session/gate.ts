// The one place where a statement is let through or stopped. Protocols bring texts and names, and carry out what comes
// back; they never decide. No snapshot, no catalog, no record, no proof: each of them means deny.
// INVARIANT: a statement that may run has its intent in the record before `judge` answers.
import type { Clock } from '@sallyport/base/clock'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import type { EntryBody, EntryRule } from '@sallyport/ledger/entry'
import type { MaskPlan, ProtectedColumn } from '@sallyport/mask/plan'
import { type CompiledPolicies, type Decision, type DecisionContext, protectedColumns } from '@sallyport/policy/decide'
import { judge as judgePolicies } from '@sallyport/policy/judge'
import type { Catalog, CatalogRelation } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { Snapshots } from '../link/current.ts'
import type { SessionRecord } from '../record/record.ts'
import type { Analyser, SessionNames } from './analysis.ts'
import { type BoundParameters, noParameters, recordStatement, type TokenScan } from './recorded.ts'
import {
  catalogStale,
  endsTransaction,
  freshnessRefusal,
  keepRefusal,
  orderRefusal,
  policyRefusal,
  settingRefusal,
  severalStatements,
} from './refusals.ts'
import { sizeRefusal } from './size.ts'

export type { SessionNames }

/** The catalog as the gate needs it: at most limits.catalogAgeMsMax old, or read anew. */
export interface CatalogSource {
  /** Undefined when it is too old. */
  fresh(): Catalog | undefined
  read(): Promise<Catalog>
}

/**
 * When a statement is looked at. `parse` and `bind` let it be prepared and described, `run` lets it run; `query` is
 * the simple protocol, where all of that is one. `refuse` only puts a refusal of the protocol into the record.
 */
export type Moment = 'query' | 'parse' | 'bind' | 'run'

export interface JudgeRequest {
  readonly moment: Moment
  readonly text: string
  /** Facts that were fixed when a portal was made; null to analyse the text. */
  readonly facts: StatementFacts | null
  readonly parameters: BoundParameters
  readonly names: SessionNames
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
}

/** What the session may not see unmasked, and how to look up relations: for the check of row descriptions. */
export interface Protection {
  readonly columns: readonly ProtectedColumn[]
  isProtected(relationOid: number, column: number): boolean
  relation(oid: number): CatalogRelation | undefined
}

export type Judgement =
  | { readonly kind: 'allowed'; readonly statements: readonly JudgedStatement[] }
  | { readonly kind: 'refused'; readonly error: SallyportError; readonly position: number | null }

export interface Gate {
  /** Synchronous unless the catalog has to be read or the record waits for the disk. Never throws or rejects. */
  judge(request: JudgeRequest): Judgement | Promise<Judgement>
  /** Puts a refusal of the protocol itself, such as a FunctionCall, into the record. */
  refuse(what: string, error: SallyportError): void
  readonly statements: number
}

export interface GateDeps {
  readonly snapshots: Snapshots
  readonly target: string
  readonly chain: Chain
  readonly session: DecisionContext['session']
  readonly catalog: CatalogSource
  readonly analyser: Analyser
  readonly record: SessionRecord
  readonly scan: TokenScan
  readonly clock: Clock
  readonly monotonicUs: () => number
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

/** The gate with what it remembers: how many statements it has numbered, and what was protected last. */
interface Live {
  readonly deps: GateDeps
  statements: number
  readonly protectionOf: (policies: CompiledPolicies, catalog: Catalog) => Protection
}
type Answer = Judgement | Promise<Judgement>

export function createGate(deps: GateDeps): Gate {
  const live: Live = { deps, statements: 0, protectionOf: protectionCache(deps.chain) }
  return {
    judge(request) {
      const tooLarge = sizeRefusal(request.text)
      if (tooLarge !== null) return deny(live, { ...request, text: '' }, tooLarge)
      const catalog = deps.catalog.fresh()
      if (catalog !== undefined) return judgeUnder(live, request, catalog)
      return deps.catalog.read().then(
        (read) => judgeUnder(live, request, read),
        (thrown: unknown) => deny(live, request, catalogStale(thrown)),
      )
    },
    refuse(what, error) {
      void deny(live, { moment: 'run', text: what, facts: null, parameters: noParameters, names: noNames }, error)
    },
    get statements() {
      return live.statements
    },
  }
}

function judgeUnder(live: Live, request: JudgeRequest, catalog: Catalog): Answer {
  try {
    if (request.facts !== null) return judgeFacts(live, request, [request.facts], catalog)
    const analysis = live.deps.analyser.analyse(request.text, catalog, request.names)
    if (analysis.kind === 'syntax')
      return deny(live, request, new SallyportError('STATEMENT_SYNTAX', analysis.message), null, analysis.position)
    if (request.moment !== 'query' && analysis.statements.length > 1) return deny(live, request, severalStatements())
    return judgeFacts(live, request, analysis.statements, catalog)
  } catch (thrown) {
    return deny(live, request, asSallyportError(thrown))
  }
}

function judgeFacts(live: Live, request: JudgeRequest, all: readonly StatementFacts[], catalog: Catalog): Answer {
  const { deps } = live
  const policies = currentPolicies(deps)
  const context: DecisionContext = {
    chain: deps.chain,
    session: deps.session,
    parameters: request.parameters.values,
    nowMs: deps.clock.nowMs(),
  }
  const judged = all.map((facts): Judged => ({ facts, ...judgePolicies(policies, facts, context, catalog) }))
  // All of them before anything is sent: one denied statement stops the whole text.
  let afterEnd = false
  for (const each of judged) {
    const error =
      settingRefusal(each.facts) ??
      keepRefusal(each.facts, request.names) ??
      freshnessRefusal(each.facts, request.names) ??
      orderRefusal(each.facts, afterEnd, request.names) ??
      policyRefusal(each, request.moment === 'parse')
    if (error !== null) return deny(live, request, error, each)
    afterEnd ||= endsTransaction(each.facts)
  }
  return allow(live, request, judged, live.protectionOf(policies, catalog))
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
  live.statements += 1
  const { text, parameters } = request
  const body: EntryBody = {
    kind: 'denied',
    statement: live.statements,
    protocol: protocolOf(request),
    ...recordStatement(text, judged?.facts ?? null, parameters, judged?.guarded ?? true, deps.scan),
    code: error.code,
    // The parser quotes the text that it stumbles over: for the caller's eyes only.
    message: error.code === 'STATEMENT_SYNTAX' ? 'the text is no valid SQL' : error.message,
    rule: judged === null ? null : ruleOf(judged.decision),
  }
  const refused = (): Judgement => refusal(deps, error, position)
  return afterAppend(deps.record, [body], refused, refused)
}

function refusal(deps: GateDeps, error: SallyportError, position: number | null): Judgement {
  deps.onRefused(error)
  return { kind: 'refused', error, position }
}

function allow(live: Live, request: JudgeRequest, all: readonly Judged[], protection: Protection): Answer {
  const { deps } = live
  const startedAtUs = deps.monotonicUs()
  const runs = request.moment === 'query' || request.moment === 'run'
  const statements = all.map((judged): JudgedStatement => {
    if (runs) live.statements += 1
    return {
      facts: judged.facts,
      plan: judged.plan.kind === 'refuse' ? { kind: 'plain' } : judged.plan,
      sensitive: judged.sensitive,
      number: runs ? live.statements : null,
      startedAtUs,
      protection,
    }
  })
  const first = live.statements - all.length + 1
  const intents = runs ? all.map((judged, index) => intent(deps, request, judged, first + index)) : []
  return afterAppend(
    deps.record,
    intents,
    () => ({ kind: 'allowed', statements }),
    (error) => refusal(deps, error, null),
  )
}

function intent(deps: GateDeps, request: JudgeRequest, judged: Judged, statement: number): EntryBody {
  const { plan, facts, guarded, decision } = judged
  return {
    kind: 'intent',
    statement,
    protocol: protocolOf(request),
    ...recordStatement(facts.text, facts, request.parameters, guarded, deps.scan),
    decision: 'allow',
    rule: ruleOf(decision) ?? { policy: '', version: 0, rule: '' },
    masks: plan.kind === 'mask' ? plan.rules : [],
    maskedColumns: plan.kind === 'mask' ? plan.columns.filter((method) => method !== null).length : 0,
  }
}

const noNames: SessionNames = {
  searchPath: [],
  prepared: () => undefined,
  preparedNames: [],
  cursors: () => new Map(),
  catalogTouched: false,
  pathTouched: false,
  isFull: false,
}

const protocolOf = (request: JudgeRequest): 'simple' | 'extended' =>
  request.moment === 'query' ? 'simple' : 'extended'

const ruleOf = ({ policy, version, rule }: Decision): EntryRule | null =>
  rule === '' ? null : { policy, version, rule }

/** Throws SNAPSHOT_MISSING, SNAPSHOT_EXPIRED, or POLICY_MISSING when the target is no longer served here. */
function currentPolicies(deps: GateDeps): CompiledPolicies {
  const target = deps.snapshots.current().targets.get(deps.target)
  if (target === undefined)
    throw new SallyportError('POLICY_MISSING', `target "${deps.target}" is not served here any more`)
  return target.policies
}

/** Appends all, then answers; with a promise only when the record waits for the disk. */
function afterAppend(
  record: SessionRecord,
  bodies: readonly EntryBody[],
  answer: () => Judgement,
  failed: (error: SallyportError) => Judgement,
): Judgement | Promise<Judgement> {
  const waits: Promise<void>[] = []
  try {
    for (const body of bodies) {
      const wait = record.append(body)
      if (wait !== undefined) waits.push(wait)
    }
  } catch (thrown) {
    return failed(asSallyportError(thrown))
  }
  if (waits.length === 0) return answer()
  return Promise.all(waits).then(answer, (thrown: unknown) => failed(asSallyportError(thrown)))
}

/** Protected columns change with the snapshot or the catalog only, since the chain of a session stays. */
function protectionCache(chain: Chain): (policies: CompiledPolicies, catalog: Catalog) => Protection {
  let last: { readonly policies: CompiledPolicies; readonly catalog: Catalog; readonly made: Protection } | null = null
  return (policies, catalog) => {
    if (last !== null && last.policies === policies && last.catalog === catalog) return last.made
    const columns = protectedColumns(policies, chain, catalog)
    const keys = new Set(columns.map(({ relationOid, number }) => `${relationOid}.${number}`))
    const relations = new Map(catalog.relations.map((relation) => [relation.oid, relation]))
    const made: Protection = {
      columns,
      isProtected: (oid, column) => keys.has(`${oid}.${column}`),
      relation: (oid) => relations.get(oid),
    }
    last = { policies, catalog, made }
    return made
  }
}
