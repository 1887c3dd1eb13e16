// The rules of one target, compiled: selectors to functions, conditions to CEL, labels to patterns, all in one order.
// INVARIANT: what cannot be compiled stands in `broken` or as a broken condition, and denies; nothing is left out.
import { type Principal, principalKey } from '@sallyport/base/identity'
import type { DetectRule } from '@sallyport/mask/detect/detection'
import { type JsonPath, parseJsonPath } from '@sallyport/mask/json/path'
import type { MaskMethod, MaskRule, Predicates, Unless } from '@sallyport/mask/rule'
import { canonicalJson, compareText } from './canonical.ts'
import { type Condition, compileCondition } from './conditions.ts'
import type { FloorDocument, GrantRule, LabelDocument, PolicyDocument, Rule, TargetDocument } from './document.ts'
import { durationMs } from './duration.ts'
import { type CompiledWindow, compileWindow } from './during.ts'
import {
  type CompiledFieldMask,
  type CompiledOutward,
  compileFieldMasks,
  compileOutward,
  fieldsOfLabel,
  routesListed,
  routesOf,
} from './http-rules.ts'
import { type CompiledLimit, compileLimits, lookupLimit } from './limits.ts'
import {
  type CallerSelector,
  compilePattern,
  isSystemObject,
  type Matcher,
  matchesCaller,
  matchesTarget,
  splitParts,
  unquoted,
} from './match.ts'
import { anyOf } from './match-any.ts'
import type { RouteFinder } from './named-routes.ts'

/** The floor appears in decisions and entries as a policy of this name; documents cannot use it. */
export const floorPolicyName = 'floor'

export interface CompiledRule {
  readonly policy: string
  readonly version: number
  readonly name: string
  readonly effect: Rule['effect']
  /** Null: everyone (deny rules only). */
  readonly callers: CallerSelector | null
  readonly operations: ReadonlySet<string> | null
  readonly objects: Matcher | null
  /** Objects of the system's schemas that the rule covers because it names such a schema; see `isSystemObject`. */
  readonly systemObjects: Matcher
  readonly condition: Condition | 'broken' | null
  /** Null: at any time. */
  readonly during: readonly CompiledWindow[] | null
  readonly message: string | null
  readonly shadow: boolean
  readonly approval: Approval | null
  /** Until when, by principal: of a rule that grants. */
  readonly granted: ReadonlyMap<string, number>
}

export interface Approval {
  readonly reviewers: readonly { readonly group: string; readonly count: number }[]
  readonly expiresMs: number
  readonly waitMs: number
  readonly reason: 'optional' | 'required'
}

export interface CompiledMask {
  readonly policy: string
  readonly version: number
  readonly name: string
  /** Patterns in three parts: schema, relation, column; null for `**`. */
  readonly columns: readonly (readonly string[] | null)[]
  /** Parts of JSON columns; null: the columns as a whole. */
  readonly paths: readonly JsonPath[] | null
  readonly method: MaskMethod
  readonly predicates: Predicates
  readonly orderShown: boolean
  readonly unless: Unless | null
  /** Its policy lets through what cannot be proven. */
  readonly relaxed: boolean
  /** How often a value may be looked up by `predicates: equality`; null where it may not at all. */
  readonly lookups: CompiledLimit | null
  /** The same of what constraints answer to writes; null where nothing needs to be guessed. */
  readonly guesses: CompiledLimit | null
}

/** A mask of what detectors find. */
export interface CompiledDetector extends DetectRule {
  readonly unless: Unless | null
  /** Answers of an HTTP API to these alone; null: everything. */
  readonly routes: Matcher | null
}

export interface Rulebook {
  readonly target: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  readonly initiatorRequired: boolean
  /** What of the system catalogs needs no rule. */
  readonly preset: 'none' | 'tooling'
  /** Names of its routes; null where it lists none. */
  readonly routes: { readonly find: RouteFinder; readonly unknown: 'deny' | 'allow' } | null
  /** Sorted by policy and name. */
  readonly rules: readonly CompiledRule[]
  readonly masks: readonly CompiledMask[]
  readonly fields: readonly CompiledFieldMask[]
  /** Of all that leaves. */
  readonly detectors: readonly CompiledDetector[]
  /** Of answers to requests on some routes. */
  readonly routeDetectors: readonly CompiledDetector[]
  readonly outward: readonly CompiledOutward[]
  readonly limits: readonly CompiledLimit[]
  /** Is there any shadow rule? */
  readonly shadows: boolean
  /** Why nothing may be allowed until the documents are corrected; empty when all is well. */
  readonly broken: readonly { readonly policy: string; readonly version: number; readonly reason: string }[]
}

export interface RulebookInput {
  readonly target: TargetDocument
  readonly policies: readonly { readonly document: PolicyDocument; readonly version: number }[]
  readonly labels: readonly LabelDocument[]
  readonly floor: FloorDocument | null
  readonly grants?: readonly LiveGrant[]
}

/** Rules and masks of one policy or of the floor, before they are compiled. */
interface Source {
  readonly policy: string
  readonly version: number
  readonly rules: readonly (Rule | FloorDocument['spec']['rules'][number])[]
  readonly masks: PolicyDocument['spec']['masks']
  readonly masking?: PolicyDocument['spec']['masking']
  readonly limits: PolicyDocument['spec']['limits']
  readonly outward?: PolicyDocument['spec']['outward']
}

const presetOf = ({ spec }: TargetDocument): Rulebook['preset'] => (spec.protocol === 'postgres' ? spec.preset : 'none')

/** Policies that select the target, and the floor. */
export function sourcesOf(input: RulebookInput): Source[] {
  const sources: Source[] = input.policies
    .filter(({ document }) => matchesTarget(document.spec.targets, input.target))
    .map(({ document, version }) => ({ policy: document.metadata.name, version, ...document.spec }))
  if (input.floor !== null) {
    const { rules, masks } = input.floor.spec
    sources.push({ policy: floorPolicyName, version: 0, rules, masks, masking: 'strict', limits: [] })
  }
  return sources.sort((left, right) => compareText(left.policy, right.policy))
}

export function compileRulebook(input: RulebookInput): Rulebook {
  const sources = sourcesOf(input)
  const broken: { policy: string; version: number; reason: string }[] = []
  const complainOf =
    (source: Source) =>
    (reason: string): void => {
      broken.push({ policy: source.policy, version: source.version, reason })
    }
  const masks = sources.flatMap((source) =>
    source.masks.flatMap((mask, index) =>
      'detect' in mask || mask.routes !== undefined
        ? []
        : [compileMask(source, mask, index, input, complainOf(source))],
    ),
  )
  const detectors = sources.flatMap(compileDetectors)
  const rules = sources
    .flatMap((source) => source.rules.map((rule) => compileRule(source, rule, input.grants ?? [])))
    .sort((left, right) => compareText(left.policy, right.policy) || compareText(left.name, right.name))
  return {
    target: { name: input.target.metadata.name, labels: input.target.metadata.labels ?? {} },
    initiatorRequired: input.target.spec.initiator === 'required',
    preset: presetOf(input.target),
    routes: routesListed(input.target),
    rules,
    masks,
    fields: sources.flatMap((source) =>
      source.masks.flatMap((mask, index) =>
        'detect' in mask
          ? []
          : compileFieldMasks(`${source.policy}/${maskName(mask, index)}`, mask, input, (path) =>
              pathsOf(path, complainOf(source)),
            ),
      ),
    ),
    detectors: detectors.filter(({ routes }) => routes === null),
    routeDetectors: detectors.filter(({ routes }) => routes !== null),
    outward: sources.flatMap((source) => compileOutward(source, (path) => pathsOf(path, complainOf(source)))),
    limits: sources.flatMap((source) => compileLimits(source, input.target.spec.agents.length)),
    shadows: rules.some((rule) => rule.shadow),
    broken,
  }
}

function compileRule(source: Source, rule: Source['rules'][number], grants: readonly LiveGrant[]): CompiledRule {
  const ambiguity = rule.effect === 'allow' || rule.effect === 'grant' ? 'no-match' : 'match'
  return {
    policy: source.policy,
    version: source.version,
    name: rule.name,
    effect: rule.effect,
    callers: rule.callers ?? null,
    operations: rule.operations === undefined ? null : new Set(rule.operations),
    objects:
      rule.objects === undefined ? null : anyOf(rule.objects.map((pattern) => compilePattern(pattern, ambiguity))),
    systemObjects: anyOf(
      (rule.objects ?? []).filter(isSystemObject).map((pattern) => compilePattern(pattern, ambiguity)),
    ),
    condition: rule.when === undefined ? null : compiledCondition(rule.when),
    during: rule.during === undefined ? null : rule.during.map(compileWindow),
    message: rule.message ?? null,
    shadow: rule.mode === 'shadow',
    approval: rule.effect === 'hold' ? approvalOf(rule.approval) : null,
    granted: rule.effect === 'grant' ? grantedBy(source, rule, grants) : nobodyGranted,
  }
}

function compiledCondition(source: string): Condition | 'broken' {
  const compiled = compileCondition(source)
  return 'condition' in compiled ? compiled.condition : 'broken'
}

const approvalOf = (approval: Extract<Rule, { effect: 'hold' }>['approval']): Approval => ({
  reviewers: approval.reviewers,
  expiresMs: durationMs(approval.expires),
  waitMs: durationMs(approval.wait),
  reason: approval.reason,
})

/** The name by which messages and entries know a mask: its own, or its place. */
const maskName = (mask: MaskRule, index: number): string => mask.name ?? `mask-${index + 1}`

function compileMask(
  source: Source,
  mask: Exclude<MaskRule, { detect: unknown }>,
  index: number,
  input: RulebookInput,
  complain: (reason: string) => void,
): CompiledMask {
  const patterns = [...(mask.columns ?? []), ...labelPatterns(mask.label, input, complain)]
  const { policy, version } = source
  const name = maskName(mask, index)
  const { predicates, lookups: own } = mask
  const agents = input.target.spec.agents.length
  const guesses = lookupLimit({ policy, version, name }, { own, agents, predicates })
  return {
    policy,
    version,
    name,
    columns: patterns.map((pattern) => (pattern === '**' ? null : splitParts(pattern).map(unquoted))),
    paths: mask.path === undefined ? null : pathsOf(mask.path, complain),
    method: mask.method,
    predicates,
    orderShown: mask.order === 'shown',
    unless: mask.unless ?? null,
    relaxed: source.masking === 'relaxed',
    lookups: predicates === 'equality' ? guesses : null,
    guesses,
  }
}

/** INVARIANT: a path that cannot be read breaks the rulebook; it never hides less. */
function pathsOf(path: string | readonly string[], complain: (reason: string) => void): readonly JsonPath[] {
  return [path].flat().flatMap((text) => {
    const parsed = parseJsonPath(text)
    if ('path' in parsed) return [parsed.path]
    complain(parsed.problem)
    return []
  })
}

/** What reviewers have granted somebody: what one rule of a policy says, as it was when they did. */
export interface LiveGrant {
  readonly policy: string
  readonly rule: string
  /** `ruleText` of the rule: a rule that was changed since is not what was granted. */
  readonly ruleText: string
  readonly issuer: string
  readonly subject: string
  readonly untilMs: number
}

/** All that a rule says, as one text. */
export const ruleText = (rule: Rule): string => canonicalJson(rule)

const nobodyGranted: ReadonlyMap<string, number> = new Map()

function grantedBy(source: Source, rule: GrantRule, grants: readonly LiveGrant[]): ReadonlyMap<string, number> {
  const granted = new Map<string, number>()
  const text = ruleText(rule)
  for (const grant of grants) {
    if (grant.policy !== source.policy || grant.rule !== rule.name || grant.ruleText !== text) continue
    const key = principalKey(grant)
    granted.set(key, Math.max(granted.get(key) ?? 0, grant.untilMs))
  }
  return granted
}

/** Its end is absolute, and looked at for every statement. */
export const isGranted = (rule: CompiledRule, principal: Principal, nowMs: number): boolean =>
  nowMs < (rule.granted.get(principalKey(principal)) ?? 0)

const compileDetectors = ({ policy, masks }: Source): CompiledDetector[] =>
  masks.flatMap((mask, index) =>
    'detect' in mask
      ? [
          {
            kinds: mask.detect,
            method: mask.method,
            rule: `${policy}/${maskName(mask, index)}`,
            unless: mask.unless ?? null,
            routes: mask.routes === undefined ? null : routesOf(mask.routes),
          },
        ]
      : [],
  )

/** Columns of a label on this target. A label that nobody defined would hide nothing, so it breaks the rulebook. */
function labelPatterns(
  label: string | undefined,
  input: RulebookInput,
  complain: (reason: string) => void,
): readonly string[] {
  if (label === undefined) return []
  const document = input.labels.find(({ metadata }) => metadata.name === label)
  if (document === undefined) {
    complain(`label "${label}" is not defined`)
    return []
  }
  const { name } = input.target.metadata
  return document.spec.columns
    .filter((column) => column.targets === undefined || column.targets.includes(name))
    .map((column) => column.pattern)
}

// Principals live as long as their session and never change, so whether rules name them is asked once.
const admitted = new WeakMap<Rulebook, WeakMap<Principal, boolean>>()

/** Does some enforced allow or hold rule name this principal (DESIGN §4, Baseline)? `trial` counts as enforced. */
export function names(book: Rulebook, principal: Principal, nowMs: number, trial: CompiledRule | null = null): boolean {
  if (namesForGood(book, principal, trial)) return true
  return book.rules.some(
    (rule) => rule.effect === 'grant' && isGranted(rule, principal, nowMs) && namedBy(rule, principal),
  )
}

function namesForGood(book: Rulebook, principal: Principal, trial: CompiledRule | null): boolean {
  if (trial !== null && isCovering(trial) && namedBy(trial, principal)) return true
  const perBook = admitted.get(book) ?? new WeakMap<Principal, boolean>()
  admitted.set(book, perBook)
  const known = perBook.get(principal)
  if (known !== undefined) return known
  const named = book.rules.some(
    (rule) => rule.effect !== 'grant' && isCovering(rule) && !rule.shadow && namedBy(rule, principal),
  )
  perBook.set(principal, named)
  return named
}

/** Does what it matches need no other rule? INVARIANT: the floor only takes away. */
export const isCovering = (rule: CompiledRule): boolean => rule.effect !== 'deny' && rule.policy !== floorPolicyName

const namedBy = (rule: CompiledRule, principal: Principal): boolean =>
  rule.callers !== null && matchesCaller(rule.callers, principal)

/** What the digest is made of: everything that can change a decision on this target, in one order. */
export function effectiveRules(input: RulebookInput): string {
  const { metadata, spec } = input.target
  const none = (): void => undefined
  const entries = sourcesOf(input).flatMap((source) => [
    ...source.rules.map((rule) => canonicalJson({ policy: source.policy, rule })),
    ...source.masks.map((mask) =>
      canonicalJson({
        policy: source.policy,
        mask,
        ...(source.masking === 'relaxed' ? { masking: source.masking } : {}),
        label: 'label' in mask ? [...labelPatterns(mask.label, input, none)].sort(compareText) : [],
        ...('label' in mask ? fieldsOfLabel(mask.label, input) : {}),
      }),
    ),
    ...source.limits.map((limit) => canonicalJson({ policy: source.policy, limit })),
    ...(source.outward ?? []).map((outward) => canonicalJson({ policy: source.policy, outward })),
  ])
  return canonicalJson({
    target: {
      name: metadata.name,
      labels: metadata.labels ?? {},
      initiator: spec.initiator,
      preset: presetOf(input.target),
      ...(spec.protocol === 'http' && spec.routes !== undefined ? { routes: spec.routes } : {}),
      // Absent where nothing is vouched for.
      ...(spec.protocol === 'postgres' && spec.trusted !== undefined
        ? { trusted: [...spec.trusted.functions].sort(compareText) }
        : {}),
    },
    entries: entries.sort(compareText),
  })
}
