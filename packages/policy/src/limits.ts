// Limits of a target, compiled, and which of them concern a statement. Nothing is counted here: the agent keeps the budgets
// (apps/agent/src/limits) and `decide` stays pure (DESIGN §4).

import { type Chain, type Principal, principalKey, verifiedPrincipals } from '@sallyport/base/identity'
import { limits as bounds } from '@sallyport/base/limits'
import type { Lookups, Predicates } from '@sallyport/mask/rule'
import type { Catalog } from '@sallyport/sql/catalog'
import type { ControlUse, StatementFacts } from '@sallyport/sql/facts'
import { type CompiledWeight, compileWeights } from './costs.ts'
import type { PolicyDocument } from './document.ts'
import type { LimitRule } from './document-limits.ts'
import { durationMs } from './duration.ts'
import { type CallerSelector, compilePattern, type Matcher, matchesCaller } from './match.ts'
import { effectText } from './messages.ts'

export interface CompiledLimit {
  readonly policy: string
  readonly version: number
  readonly name: string
  readonly per: LimitRule['per']
  /** What one agent may spend by itself, each null where the limit does not bound it. */
  readonly requests: number | null
  readonly rows: number | null
  readonly bytes: number | null
  /** Requests to an HTTP API at the same time. */
  readonly concurrent: number | null
  /** Cost units, as `weights` say them. */
  readonly cost: number | null
  readonly weights: readonly CompiledWeight[]
  /** Null: for each statement by itself. */
  readonly everyMs: number | null
  /** `100 statements, 500 rows in 1m for each initiator`. */
  readonly text: string
  readonly objects: Matcher | null
  readonly callers: CallerSelector | null
  /** May a statement put many rows into one? */
  readonly packing: LimitRule['packing']
  readonly message: string | null
  readonly shadow: boolean
  /** Other agents have a part of it, and lend what they do not need. */
  readonly shared: boolean
}

/** A limit that concerns a statement, with the budgets that it is taken from; one for each actor, else a single one. */
export interface AppliedLimit {
  readonly limit: CompiledLimit
  readonly budgets: readonly string[]
}

/** The name by which messages and entries know a limit: its own, or its place. */
export const limitName = (limit: LimitRule, index: number): string => limit.name ?? `limit-${index + 1}`

export function compileLimits(
  source: { readonly policy: string; readonly version: number; readonly limits: PolicyDocument['spec']['limits'] },
  agents: number,
): CompiledLimit[] {
  return source.limits.map((limit, index) => {
    // A limit over time is shared by all agents of the target: each may spend an equal part of it, and lends of it what it does
    // not need (docs/policy.md, Limits).
    const shared = (amount: number): number => Math.max(1, Math.floor(amount / agents))
    const part = (amount: number | undefined): number | null =>
      amount === undefined ? null : limit.every === undefined ? amount : shared(amount)
    return {
      policy: source.policy,
      version: source.version,
      name: limitName(limit, index),
      per: limit.per,
      requests: part(limit.requests),
      rows: part(limit.rows),
      bytes: part(limit.bytes),
      concurrent: limit.concurrent === undefined ? null : shared(limit.concurrent),
      cost: part(limit.cost),
      weights: compileWeights(limit.weights),
      everyMs: limit.every === undefined ? null : durationMs(limit.every),
      text: limitText(limit),
      objects:
        limit.objects === undefined ? null : anyOf(limit.objects.map((pattern) => compilePattern(pattern, 'match'))),
      callers: limit.callers ?? null,
      packing: limit.packing,
      message: limit.message ?? null,
      shadow: limit.mode === 'shadow',
      shared: limit.every !== undefined && agents > 1,
    }
  })
}

const anyOf =
  (matchers: readonly Matcher[]): Matcher =>
  (name) =>
    matchers.some((matches) => matches(name))

function limitText({ per, requests, rows, bytes, concurrent, cost, every }: LimitRule): string {
  const amounts = [
    ...(requests === undefined ? [] : [`${requests} ${requests === 1 ? 'statement' : 'statements'}`]),
    ...(rows === undefined ? [] : [`${rows} ${rows === 1 ? 'row' : 'rows'}`]),
    ...(bytes === undefined ? [] : [`${bytes} bytes`]),
    ...(concurrent === undefined ? [] : [`${concurrent} at once`]),
    ...(cost === undefined ? [] : [`${cost} cost ${cost === 1 ? 'unit' : 'units'}`]),
  ].join(', ')
  if (per === 'statement') return `${amounts} for a statement`
  return `${amounts}${every === undefined ? '' : ` in ${every}`} for ${per === 'target' ? 'the target' : `each ${per}`}`
}

/** The limit on guesses by a column of a mask: its own, or that of base/limits; null where nobody has to guess. */
export function lookupLimit(
  mask: { readonly policy: string; readonly version: number; readonly name: string },
  {
    own,
    agents,
    predicates,
  }: { readonly own: Lookups | undefined; readonly agents: number; readonly predicates: Predicates },
): CompiledLimit | null {
  if (predicates === 'any') return null
  const requests = own?.requests ?? bounds.lookupsMax
  const every = own?.every ?? `${bounds.lookupsEveryMs / 1_000}s`
  return {
    ...mask,
    per: 'initiator',
    requests: Math.max(1, Math.floor(requests / agents)),
    rows: null,
    bytes: null,
    concurrent: null,
    cost: null,
    weights: [],
    everyMs: durationMs(every),
    text: `${requests} ${predicates === 'none' ? 'collisions with' : 'look-ups by'} a masked column in ${every} for each initiator`,
    objects: null,
    callers: null,
    packing: 'allow',
    message: null,
    shadow: false,
    shared: agents > 1,
  }
}

/** Limits on look-ups by one column, each of a mask that applies to the chain. */
export interface ColumnLookups {
  readonly column: string
  readonly limits: readonly CompiledLimit[]
  /** What would be refused for it elsewhere is permitted. */
  readonly isRelaxed: boolean
}

export const columnKey = (column: { readonly relationOid: number; readonly number: number }): string =>
  `${column.relationOid}.${column.number}`

/** For each column by which a statement looks up: every mask on it counts by itself, so the lowest number holds. */
export function appliedLookups(
  uses: readonly ControlUse[],
  lookups: ReadonlyMap<string, ColumnLookups>,
  target: string,
  chain: Chain,
): readonly AppliedLimit[] {
  const principals = verifiedPrincipals(chain)
  const asked = new Set(
    uses.flatMap(({ use, column }) => {
      const found = lookups.get(columnKey(column))
      // Where nothing is refused every other way to ask is one as well.
      return found !== undefined && (use === 'equality' || (use === 'other' && found.isRelaxed)) ? [found] : []
    }),
  )
  return [...asked].flatMap((found) => limitsOn(found, target, chain, principals))
}

/** What counts guesses by this column. */
export const limitsOn = (
  { limits, column }: Pick<ColumnLookups, 'limits' | 'column'>,
  target: string,
  chain: Chain,
  principals: readonly Principal[] = verifiedPrincipals(chain),
): readonly AppliedLimit[] =>
  limits.map((limit) => ({
    limit,
    budgets: budgetsOf(limit, target, chain, principals).map((budget) => `${budget}\u0000${column}`),
  }))

// Facts are kept by text and used for every run of it, like the candidates of rules (examine.ts).
const concerned = new WeakMap<readonly CompiledLimit[], WeakMap<StatementFacts, readonly CompiledLimit[]>>()

/** Limits whose objects the statement touches, whoever sends it. */
function concerning(limits: readonly CompiledLimit[], facts: StatementFacts): readonly CompiledLimit[] {
  const perLimits = concerned.get(limits) ?? new WeakMap<StatementFacts, readonly CompiledLimit[]>()
  concerned.set(limits, perLimits)
  const key = facts.shape ?? facts
  const known = perLimits.get(key)
  if (known !== undefined) return known
  const found = limits.filter(({ objects }) => objects === null || touches(objects, facts))
  perLimits.set(key, found)
  return found
}

/** Directly or not, itself or by a parent. */
const touches = (objects: Matcher, facts: StatementFacts): boolean =>
  facts.effects.some(({ object, parents }) => objects(object) || parents.some((parent) => objects(parent)))

/** Statements that only steer the session are never counted: a transaction can always be ended. */
const onlySteers = ({ session, effects, output }: StatementFacts): boolean =>
  session.length > 0 && output === null && effects.every(({ baseline }) => baseline)

export function appliedLimits(
  limits: readonly CompiledLimit[],
  target: string,
  facts: StatementFacts,
  chain: Chain,
): readonly AppliedLimit[] {
  const found = concerning(limits, facts)
  if (found.length === 0 || onlySteers(facts)) return []
  const principals = verifiedPrincipals(chain)
  return found
    .filter(({ callers }) => callers === null || principals.some((principal) => matchesCaller(callers, principal)))
    .map((limit) => ({ limit, budgets: budgetsOf(limit, target, chain, principals) }))
}

/** The target that a budget is for, by the budget's name; undefined for what is no name of a budget. */
export const targetOfBudget = (budget: string): string | undefined => budget.split('\u0000')[2]

/** What these limits say of a budget that agents share, by its name: what each may spend by itself, and in what time. */
export function sharedTermsIn(
  {
    limits,
    masks,
  }: {
    readonly limits: readonly CompiledLimit[]
    readonly masks: readonly { readonly guesses: CompiledLimit | null }[]
  },
  budget: string,
): { readonly share: number; readonly everyMs: number } | null {
  const [policy, name, , , , ...rest] = budget.split('\u0000')
  const unit = rest.at(-1)
  // Behind look-ups the column stands before the unit.
  const among = rest.length === 1 ? limits : masks.flatMap(({ guesses }) => guesses ?? [])
  const limit = among.find((one) => one.policy === policy && one.name === name)
  if (limit === undefined || limit.everyMs === null || !limit.shared || rest.length > 2) return null
  const units = { requests: limit.requests, rows: limit.rows, bytes: limit.bytes, cost: limit.cost }
  const share = unit === 'requests' || unit === 'rows' || unit === 'bytes' || unit === 'cost' ? units[unit] : null
  return share === null ? null : { share, everyMs: limit.everyMs }
}

/** Whose budgets. A claimed initiator could be another one each time, so whoever has proved itself is counted. */
function budgetsOf(
  { policy, name, per }: CompiledLimit,
  target: string,
  chain: Chain,
  principals: readonly Principal[],
): readonly string[] {
  const budget = (who: string): string => [policy, name, target, per, who].join('\u0000')
  switch (per) {
    case 'statement':
      return []
    case 'target':
      return [budget('')]
    case 'initiator': {
      const [first] = principals
      const counted = chain.initiator.assurance === 'verified' ? chain.initiator : first
      return [budget(counted === undefined ? '' : principalKey(counted))]
    }
    case 'actor': {
      // Who calls without anybody in between acts by itself.
      const actors = principals.filter((principal) => principal !== chain.initiator)
      const counted = actors.length > 0 ? actors : principals
      return [...new Set(counted.map((principal) => budget(principalKey(principal))))]
    }
  }
}

/** Aggregates and window functions of PostgreSQL that carry values of several rows into one. */
const packing = new Set(
  `array_agg string_agg json_agg json_agg_strict jsonb_agg jsonb_agg_strict json_object_agg json_object_agg_strict
  json_object_agg_unique json_object_agg_unique_strict jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique
  jsonb_object_agg_unique_strict xmlagg range_agg range_intersect_agg percentile_disc percentile_cont lag lead first_value
  last_value nth_value`
    .split(/\s+/)
    .map((name) => `pg_catalog.${name}()`),
)

/** What of a statement puts values of several rows into one, so that counting rows does not bound it; null: nothing. */
export function packingIn(facts: StatementFacts, catalog: Catalog, objects: Matcher | null): string | null {
  const [construct] = facts.packs ?? []
  if (construct !== undefined) return construct
  const [gathered] = objects === null ? [] : (facts.gathers ?? [])
  if (gathered !== undefined) return gathered
  const again = objects === null ? undefined : readAgain(facts, objects)
  if (again !== undefined) return `reading "${again}" more than once`
  return facts.functions.find(({ name }) => packing.has(name) || aggregatesOf(catalog).has(name))?.name ?? null
}

/** A row that is joined of several rows of what is limited. */
function readAgain(facts: StatementFacts, objects: Matcher): string | undefined {
  const found = (facts.readings ?? []).filter(([name]) => isLimited(name, facts, objects))
  return found.reduce((sum, [, times]) => sum + times, 0) > 1 ? found[0]?.[0] : undefined
}

/** Itself or by a parent. */
const isLimited = (name: string, { effects }: StatementFacts, objects: Matcher): boolean =>
  objects(name) || effects.some(({ object, parents }) => object === name && parents.some((parent) => objects(parent)))

/** Does it only add rows to what is limited, of values that are none of it? A trigger that keeps them keeps what the caller brought. */
const writesOwnRows = (facts: StatementFacts, objects: Matcher): boolean =>
  (facts.readings ?? []).every(([name]) => !isLimited(name, facts, objects)) &&
  facts.effects.every(
    ({ operation, object, parents }) =>
      !changing.has(operation) || !(objects(object) || parents.some((parent) => objects(parent))),
  )

/** What sees rows that were there before. */
const changing: ReadonlySet<string> = new Set(['update', 'delete', 'truncate'])

/**
 * Where a statement copies what is limited to: there it would not be counted any more. Null: nowhere. `isAlone`: each statement is
 * counted by itself, so that one row which a trigger keeps is within every limit.
 */
export function copiedBy(facts: StatementFacts, objects: Matcher, isAlone = false): string | null {
  const relation = (column: string): string => column.slice(0, column.lastIndexOf('.'))
  const isOwn = writesOwnRows(facts, objects) || (isAlone && facts.isOfOneRow === true)
  const found = facts.flows.find(
    ({ to, toColumn, sources, ofRow }) =>
      !(isOwn && ofRow === true) &&
      !isLimited(relation(toColumn?.name ?? to), facts, objects) &&
      sources.some(({ name }) => isLimited(relation(name), facts, objects)),
  )
  return found === undefined ? null : relation(found.toColumn?.name ?? found.to)
}

const aggregates = new WeakMap<Catalog, ReadonlySet<string>>()

/** Aggregates of the target itself: nobody knows what they carry. */
function aggregatesOf(catalog: Catalog): ReadonlySet<string> {
  const known = aggregates.get(catalog)
  if (known !== undefined) return known
  const names = catalog.functions
    .filter(({ kind }) => kind === 'aggregate' || kind === 'window')
    .map(({ schema, name }) => `${schema}.${name}()`)
  const found = new Set(names)
  aggregates.set(catalog, found)
  return found
}

/** What a limit is about, for explain: `select on "public.customers"`. */
export const limitedEffects = ({ objects }: CompiledLimit, facts: StatementFacts): string =>
  facts.effects
    .filter(({ object, parents }) => objects === null || objects(object) || parents.some((parent) => objects(parent)))
    .map(effectText)
    .join(', ')
