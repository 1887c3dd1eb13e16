// decide(snapshot, principal, facts): pure, shared by agent, control plane and CLI (DESIGN §2, §4). No clock, no I/O.
// INVARIANT: no policy, no match, or an error in a condition means deny; the order of rules never matters.

import { assert } from '@sallyport/base/assert'
import type { SallyportErrorCode } from '@sallyport/base/errors'
import { type Chain, verifiedPrincipals } from '@sallyport/base/identity'
import type { ProtectedColumn } from '@sallyport/mask/plan'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import { type AnswerMasking, answerMaskingOf } from './answers.ts'
import { lifted, type Masking, maskingOf } from './columns.ts'
import type { FloorDocument, LabelDocument, PolicyDocument, TargetDocument } from './document.ts'
import { candidatesOf, examine, lazily } from './examine.ts'
import { appliedGuesses, type Guess } from './guesses.ts'
import type { HttpRequestFacts, RequestRoute } from './http.ts'
import { type CompiledOutward, isOnRoute } from './http-rules.ts'
import { type AppliedLimit, appliedLimits, appliedLookups, sharedTermsIn } from './limits.ts'
import type { McpFacts } from './mcp.ts'
import { principalText } from './messages.ts'
import { resolve } from './resolve.ts'
import {
  type CompiledRule,
  compileRulebook,
  effectiveRules,
  isCovering,
  type LiveGrant,
  names,
  type Rulebook,
  sourcesOf,
} from './rulebook.ts'
import { shadowsThatChange, traceOf } from './trace.ts'

/** The policies of one target, conditions compiled; made once a snapshot, used for every statement. */
export interface CompiledPolicies {
  readonly target: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  /** Names with versions, for entries. */
  readonly versions: readonly { readonly policy: string; readonly version: number }[]
  /** SHA-256 (hex) of the target's effective rules, for holds. Computed with the hash passed to `compile`. */
  readonly digest: string
  /** How many rules and masks apply; 0 means that nothing can be allowed. */
  readonly rules: number
  readonly masks: number
  /** Of these, masks of columns of databases: what is hidden by them is under the guarantee. */
  readonly columnMasks: number
  /** Limits, and masks that limit look-ups. 0: nobody has to ask what limits apply. */
  readonly limits: number
  /** Opaque to callers. */
  readonly internal: unknown
}

/** Compiles the policies whose selector matches the target, with the floor's rules and masks and the labels' columns. */
export function compilePolicies(input: {
  readonly target: TargetDocument
  readonly policies: readonly { readonly document: PolicyDocument; readonly version: number }[]
  readonly labels: readonly LabelDocument[]
  readonly floor: FloorDocument | null
  readonly sha256: (text: string) => string
  /** What is granted on this target; it changes no digest. */
  readonly grants?: readonly LiveGrant[]
}): CompiledPolicies {
  const book = compileRulebook(input)
  rulebooks.add(book)
  return {
    target: book.target,
    versions: sourcesOf(input).map(({ policy, version }) => ({ policy, version })),
    digest: input.sha256(effectiveRules(input)),
    rules: book.rules.length,
    masks: book.masks.length + book.detectors.length + book.fields.length + book.routeDetectors.length,
    columnMasks: book.masks.length,
    limits: book.limits.length + book.masks.filter(({ lookups }) => lookups !== null).length,
    internal: book,
  }
}

// What stands behind `internal`, recognised without a cast.
const rulebooks = new WeakSet<object>()
const isRulebook = (value: unknown): value is Rulebook =>
  typeof value === 'object' && value !== null && rulebooks.has(value)

/** For other files of this package: nobody else looks into them. */
export function rulebookOf(policies: CompiledPolicies): Rulebook {
  const { internal } = policies
  assert(isRulebook(internal), 'policies that compilePolicies did not make')
  return internal
}

/** What conditions may read beside caller, initiator, actors and statement. */
export interface DecisionContext {
  readonly chain: Chain
  readonly session: {
    readonly id: string
    readonly upstreamRole: string
    readonly database: string
    readonly clientAddress: string
    readonly applicationName: string
    readonly tls: boolean
    readonly authentication: string
  }
  /** Values of parameters as text where they are text, else null; up to limits.parametersMax. */
  readonly parameters: readonly (string | null)[]
  /** The request, where it is one of HTTP. */
  readonly http?: HttpRequestFacts
  /** The message, where it is one of MCP. */
  readonly mcp?: McpFacts
  readonly nowMs: number
}

/** One line of the trace: which rule was looked at and what came of it. */
export interface TraceLine {
  readonly policy: string
  readonly version: number
  readonly rule: string
  readonly effect: 'allow' | 'deny' | 'hold' | 'grant' | 'mask' | 'limit' | 'baseline'
  readonly principal: string
  readonly object: string
  readonly outcome:
    | 'matched'
    | 'not-matched'
    | 'not-granted'
    | 'outside-hours'
    | 'condition-false'
    | 'condition-error'
    | 'shadow'
  readonly note: string
}

interface DecisionShared {
  readonly policy: string
  readonly version: number
  readonly rule: string
  readonly trace: readonly TraceLine[]
  /** Shadow rules that would have changed the decision. */
  readonly shadow: readonly {
    readonly policy: string
    readonly version: number
    readonly rule: string
    readonly effect: 'allow' | 'deny' | 'hold' | 'limit'
  }[]
}
export type Decision =
  | ({ readonly kind: 'allow' } & DecisionShared)
  | ({
      readonly kind: 'deny'
      readonly code: SallyportErrorCode
      readonly message: string
      readonly hint: string
    } & DecisionShared)
  | ({
      readonly kind: 'hold'
      readonly message: string
      readonly approval: {
        readonly reviewers: readonly { readonly group: string; readonly count: number }[]
        readonly expiresMs: number
        readonly waitMs: number
        readonly reason: 'optional' | 'required'
      }
    } & DecisionShared)

/** The decision on one statement: deny beats hold beats allow, strictest over the verified principals of the chain. */
export function decide(policies: CompiledPolicies, facts: StatementFacts, context: DecisionContext): Decision {
  const book = rulebookOf(policies)
  const findings = examine(book, facts, context)
  const verdict = resolve(book, facts, context, findings)
  // Most decisions are carried out without anybody asking why: the trace is made when it is read.
  const trace = lazily(() => traceOf(book, facts, context, findings, verdict))
  const shadow = book.shadows ? shadowsThatChange(book, facts, context, findings, verdict) : []
  return {
    ...verdict,
    get trace() {
      return trace()
    },
    shadow,
  }
}

/**
 * Could it be let through or held, whatever its arguments are? For lists of what a caller may ask for: a condition that fails
 * because it reads arguments may be true of some. It permits nothing.
 */
export function mayAsk(policies: CompiledPolicies, facts: StatementFacts, context: DecisionContext): boolean {
  const book = rulebookOf(policies)
  if (book.broken.length > 0) return false
  const findings = examine(book, facts, context).filter(({ rule }) => !rule.shadow)
  const isPossible = ({ outcome }: (typeof findings)[number]): boolean =>
    outcome === 'matched' || outcome === 'condition-error'
  if (findings.some(({ rule, outcome }) => rule.effect === 'deny' && outcome === 'matched')) return false
  const principals = verifiedPrincipals(context.chain)
  return (
    principals.length > 0 &&
    principals.every((principal) =>
      facts.effects.every((effect) =>
        findings.some(
          (found) =>
            isCovering(found.rule) &&
            found.principal === principal &&
            isPossible(found) &&
            found.effects.includes(effect),
        ),
      ),
    )
  )
}

// The same for every statement of these facts, whoever sends it.
const timeless = new WeakMap<Rulebook, WeakMap<StatementFacts, boolean>>()

/**
 * True: what is decided about these facts for a chain depends on nothing else, neither on a clock nor on values, because no
 * rule that concerns them has a condition or hours. Rules in shadow mode count: what they would have changed is recorded.
 */
export function isTimeless(policies: CompiledPolicies, statement: StatementFacts): boolean {
  const book = rulebookOf(policies)
  const facts = statement.shape ?? statement
  const perBook = timeless.get(book) ?? new WeakMap<StatementFacts, boolean>()
  timeless.set(book, perBook)
  const known = perBook.get(facts)
  if (known !== undefined) return known
  const answer = !book.shadows && candidatesOf(book, facts).every(({ rule }) => isAlways(rule))
  perBook.set(facts, answer)
  return answer
}

const isAlways = ({ condition, during, effect }: CompiledRule): boolean =>
  effect !== 'grant' && during === null && (condition === null || condition === 'broken')

/** For `admits`: a grant of the snapshot counts, over or not. Its end is looked at with each statement, the baseline's too. */
export const anyTime = 0

/** DESIGN §4, Baseline: may a session of this chain be opened at all? The deny names the principal that no rule names. */
export function admits(
  policies: CompiledPolicies,
  chain: Chain,
  nowMs: number,
): { ok: true } | { ok: false; message: string; hint: string } {
  const book = rulebookOf(policies)
  const principals = verifiedPrincipals(chain)
  if (principals.length === 0) {
    return {
      ok: false,
      message: `nobody who asks for target "${book.target.name}" has a verified identity`,
      hint: 'send a token of a trusted issuer',
    }
  }
  const stranger = principals.find((principal) => !names(book, principal, nowMs))
  if (stranger === undefined) return { ok: true }
  return {
    ok: false,
    message: `no rule of target "${book.target.name}" names ${principalText(stranger)}`,
    hint: 'ask the owner of the policy for a rule, or use an identity that has one',
  }
}

/** Limits that concern a statement of this chain, and the budgets that they are taken from. Counts nothing. */
export function limitsFor(
  policies: CompiledPolicies,
  facts: StatementFacts,
  chain: Chain,
  catalog: Catalog,
): readonly AppliedLimit[] {
  if (policies.limits === 0) return []
  const book = rulebookOf(policies)
  const applied = appliedLimits(book.limits, policies.target.name, facts, chain)
  if (!facts.control.some(({ use }) => use !== 'null-test')) return applied
  return [
    ...applied,
    ...appliedLookups(facts.control, maskingOf(book, chain, catalog).lookups, policies.target.name, chain),
  ]
}

/** Under which limits it counts that a constraint refuses this write: it was a guess at a protected value. */
export function guessesFor(
  policies: CompiledPolicies,
  { written }: StatementFacts,
  chain: Chain,
  catalog: Catalog,
): readonly Guess[] {
  if (policies.columnMasks === 0 || written === undefined) return []
  const { guesses } = maskingOf(rulebookOf(policies), chain, catalog)
  return guesses.size === 0 ? [] : appliedGuesses(written, guesses, catalog, { target: policies.target.name, chain })
}

/** What these policies say of a budget that the agents of their target share; null: nothing. */
export const sharedTerms = (
  policies: CompiledPolicies,
  budget: string,
): { readonly share: number; readonly everyMs: number } | null => sharedTermsIn(rulebookOf(policies), budget)

/** What is hidden from this chain, `unless` evaluated for every verified principal, patterns resolved by the catalog. */
export const maskingFor = (policies: CompiledPolicies, chain: Chain, catalog: Catalog): Masking =>
  maskingOf(rulebookOf(policies), chain, catalog)

/** What is hidden from this chain in what an HTTP API answers to a request on this path; null: nothing. */
export const answerMaskingFor = (
  policies: CompiledPolicies,
  chain: Chain,
  path: string,
  route: RequestRoute = { kind: 'none' },
): AnswerMasking | null => answerMaskingOf(rulebookOf(policies), chain, path, route)

/** The route of a request in the list of its target; `refused` where it has none and has to, or is spelled otherwise. */
export function routeOf(policies: CompiledPolicies, method: string, path: string): RequestRoute {
  const { routes } = rulebookOf(policies)
  if (routes === null) return { kind: 'none' }
  const found = routes.find(method, path)
  if (found.kind === 'named') return found
  return { kind: found.kind === 'unclear' || routes.unknown === 'deny' ? 'refused' : 'none' }
}

/** What may not leave in a request of this chain on this path. */
export function outwardFor(
  policies: CompiledPolicies,
  chain: Chain,
  path: string,
  route: RequestRoute = { kind: 'none' },
): readonly CompiledOutward[] {
  const { outward } = rulebookOf(policies)
  if (outward.length === 0) return outward
  const principals = verifiedPrincipals(chain)
  return outward.filter(({ routes, unless }) => isOnRoute(routes, path, route) && !lifted(unless, principals))
}

/** Its columns alone. */
export const protectedColumns = (
  policies: CompiledPolicies,
  chain: Chain,
  catalog: Catalog,
): readonly ProtectedColumn[] => maskingFor(policies, chain, catalog).columns
