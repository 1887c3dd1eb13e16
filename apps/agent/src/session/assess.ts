// What a text comes to under one snapshot and one catalog: refused, or judged statement by statement. It records nothing
// and lets nothing through; gate.ts carries it out, and asks again before a held text runs.
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { type CompiledPolicies, type DecisionContext, protectedColumns } from '@sallyport/policy/decide'
import { judge as judgePolicies } from '@sallyport/policy/judge'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import { versionOf } from './analysis.ts'
import type { GateDeps, Judged, JudgeRequest } from './gate.ts'
import { pastInitiator } from './initiator.ts'
import { sharingRefusal } from './outlasting.ts'
import { pathFits } from './path-fits.ts'
import { holdsSecret } from './recorded.ts'
import {
  approvalRefusal,
  catalogStale,
  changedUnseen,
  endsTransaction,
  freshnessRefusal,
  keepRefusal,
  meansAnotherThing,
  namesObjects,
  needsCatalog,
  orderRefusal,
  parameterRefusal,
  pathMoved,
  policyRefusal,
  settingRefusal,
  severalStatements,
} from './refusals.ts'
import { writeBackRefusal } from './write-back.ts'

/** Judged as a whole: nothing in it is denied. */
export interface Cleared {
  readonly kind: 'clear'
  readonly all: readonly Judged[]
  readonly policies: CompiledPolicies
  readonly catalog: Catalog
}

export type Assessed =
  | Cleared
  /** Only the session's own connection sees what its names mean. */
  | { readonly kind: 'needs-own' }
  /** Under this catalog the search_path is another than the session was told. */
  | { readonly kind: 'path-moved' }
  | {
      readonly kind: 'refused'
      readonly error: SallyportError
      readonly judged: Judged | null
      readonly position: number | null
      /** What it was judged by; null when it was not. */
      readonly under: Pick<Cleared, 'policies' | 'catalog'> | null
    }

type Refused = Extract<Assessed, { kind: 'refused' }>

/** What a judgement is made of, whoever asks for it. */
export type AssessDeps = Pick<
  GateDeps,
  'snapshots' | 'target' | 'chain' | 'initiatorSetting' | 'session' | 'analyser' | 'clock' | 'sessionState'
>

/** `isOwn`: the catalog was read by the session's own connection. */
export function assess(deps: AssessDeps, request: JudgeRequest, catalog: Catalog, isOwn = false): Assessed {
  const blind = !isOwn && isOwnWanted(request)
  try {
    if (blind && request.facts !== null && namesObjects(request.facts)) return { kind: 'needs-own' }
    if (request.facts !== null)
      return isStale(deps, request.facts, catalog, request.hold !== null)
        ? refused(meansAnotherThing())
        : assessFacts(deps, request, [request.facts], catalog)
    const analysis = deps.analyser.analyse(request.text, catalog, request.names)
    if (analysis.kind === 'syntax')
      return refused(new SallyportError('STATEMENT_SYNTAX', analysis.message), null, analysis.position)
    if (request.moment !== 'query' && analysis.statements.length > 1) return refused(severalStatements())
    if (blind && analysis.statements.some(needsCatalog)) return { kind: 'needs-own' }
    // What stands in a portal got its meaning when that was bound.
    const isAsked = request.names.catalog !== 'none' && analysis.statements.some(needsCatalog)
    if (isAsked && !pathFits(request.names, catalog)) return { kind: 'path-moved' }
    if (request.initiator === undefined && analysis.statements.some((facts) => needsWord(facts, request)))
      return refused(pastInitiator())
    if (fetchesStale(deps, request, analysis.statements, catalog)) return refused(meansAnotherThing())
    return assessFacts(deps, request, analysis.statements, catalog)
  } catch (thrown) {
    return refused(asSallyportError(thrown))
  }
}

/**
 * A portal or cursor was judged under another catalog, and masks apply: a function or view that it goes through may have
 * been replaced since, and the server plans and runs the new one.
 */
const isStale = (deps: AssessDeps, facts: StatementFacts, catalog: Catalog, isHeld = false): boolean =>
  (isHeld || currentPolicies(deps).masks > 0) && namesObjects(facts) && versionOf(facts) !== catalog.version

function fetchesStale(
  deps: AssessDeps,
  { names }: JudgeRequest,
  statements: readonly StatementFacts[],
  catalog: Catalog,
): boolean {
  return statements.some(({ session }) =>
    session.some((effect) => {
      const cursor = effect.kind === 'fetch' ? names.cursors().get(effect.name) : undefined
      return cursor !== undefined && isStale(deps, cursor, catalog)
    }),
  )
}

/**
 * INVARIANT: what was prepared or declared for somebody is narrower than what the connection's own function may do, so it never
 * runs for the function alone (DESIGN §3: the strictest of a chain wins).
 */
const needsWord = ({ session }: StatementFacts, { names }: JudgeRequest): boolean =>
  session.some((effect) => {
    const isUse = effect.kind === 'execute' || effect.kind === 'fetch'
    return isUse && names.needsWord?.(effect.kind, effect.name) === true
  })

const isOwnWanted = ({ names }: Pick<JudgeRequest, 'names'>): boolean =>
  names.catalog === 'own' || names.catalog === 'temporary'

/** The same, under a catalog that is read anew if it has to be. */
export async function assessNow(deps: GateDeps, request: JudgeRequest): Promise<Assessed> {
  try {
    const own = ownCatalog(deps, request)
    if (own !== undefined) return assess(deps, request, own, true)
    const assessed = assess(deps, request, deps.catalog.fresh() ?? (await deps.catalog.read()))
    if (assessed.kind === 'path-moved') return refused(pathMoved())
    if (assessed.kind !== 'needs-own') return assessed
    if (typeof request.reading === 'string') return refused(changedUnseen())
    const read = await deps.catalog.own.read(request.names, request.reading)
    return assess(deps, request, read, true)
  } catch (thrown) {
    return refused(catalogStale(thrown))
  }
}

/**
 * The session's own catalog, if one is needed and it still counts. What runs from a portal was planned when that was
 * bound, and holds its locks: for it the catalog of that moment counts however long ago it was.
 */
export function ownCatalog({ catalog }: GateDeps, { names, facts, reading }: JudgeRequest): Catalog | undefined {
  if (!isOwnWanted({ names })) return undefined
  return facts !== null && reading === 'impossible' ? catalog.own.latest(names) : catalog.own.fresh(names)
}

export const refused = (
  error: SallyportError,
  judged: Judged | null = null,
  position: number | null = null,
): Refused => ({
  kind: 'refused',
  error,
  judged,
  position,
  under: null,
})

function assessFacts(
  deps: AssessDeps,
  request: JudgeRequest,
  all: readonly StatementFacts[],
  catalog: Catalog,
): Assessed {
  const policies = currentPolicies(deps)
  const context: DecisionContext = {
    chain: deps.chain,
    session: deps.session,
    parameters: request.parameters.values,
    nowMs: deps.clock.nowMs(),
  }
  const judged = all.map((facts): Judged => {
    const { decision, plan, sensitive, guarded } = judgePolicies(policies, facts, context, catalog)
    return { facts, decision, plan, sensitive, guarded }
  })
  // A denial records the whole text: what one of its statements keeps back is kept back.
  const guarded = judged.some((each) => each.guarded || holdsSecret(each.facts, each.facts.text))
  // All of them before anything is sent: one denied statement stops the whole text.
  let afterEnd = false
  for (const each of judged) {
    const error =
      settingRefusal(each.facts, deps.initiatorSetting) ??
      (deps.sessionState === undefined ? null : sharingRefusal(each.facts, deps.sessionState)) ??
      keepRefusal(each.facts, request.names) ??
      freshnessRefusal(each.facts, request.names) ??
      orderRefusal(each.facts, afterEnd, request.names) ??
      policyRefusal(each, request.moment === 'parse') ??
      parameterRefusal(each, parameterTypesOf(each.facts, request)) ??
      writeBackRefusal(each.facts, () => protectedColumns(policies, deps.chain, catalog), request.parameters)
    if (error !== null) return { ...refused(error, { ...each, guarded }), under: { policies, catalog } }
    afterEnd ||= endsTransaction(each.facts)
  }
  const holding = judged.find(({ decision }) => decision.kind === 'hold')
  const error = holding === undefined ? null : approvalRefusal(holding, judged, request.hold)
  if (error === null) return { kind: 'clear', all: judged, policies, catalog }
  return refused(error, holding === undefined ? null : { ...holding, guarded })
}

/** EXECUTE runs what was prepared, with the types that it was prepared with. */
function parameterTypesOf(
  { session }: StatementFacts,
  { names, parameterTypes }: JudgeRequest,
): readonly number[] | undefined {
  const run = session.find(({ kind }) => kind === 'execute')
  return run?.kind === 'execute' ? names.declaredTypes?.(run.name) : parameterTypes
}

/** Throws SNAPSHOT_MISSING, SNAPSHOT_EXPIRED, or POLICY_MISSING when the target is no longer served here. */
function currentPolicies(deps: AssessDeps): CompiledPolicies {
  const target = deps.snapshots.current().targets.get(deps.target)
  if (target === undefined)
    throw new SallyportError('POLICY_MISSING', `target "${deps.target}" is not served here any more`)
  return target.policies
}
