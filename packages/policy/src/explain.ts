// What would happen to statements of a caller, and why: the answer of `POST /api/v1/policies/explain` and of the CLI.
// Made by `judge`, the same that the gate calls, so that an explanation never differs from the decision.
import type { Chain } from '@sallyport/base/identity'
import { methodText } from '@sallyport/mask/strictest'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import {
  type CompiledPolicies,
  type Decision,
  type DecisionContext,
  protectedColumns,
  type TraceLine,
} from './decide.ts'
import { type Judgement, judge } from './judge.ts'

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
    statements: input.statements.map((facts) =>
      explainStatement(facts, judge(policies, facts, context, catalog), maskLines(input, facts)),
    ),
  }
}

function explainStatement(
  facts: StatementFacts,
  { decision, plan }: Judgement,
  masks: readonly TraceLine[],
): StatementExplanation {
  const maskOf = (index: number): string | null => {
    const method = plan.kind === 'mask' ? (plan.columns[index] ?? null) : null
    return method === null ? null : methodText(method)
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
    trace: [...decision.trace, ...masks],
  }
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
        note: `${methodText(column.method)}, predicates ${column.predicates}`,
      }
    })
}
