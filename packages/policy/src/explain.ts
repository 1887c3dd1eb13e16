// What would happen to statements of a caller, and why: the answer of `POST /api/v1/policies/explain` and of the CLI.
// Made by `judge`, the same that the gate calls, so that an explanation never differs from the decision.
import type { Chain } from '@sallyport/base/identity'
import { detectionText } from '@sallyport/mask/detect/detection'
import { jsonPathText } from '@sallyport/mask/json/path'
import type { ProtectedColumn } from '@sallyport/mask/plan'
import { columnMaskText, methodText } from '@sallyport/mask/strictest'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import {
  type CompiledPolicies,
  type Decision,
  type DecisionContext,
  limitsFor,
  protectedColumns,
  type TraceLine,
} from './decide.ts'
import { type Judgement, judge } from './judge.ts'
import { copiedBy, packingIn } from './limits.ts'
import { writeBackWords, writtenBack } from './write-back.ts'

/** The shape of ExplainResult in @sallyport/api/resources, repeated because `policy` stands below `api`. */
export interface Explanation {
  readonly target: string
  readonly catalogVersion: string | null
  readonly statements: readonly StatementExplanation[]
}

export interface StatementExplanation {
  readonly text: string
  readonly verb: string
  readonly decision: Decision['kind']
  readonly code: string | null
  readonly message: string
  readonly policy: string
  readonly rule: string
  readonly effects: readonly {
    readonly operation: string
    readonly object: string
    readonly via: 'direct' | 'derived'
    readonly baseline: boolean
  }[]
  readonly functions: readonly string[]
  readonly filtered: boolean
  readonly unknowns: readonly string[]
  readonly output:
    | readonly {
        readonly name: string
        readonly kind: 'direct' | 'derived'
        readonly sources: readonly string[]
        readonly mask: string | null
      }[]
    | null
  readonly maskRefusal: string | null
  /** What detectors look for in the other columns; null: nothing. */
  readonly detect: string | null
  /** It cannot be proven what it shows, and the policies let it through with detectors. */
  readonly relaxed: boolean
  /** Base columns that decide rows or their order: lineage by selection. */
  readonly control: readonly { readonly column: string; readonly use: string; readonly where: string }[]
  /** Writes that carry values of columns to another place. */
  readonly flows: readonly { readonly to: string; readonly sources: readonly string[] }[]
  /** Code of the target that runs unseen; matters where masks apply. */
  readonly opaque: readonly string[]
  /** Functions that run and are vouched for by the target's owner instead of being looked into. */
  readonly trusted: readonly string[]
  /** Limits that concern it, `policy/limit` with what they bound. Nothing is counted here. */
  readonly limits: readonly { readonly name: string; readonly text: string; readonly refusal: string | null }[]
  readonly trace: readonly TraceLine[]
}

export function explainStatements(input: {
  readonly policies: CompiledPolicies
  readonly catalog: Catalog
  readonly chain: Chain
  readonly context: Omit<DecisionContext, 'chain'>
  readonly statements: readonly StatementFacts[]
}): Explanation {
  const { policies, catalog, chain } = input
  const context = { ...input.context, chain }
  return {
    target: policies.target.name,
    catalogVersion: catalog.version,
    statements: input.statements.map((facts) => {
      const judged = withWriteBack(input, facts, judge(policies, facts, context, catalog))
      return { ...explainStatement(facts, judged, maskLines(input, facts)), limits: limitLines(input, facts) }
    }),
  }
}

function explainStatement(
  facts: StatementFacts,
  { decision, plan }: Judgement,
  masks: readonly TraceLine[],
): Omit<StatementExplanation, 'limits'> {
  const maskOf = (index: number): string | null => {
    const method = plan.kind === 'mask' ? (plan.columns[index] ?? null) : null
    return method === null ? null : columnMaskText(method)
  }
  return {
    text: facts.text,
    verb: facts.verb,
    decision: decision.kind,
    code: decision.kind === 'deny' ? decision.code : null,
    message: messageOf(decision),
    policy: decision.policy,
    rule: decision.rule,
    effects: facts.effects.map(({ operation, object, via, baseline }) => ({ operation, object, via, baseline })),
    functions: facts.functions.map(({ name }) => name),
    filtered: facts.filtered,
    unknowns: facts.unknowns,
    output:
      facts.output === null
        ? null
        : facts.output.map(({ name, kind, sources }, index) => ({
            name,
            kind,
            sources: sources.map((source) => source.name),
            mask: maskOf(index),
          })),
    maskRefusal: plan.kind === 'refuse' ? plan.reason : null,
    detect: plan.kind === 'mask' && plan.detect !== undefined ? detectionText(plan.detect) : null,
    relaxed: plan.kind === 'mask' && plan.relaxed === true,
    control: facts.control.map(({ column, use, where }) => ({ column: column.name, use, where })),
    flows: facts.flows.map(({ to, toColumn, sources }) => ({
      to: toColumn?.name ?? to,
      sources: sources.map(({ name }) => name),
    })),
    opaque: facts.opaque,
    trusted: facts.trusted ?? [],
    trace: [...decision.trace, ...masks],
  }
}

type Input = Parameters<typeof explainStatements>[0]

/** A masked value that the statement would store is refused at the agent, whatever the rules say. */
function withWriteBack(
  { policies, chain, catalog, context }: Input,
  facts: StatementFacts,
  judged: Judgement,
): Judgement {
  if (judged.decision.kind === 'deny') return judged
  const sent = { texts: context.parameters, binary: [] }
  const found = writtenBack(facts, protectedColumns(policies, chain, catalog), sent)
  if (found === null) return judged
  const [policy = '', ...rule] = found.rule.split('/')
  const { trace, shadow, version } = judged.decision
  const words = writeBackWords(found)
  return {
    ...judged,
    decision: { kind: 'deny', code: 'WRITE_BACK', ...words, policy, version, rule: rule.join('/'), trace, shadow },
  }
}

function limitLines({ policies, chain, catalog }: Input, facts: StatementFacts): StatementExplanation['limits'] {
  return limitsFor(policies, facts, chain, catalog).map(({ limit }) => {
    const proves = limit.rows !== null && limit.packing === 'deny'
    const copy = proves && limit.objects !== null ? copiedBy(facts, limit.objects, limit.everyMs === null) : null
    const packs = proves && facts.output !== null ? packingIn(facts, catalog, limit.objects) : null
    const refusal = copy === null ? null : `a copy in "${copy}" would not be counted`
    return {
      name: `${limit.policy}/${limit.name}`,
      text: limit.shadow ? `${limit.text} (shadow)` : limit.text,
      refusal: refusal ?? (packs === null ? null : `${packs} puts several rows into one`),
    }
  })
}

function messageOf(decision: Decision): string {
  if (decision.kind !== 'allow') return decision.message
  return decision.policy === ''
    ? 'allowed without a rule: an admitted session may do this'
    : `allowed by rule "${decision.policy}/${decision.rule}"`
}

/** One line a protected column that the statement touches: by which rule and how. */
function maskLines(input: Parameters<typeof explainStatements>[0], facts: StatementFacts): TraceLine[] {
  const relations = new Set(facts.relations)
  return protectedColumns(input.policies, input.chain, input.catalog)
    .filter((column) => relations.has(column.relationOid))
    .map((column) => {
      const [policy = '', ...rule] = column.rule.split('/')
      return {
        policy,
        version: input.policies.versions.find((entry) => entry.policy === policy)?.version ?? 0,
        rule: rule.join('/'),
        effect: 'mask',
        principal: '',
        object: column.name,
        outcome: 'matched',
        note: `${hiddenText(column)}, predicates ${column.predicates}${column.orderShown === true ? ', order shown' : ''}`,
      }
    })
}

const hiddenText = ({ method, parts }: ProtectedColumn): string =>
  parts === undefined
    ? methodText(method)
    : parts.map((part) => `${jsonPathText(part.path)} ${methodText(part.method)}`).join(', ')
