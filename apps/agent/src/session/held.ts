// A held text as reviewers and digests see it: what makes two executions the same one, and the evidence that a person
// decides on. Pure: hash, names and numbers come in. It never decides and never sends.

import type { Chain } from '@sallyport/base/identity'
import { principalKey } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import type { Sha256 } from '@sallyport/ledger/bytes'
import { canonicalBytes } from '@sallyport/ledger/canonical'
import type { EntryBody, EntryChain, EntryRule } from '@sallyport/ledger/entry'
import {
  approvalDigest,
  type HeldEstimate,
  type HeldEvidence,
  type HeldParameter,
  type HeldPart,
  type HeldSigners,
  type HeldSpan,
  type HeldStatement,
  statementDigest,
} from '@sallyport/ledger/hold'
import type { CompiledPolicies, Decision, DecisionContext } from '@sallyport/policy/decide'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { HoldAnswer } from '../link/holds.ts'
import { entryPrincipal } from './entry-principal.ts'
import type { Judged } from './gate.ts'
import {
  type BoundParameters,
  cut,
  holdsSecret,
  type RecordedStatement,
  recordStatement,
  type TokenScan,
} from './recorded.ts'
import { traceOfText } from './tracing.ts'

/** What the protocol adds when a statement is held; made only once everything before it has been answered. */
export interface HeldExecution {
  /** Nothing that the caller could miss is undone when the target waits outside a transaction. */
  readonly mayWait: boolean
  /** False: a part of a result, or of a cursor, which is not one run. */
  readonly isWhole: boolean
  readonly parameters: readonly HeldParameter[]
  /** The same, as people read them. */
  readonly shown: readonly (string | null)[]
  readonly resultFormats: readonly string[]
  /** Settings under which the target reads the text: `name=value`. */
  readonly settings: readonly string[]
  /** A setting that was changed in the session and may change what the text means. */
  readonly changedSetting?: string | null
}

type Hold = Extract<Decision, { kind: 'hold' }>

/** A text of which at least one statement is held: judged, and nothing of it has run. */
export interface HeldText {
  readonly text: string
  readonly protocol: HeldEvidence['protocol']
  readonly parameters: BoundParameters
  readonly searchPath: readonly string[]
  readonly execution: HeldExecution
  /** How it stands in the record, where that is not made from the text. */
  readonly recorded?: RecordedStatement
  readonly all: readonly Judged[]
  readonly policies: CompiledPolicies
  readonly catalog: Catalog
}

/** What a person is asked, from all held statements of a text. */
export interface Terms {
  readonly rule: EntryRule
  readonly message: string
  readonly approval: Hold['approval']
}

const isHold = (decision: Decision): decision is Hold => decision.kind === 'hold'

export const isHeld = (all: readonly Judged[]): boolean => all.some(({ decision }) => isHold(decision))

/** Every group that any of them names, with the highest count and the shortest times, as within one statement. Null: none holds. */
export function termsOf(all: readonly Judged[]): Terms | null {
  const holds = all.map(({ decision }) => decision).filter(isHold)
  const [first] = holds
  if (first === undefined) return null
  const { policy, version, rule, message } = first
  const approvals = holds.map(({ approval }) => approval)
  const counts = new Map<string, number>()
  for (const { group, count } of approvals.flatMap(({ reviewers }) => reviewers))
    counts.set(group, Math.max(count, counts.get(group) ?? 0))
  return {
    rule: { policy, version, rule },
    message,
    approval: {
      reviewers: [...counts].map(([group, count]) => ({ group, count })),
      expiresMs: Math.min(limits.holdExpiresMsMax, ...approvals.map(({ expiresMs }) => expiresMs)),
      waitMs: Math.min(limits.holdWaitMsMax, ...approvals.map(({ waitMs }) => waitMs)),
      reason: approvals.some(({ reason }) => reason === 'required') ? 'required' : 'optional',
    },
  }
}

/** Who asks, and where; the same for a whole session. */
export interface HeldPlace {
  readonly sha256: Sha256
  readonly agent: { readonly id: string; readonly name: string }
  readonly target: string
  readonly chain: Chain
  /** The same for entries, where it is not the session's own. */
  readonly behalf?: EntryChain
  readonly session: DecisionContext['session']
  readonly spans: (text: string) => readonly HeldSpan[]
}

export function heldStatement(held: HeldText, place: HeldPlace): HeldStatement {
  const { execution, policies, catalog } = held
  const { chain, session } = place
  return {
    v: 1,
    text: held.text,
    parameters: execution.parameters,
    resultFormats: execution.resultFormats,
    target: place.target,
    database: session.database,
    upstreamRole: session.upstreamRole,
    searchPath: held.searchPath,
    settings: [...execution.settings].sort(),
    // A claimed identity is another asker than a verified one of the same name.
    chain: [chain.initiator, ...chain.actors].map((one) => `${one.assurance} ${one.kind} ${principalKey(one)}`),
    policyDigest: policies.digest,
    catalogVersion: catalog.version,
  }
}

export const digestOfHeld = (held: HeldText, place: HeldPlace): string =>
  statementDigest(place.sha256, heldStatement(held, place))

export function heldEvidence(
  held: HeldText,
  place: HeldPlace,
  terms: Terms,
  made: {
    readonly digest: string
    readonly number: number
    readonly estimate: HeldEstimate
    readonly signers: HeldSigners | null
  },
): HeldEvidence {
  const { session, agent, chain } = place
  return {
    v: 1,
    statementDigest: made.digest,
    agent: agent.id,
    agentName: agent.name,
    session: session.id,
    statement: made.number,
    target: place.target,
    targetLabels: held.policies.target.labels,
    database: session.database,
    upstreamRole: session.upstreamRole,
    searchPath: held.searchPath,
    initiator: entryPrincipal(chain.initiator),
    actors: chain.actors.map(entryPrincipal),
    clientAddress: session.clientAddress,
    applicationName: cut(session.applicationName, applicationNameCharsMax),
    protocol: held.protocol,
    text: held.text,
    spans: place.spans(held.text),
    parameters: held.execution.shown,
    fingerprint: fingerprintOf(held.all, place.sha256),
    parts: held.all.map(partOf),
    rule: terms.rule,
    message: cut(terms.message, messageCharsMax),
    quorum: terms.approval.reviewers,
    reason: terms.approval.reason,
    expiresInMs: terms.approval.expiresMs,
    estimate: made.estimate,
    ...(made.signers === null ? {} : { signers: made.signers }),
  }
}

const applicationNameCharsMax = 200
const messageCharsMax = 2_000

/** The bytes to send; null when even without its colours the statement is longer than a reviewer is shown. */
export function evidenceBytes(evidence: HeldEvidence): Uint8Array | null {
  const whole = canonicalBytes(evidence)
  if (whole.length <= limits.holdEvidenceBytesMax) return whole
  const plain = canonicalBytes({ ...evidence, spans: [] })
  return plain.length <= limits.holdEvidenceBytesMax ? plain : null
}

function partOf({ facts, plan }: Judged): HeldPart {
  return {
    verb: facts.verb,
    effects: facts.effects.map(({ operation, object, via }) => ({ operation, object, via })),
    filtered: facts.filtered,
    functions: facts.functions.map(({ name }) => name),
    maskedColumns: plan.kind === 'mask' ? plan.columns.filter((method) => method !== null).length : 0,
  }
}

/** Of one statement its own; of several a hash of theirs, so that the caller's history finds the same text again. */
function fingerprintOf(all: readonly Judged[], sha256: Sha256): string {
  const each = all.map(({ facts }) => facts.fingerprint)
  const [only] = each
  if (each.length === 1 && only !== undefined) return only
  return Buffer.from(sha256(Buffer.from(each.join('\n'), 'utf8')))
    .toString('hex')
    .slice(0, 16)
}

/** The `held` entry up to `parameters`; as guarded as the intents of all its statements. */
export function recordHeld(
  held: HeldText,
  place: HeldPlace,
  scan: TokenScan,
): Omit<
  Extract<EntryBody, { kind: 'held' }>,
  'kind' | 'statement' | 'rule' | 'request' | DigestName | 'expiresAtMs' | 'waits'
> {
  const first = held.all.find(({ decision }) => isHold(decision)) ?? held.all[0]
  const guarded = held.all.some(({ guarded, facts }) => guarded || holdsSecret(facts, facts.text))
  const facts: StatementFacts | null =
    first === undefined
      ? null
      : {
          ...first.facts,
          effects: held.all.flatMap((one) => one.facts.effects),
          fingerprint: fingerprintOf(held.all, place.sha256),
        }
  const shadow = held.all.flatMap(({ decision }) => decision.shadow)
  const trace = held.recorded === undefined ? traceOfText(held.text) : null
  return {
    protocol: held.protocol,
    ...(held.recorded ?? recordStatement(held.text, facts, held.parameters, guarded, scan)),
    ...(shadow.length === 0 ? {} : { shadow }),
    ...(place.behalf === undefined ? {} : { chain: place.behalf }),
    ...(trace === null ? {} : { trace }),
  }
}
type DigestName = 'statementDigest' | 'evidenceDigest'

/** Are the verdicts that the control plane speaks of about this statement, under these terms? */
export function isAbout(answer: HoldAnswer, digest: string, terms: Terms, place: HeldPlace, nowMs: number): boolean {
  const { request, expiresAtMs, evidenceDigest } = answer
  // Nobody may stretch what the rule grants.
  if (expiresAtMs > nowMs + terms.approval.expiresMs + limits.clockLeewaySeconds * 1_000) return false
  if (!/^[0-9a-f]{64}$/.test(evidenceDigest)) return false
  const quorum = terms.approval.reviewers
  const subject = { v: 1, request, statementDigest: digest, evidenceDigest, expiresAtMs, quorum } as const
  return approvalDigest(place.sha256, subject) === answer.approvalDigest
}
