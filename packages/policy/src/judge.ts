// The whole judgement of one statement: decision, then mask plan. The gate, explain and policy trial call this and
// nothing else, so that they can never disagree.
import type { Chain } from '@sallyport/base/identity'
import { type MaskPlan, planMasks } from '@sallyport/mask/plan'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import {
  type CompiledPolicies,
  type Decision,
  type DecisionContext,
  decide,
  isTimeless,
  maskingFor,
  protectedColumns,
} from './decide.ts'
import { refuseUnderMasks } from './under-masks.ts'

export interface Judgement {
  readonly decision: Decision
  readonly plan: MaskPlan
  /** The target's errors and notices may quote a protected value and must be scrubbed. */
  readonly sensitive: boolean
  /** It meets a column that is masked for somebody, if not for this caller: its literals and parameters are not recorded. */
  readonly guarded: boolean
}

/** A chain without a verified principal: no mask is lifted for it. */
const nobody: Chain = {
  initiator: {
    kind: 'user',
    issuer: '',
    subject: '',
    groups: [],
    claims: {},
    display: '',
    assurance: 'claimed',
  },
  actors: [],
}

/** Judgements of one chain, under one set of rules and one catalog. */
interface Kept {
  readonly policies: CompiledPolicies
  readonly catalog: Catalog
  readonly judgements: WeakMap<StatementFacts, Judgement>
}

// By the chain as an object: it lives as long as its session and never changes, and no other principal ever has it
// (DESIGN §4, Cache). Revocations end the session, and limits are counted afterwards.
const kept = new WeakMap<Chain, Kept>()

function keptFor(chain: Chain, policies: CompiledPolicies, catalog: Catalog): Kept['judgements'] {
  const known = kept.get(chain)
  if (known !== undefined && known.policies === policies && known.catalog === catalog) return known.judgements
  const judgements = new WeakMap<StatementFacts, Judgement>()
  kept.set(chain, { policies, catalog, judgements })
  return judgements
}

/**
 * Decides one statement. What the masks refuse is denied, also where a rule would hold it: no person can make it safe.
 * INVARIANT: what is remembered for a chain is what would be found again: only where no rule that concerns the statement looks
 * at a clock or a value.
 */
export function judge(
  policies: CompiledPolicies,
  facts: StatementFacts,
  context: DecisionContext,
  catalog: Catalog,
): Judgement {
  const judgements = keptFor(context.chain, policies, catalog)
  const key = facts.shape ?? facts
  const known = judgements.get(key)
  if (known !== undefined) return known
  const made = judgeAnew(policies, facts, context, catalog)
  if (isTimeless(policies, facts)) judgements.set(key, made)
  return made
}

function judgeAnew(
  policies: CompiledPolicies,
  facts: StatementFacts,
  context: DecisionContext,
  catalog: Catalog,
): Judgement {
  const decision = decide(policies, facts, context)
  const { columns, detection } = maskingFor(policies, context.chain, catalog)
  const planned = planMasks(facts, columns, detection)
  const sensitive = planned.sensitive
  const underMasks = planned.plan.kind === 'refuse' ? null : refuseUnderMasks(facts, columns)
  const plan = underMasks?.plan ?? refuseCopy(facts, planned.plan) ?? planned.plan
  const guarded = sensitive || planMasks(facts, protectedColumns(policies, nobody, catalog)).sensitive
  if (decision.kind === 'deny' || plan.kind !== 'refuse') return { decision, plan, sensitive, guarded }
  const [rule = ''] = plan.rules
  const [policy = '', ...name] = rule.split('/')
  const version = policies.versions.find((entry) => entry.policy === policy)?.version ?? 0
  return {
    decision: {
      kind: 'deny',
      code: 'MASK_UNPROVABLE',
      message: `denied by mask: ${plan.reason}`,
      hint: `rule "${rule}" hides the column; ${underMasks?.wayOut ?? wayOut(facts)}, or ask the owner of policy "${policy}"`,
      policy,
      version,
      rule: name.join('/'),
      get trace() {
        return decision.trace
      },
      shadow: decision.shadow,
    },
    plan,
    sensitive,
    guarded,
  }
}

function wayOut({ verb, opaque }: StatementFacts): string {
  if (opaque.some((code) => code.startsWith('the trigger ')))
    return 'let the owner of the target list the function of the trigger under "trusted", if it shows nothing of it'
  if (verb === 'copy') return 'name the other columns in COPY, or use SELECT'
  if (verb === 'explain') return 'leave it out of the statement that is explained'
  return writes.has(verb) ? 'use it in no condition, and copy it nowhere' : 'select it plainly'
}

const writes: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'merge'])

/** Rows of COPY are text of the whole row (THREATS ): nothing is masked in them by columns, and detectors read its text
 * and CSV formats as they come by default. */
function refuseCopy({ verb, session }: StatementFacts, plan: MaskPlan): MaskPlan | null {
  if (verb !== 'copy' || plan.kind !== 'mask') return null
  const { rules } = plan
  if (plan.columns.some((mask) => mask !== null))
    return { kind: 'refuse', reason: 'COPY would carry a protected column', rules }
  const isReadable = session.every(
    (effect) => effect.kind !== 'copy' || effect.direction === 'in' || effect.plain === true,
  )
  if (isReadable) return null
  return {
    kind: 'refuse',
    reason: 'detectors cannot look through COPY in this format; use text or CSV as they are',
    rules,
  }
}
