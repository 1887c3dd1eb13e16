// From lineage and mask rules to what must be done to a result: pass, replace columns, or refuse.
// INVARIANT: a plan that is not `refuse` is proven; what cannot be proven is refused, never guessed.
// A refusal depends on the statement, the rules and the catalog alone, never on stored values (THREATS ).
import type { MaskMethod, Predicates } from './rule.ts'
import { compareMethods, strictestColumn, strictestMethod, strictestPredicates } from './strictest.ts'

/** A protected base column, after rules, labels and `unless` are evaluated for the whole chain. */
export interface ProtectedColumn {
  readonly relationOid: number
  readonly number: number
  /** `schema.relation.column`. */
  readonly name: string
  readonly method: MaskMethod
  readonly predicates: Predicates
  /** `policy/rule`, for entries and messages. */
  readonly rule: string
}

/** Lineage in the shape of `@sallyport/sql/facts`; repeated structurally because `mask` stands beside `sql`. */
export interface PlanInput {
  /** The same lineage in another object, which stands for it in caches. */
  readonly shape?: PlanInput
  readonly output:
    | readonly {
        readonly name: string
        readonly kind: 'direct' | 'derived'
        /** Computing it cannot fail: it may be hidden as a whole. */
        readonly total?: true
        readonly sources: readonly { readonly relationOid: number; readonly number: number; readonly name: string }[]
      }[]
    | null
  readonly control: readonly {
    readonly column: { readonly relationOid: number; readonly number: number; readonly name: string }
    readonly use: 'null-test' | 'equality' | 'other'
    readonly where: string
  }[]
  readonly flows: readonly {
    readonly to: string
    readonly toColumn: { readonly relationOid: number; readonly number: number; readonly name: string } | null
    readonly sources: readonly { readonly relationOid: number; readonly number: number; readonly name: string }[]
    /** Written by a trigger, as it is or computed by what cannot fail. */
    readonly trigger?: 'copied' | 'computed'
  }[]
  readonly relations: readonly number[]
  readonly unknowns: readonly string[]
  /** Code of the target that runs unseen: nothing can be proven about what it shows. */
  readonly opaque: readonly string[]
}

export type MaskPlan =
  | { readonly kind: 'plain' }
  | {
      readonly kind: 'mask'
      /** One a result column: how to hide it, or null to pass it. */
      readonly columns: readonly (MaskMethod | null)[]
      /** `policy/rule` of every mask in force, for the entry. */
      readonly rules: readonly string[]
    }
  /** Why, for the person at the client: names columns and constructs, never values. */
  | { readonly kind: 'refuse'; readonly reason: string; readonly rules: readonly string[] }

type Ref = PlanInput['control'][number]['column']
type Refusal = Extract<MaskPlan, { kind: 'refuse' }>

export interface Planned {
  readonly plan: MaskPlan
  readonly sensitive: boolean
}

/** What must be done to the statement's result, and whether its errors need scrubbing (`sensitive`). */
export function planMasks(input: PlanInput, columns: readonly ProtectedColumn[]): Planned {
  if (columns.length === 0) return { plan: { kind: 'plain' }, sensitive: false }
  const shield = shieldOf(columns)
  const key = input.shape ?? input
  const known = shield.plans.get(key)
  if (known !== undefined) return known
  const planned = makePlan(input, columns, shield)
  shield.plans.set(key, planned)
  return planned
}

function makePlan(input: PlanInput, columns: readonly ProtectedColumn[], shield: Shield): Planned {
  const touched = [...outputRefs(input), ...input.control.map((use) => use.column), ...flowRefs(input)]
  const sensitive =
    input.unknowns.length > 0 ||
    input.opaque.length > 0 ||
    input.relations.some((oid) => shield.relations.has(oid)) ||
    touched.some((ref) => shield.relations.has(ref.relationOid))
  if (!sensitive) return { plan: { kind: 'plain' }, sensitive }
  const refusal =
    refuseUnknowns(input, columns) ??
    refuseFlows(input, shield) ??
    refuseControl(input, shield) ??
    refuseDerived(input, shield)
  return { plan: refusal ?? maskOutput(input, shield), sensitive }
}

/** Protected columns by (relation, number), the strictest of several rules; and the relations that hold one. */
interface Shield {
  readonly columns: ReadonlyMap<string, ProtectedColumn>
  /** Strictest protection inside each relation: what a whole-row reference must be treated as. */
  readonly relations: ReadonlyMap<number, ProtectedColumn>
  /** Plans made so far: a plan depends on the lineage and the columns, and on nothing else. */
  readonly plans: WeakMap<PlanInput, Planned>
}

// The list is the same object for every statement of a chain under one catalog, so its index is made once.
const shields = new WeakMap<readonly ProtectedColumn[], Shield>()

function shieldOf(columns: readonly ProtectedColumn[]): Shield {
  const known = shields.get(columns)
  if (known !== undefined) return known
  const byColumn = new Map<string, ProtectedColumn>()
  const byRelation = new Map<number, ProtectedColumn>()
  for (const column of columns) {
    const key = keyOf(column)
    const other = byColumn.get(key)
    byColumn.set(key, other === undefined ? column : strictestColumn(other, column))
    const neighbour = byRelation.get(column.relationOid)
    byRelation.set(column.relationOid, neighbour === undefined ? column : strictestColumn(neighbour, column))
  }
  const shield = { columns: byColumn, relations: byRelation, plans: new WeakMap<PlanInput, Planned>() }
  shields.set(columns, shield)
  return shield
}

const keyOf = (ref: { readonly relationOid: number; readonly number: number }): string =>
  `${ref.relationOid}.${ref.number}`

/** The protection that a reference falls under. Number 0 is the whole row (PostgreSQL, InvalidAttrNumber): all its columns. */
const protectionOf = (shield: Shield, ref: Ref): ProtectedColumn | undefined =>
  ref.number === 0 ? shield.relations.get(ref.relationOid) : shield.columns.get(keyOf(ref))

function protectionsOf(shield: Shield, refs: readonly Ref[]): ProtectedColumn[] {
  const found: ProtectedColumn[] = []
  for (const ref of refs) {
    const protection = protectionOf(shield, ref)
    if (protection !== undefined) found.push(protection)
  }
  return found
}

const outputRefs = (input: PlanInput): Ref[] => (input.output ?? []).flatMap((column) => [...column.sources])
const flowRefs = (input: PlanInput): Ref[] =>
  input.flows.flatMap((flow) => (flow.toColumn === null ? [...flow.sources] : [...flow.sources, flow.toColumn]))

const refuse = (reason: string, protections: readonly ProtectedColumn[]): Refusal => ({
  kind: 'refuse',
  reason,
  rules: ruleNames(protections),
})

const ruleNames = (protections: readonly ProtectedColumn[]): string[] =>
  [...new Set(protections.map((column) => column.rule))].sort()

function refuseUnknowns(input: PlanInput, columns: readonly ProtectedColumn[]): Refusal | null {
  const [first = input.opaque[0]] = input.unknowns
  if (first === undefined) return null
  return refuse(`masks apply and it cannot be proven what this statement reads: ${first}`, columns)
}

/** A protected value that is written elsewhere could be read back unmasked by a later statement (THREATS ). */
function refuseFlows(input: PlanInput, shield: Shield): Refusal | null {
  for (const flow of input.flows) {
    const protections = protectionsOf(shield, flow.sources)
    const first = protections.find((protection) => !isHiddenAlike(shield, flow, protection))
    if (first === undefined) continue
    const to = flow.toColumn?.name ?? flow.to
    const masked = `column "${first.name}" is masked by rule "${first.rule}"`
    return refuse(
      flow.trigger === undefined
        ? `${masked} and cannot be copied to "${to}"`
        : `${masked} and a trigger copies it to "${to}", which is not hidden as strictly`,
      protections,
    )
  }
  return null
}

/**
 * What a trigger keeps of a column may be kept where it is hidden at least as strictly: nothing can be read there that cannot
 * be read here. What is computed may only go where every value looks the same: a part that a mask leaves would be another part.
 */
function isHiddenAlike(shield: Shield, flow: PlanInput['flows'][number], from: ProtectedColumn): boolean {
  const to = flow.toColumn === null ? undefined : protectionOf(shield, flow.toColumn)
  if (flow.trigger === undefined || to === undefined) return false
  const isConstant = to.method === 'null' || to.method === 'redact'
  return (
    (isConstant || flow.trigger === 'copied') &&
    compareMethods(to.method, from.method) <= 0 &&
    strictestPredicates(to.predicates, from.predicates) === to.predicates
  )
}

function permitted(predicates: Predicates, use: PlanInput['control'][number]['use']): boolean {
  switch (predicates) {
    case 'none':
      return use === 'null-test'
    case 'equality':
      return use !== 'other'
    case 'any':
      return true
  }
}

const permittedText = {
  none: 'only IS NULL',
  equality: 'only "column = value" at the top of WHERE',
  any: 'any',
} as const

function refusedUse({ name, rule, predicates }: ProtectedColumn, where: string): string {
  const masked = `column "${name}" is masked by rule "${rule}"`
  // However it is used: estimates are made of values, and costs of their sizes (THREATS ).
  if (where === 'EXPLAIN') return `${masked}, and the plan of a statement that names it would tell of its values`
  return `${masked} and cannot be used in ${where}; the rule permits ${permittedText[predicates]}`
}

function refuseControl(input: PlanInput, shield: Shield): Refusal | null {
  for (const { column, use, where } of input.control) {
    const protection = protectionOf(shield, column)
    if (protection === undefined || permitted(protection.predicates, use)) continue
    return refuse(refusedUse(protection, where), [protection])
  }
  return null
}

function refuseDerived(input: PlanInput, shield: Shield): Refusal | null {
  for (const column of input.output ?? []) {
    const protections = protectionsOf(shield, column.sources)
    const [first] = protections
    if (first === undefined) continue
    const wholeRow = column.sources.some((source) => source.number === 0)
    if ((column.kind === 'direct' || column.total === true) && !wholeRow) continue
    return refuse(
      `result column "${column.name}" is computed from "${first.name}", which is masked by rule "${first.rule}"; select the column itself`,
      protections,
    )
  }
  return null
}

function maskOutput(input: PlanInput, shield: Shield): MaskPlan {
  const inForce: ProtectedColumn[] = []
  const columns = (input.output ?? []).map((column) => {
    const protections = protectionsOf(shield, column.sources)
    inForce.push(...protections)
    // What is left of a part of a value is no value of the column, and no method is made for it.
    if (column.total === true && protections.length > 0) return 'null'
    return protections
      .map((protection) => protection.method)
      .reduce<MaskMethod | null>(
        (strictest, method) => (strictest === null ? method : strictestMethod(strictest, method)),
        null,
      )
  })
  if (inForce.length === 0) return { kind: 'plain' }
  return { kind: 'mask', columns, rules: ruleNames(inForce) }
}
