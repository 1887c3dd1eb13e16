// From lineage and mask rules to what must be done to a result: pass, replace columns, or refuse.
// INVARIANT: a plan that is not `refuse` is proven; what cannot be proven is refused, never guessed.
// A refusal depends on the statement, the rules and the catalog alone, never on stored values (THREATS ).
import { type Detection, widestDetection } from './detect/detection.ts'
import type { JsonPart } from './json/mask.ts'
import { type JsonPath, jsonPathText, meet, type ReadPath } from './json/path.ts'
import type { MaskMethod, Predicates } from './rule.ts'
import { columnKey, type Guard, guardsOf, type Shield, shieldOf, strictColumns } from './shield.ts'
import { compareMethods, strictestMethod, strictestPredicates } from './strictest.ts'

/** A protected base column, after rules, labels and `unless` are evaluated for the whole chain. */
export interface ProtectedColumn {
  readonly relationOid: number
  readonly number: number
  /** `schema.relation.column`. */
  readonly name: string
  /** Of `parts` the strictest one. */
  readonly method: MaskMethod
  readonly predicates: Predicates
  /** Rows may come in the order of its values where an index gives them so. Absent: they may not. */
  readonly orderShown?: true
  /** `policy/rule`, for entries and messages. */
  readonly rule: string
  /** Only these parts of a JSON column are protected; absent: all of the column. */
  readonly parts?: readonly ProtectedPart[]
  /** Its policies let through what cannot be proven about it (docs/masking.md, Relaxed). Absent: they do not. */
  readonly relaxed?: true
}

/** A part of a JSON column, by its path. */
export interface ProtectedPart extends JsonPart {
  readonly path: JsonPath
  readonly predicates: Predicates
  readonly orderShown?: true
  readonly rule: string
}

/** A column that a statement names; with `path`, a part of it. */
export interface PlanRef {
  readonly relationOid: number
  readonly number: number
  readonly name: string
  readonly path?: ReadPath
}

/** How a result column is hidden: as a whole, or parts of a JSON value. */
export type ColumnMask = MaskMethod | { readonly json: readonly JsonPart[] }

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
        /** Beside the column's values there are constants of the statement, or values of another column. */
        readonly mixed?: 'constants' | 'columns'
        /** Of the sources, those that are another name of a value of the others. */
        readonly aliases?: readonly PlanRef[]
        readonly sources: readonly PlanRef[]
      }[]
    | null
  readonly control: readonly {
    readonly column: PlanRef
    readonly use: 'null-test' | 'equality' | 'other'
    readonly where: string
  }[]
  readonly flows: readonly {
    readonly to: string
    readonly toColumn: PlanRef | null
    readonly sources: readonly PlanRef[]
    /** Written by a trigger, as it is or computed by what cannot fail. */
    readonly trigger?: 'copied' | 'computed'
  }[]
  readonly relations: readonly number[]
  /** It names the column that is hidden from everybody. Absent: it does not. */
  readonly namesHidden?: true
  readonly unknowns: readonly string[]
  /** Code of the target that runs unseen: nothing can be proven about what it shows. */
  readonly opaque: readonly string[]
}

export type MaskPlan =
  | { readonly kind: 'plain' }
  | {
      readonly kind: 'mask'
      /** One a result column: how to hide it, or null to pass it. */
      readonly columns: readonly (ColumnMask | null)[]
      /** `policy/rule` of every mask in force, for the entry. */
      readonly rules: readonly string[]
      /** What detectors look for in columns that no mask hides. Absent: they look for nothing. */
      readonly detect?: Detection
      /** It could not be proven what the statement shows, and the policies let it through all the same. */
      readonly relaxed?: true
    }
  /** Why, for the person at the client: names columns and constructs, never values. */
  | { readonly kind: 'refuse'; readonly reason: string; readonly rules: readonly string[] }

type Refusal = Extract<MaskPlan, { kind: 'refuse' }>
type Mask = Extract<MaskPlan, { kind: 'mask' }>

export interface Planned {
  readonly plan: MaskPlan
  readonly sensitive: boolean
}

/** What must be done to the statement's result, and whether its errors need scrubbing (`sensitive`). */
export function planMasks(
  input: PlanInput,
  columns: readonly ProtectedColumn[],
  detection: Detection | null = null,
): Planned {
  const planned = planColumns(input, columns)
  const { plan, sensitive } = planned
  if (plan.kind === 'mask' && plan.relaxed === true)
    return { plan: { ...plan, detect: widestDetection(detection), rules: together(plan.rules, detection) }, sensitive }
  if (detection === null || plan.kind === 'refuse' || input.output === null) return planned
  const passed = input.output.map(() => null)
  const masks: Mask = plan.kind === 'mask' ? plan : { kind: 'mask', columns: passed, rules: [] }
  return { plan: { ...masks, detect: detection, rules: together(masks.rules, detection) }, sensitive }
}

const together = (rules: readonly string[], detection: Detection | null): readonly string[] =>
  detection === null ? rules : [...new Set([...rules, ...detection.rules])].sort()

/** What every row of a table has that is older than the column, in a system relation that everybody may read (THREATS ). */
const hiddenFromAll: ProtectedColumn = {
  relationOid: 1249,
  number: 1,
  name: 'pg_catalog.pg_attribute.attmissingval',
  method: 'null',
  predicates: 'none',
  rule: 'sallyport/attmissingval',
}
const withHidden = new WeakMap<readonly ProtectedColumn[], readonly ProtectedColumn[]>()

function hiddenToo(columns: readonly ProtectedColumn[]): readonly ProtectedColumn[] {
  const known = withHidden.get(columns) ?? [...columns, hiddenFromAll]
  withHidden.set(columns, known)
  return known
}

function planColumns(input: PlanInput, protectedOnes: readonly ProtectedColumn[]): Planned {
  const columns = input.namesHidden === true ? hiddenToo(protectedOnes) : protectedOnes
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
  if (refusal === null) return { plan: maskOutput(input, shield), sensitive }
  return { plan: relax(input, columns, shield) ?? refusal, sensitive }
}

/**
 * The plan of a statement about which only relaxed policies cannot prove enough; null where a strict one cannot either, or
 * where a protected value would be stored: no later statement could tell that it is there (THREATS ).
 */
function relax(input: PlanInput, columns: readonly ProtectedColumn[], shield: Shield): Mask | null {
  const strict = strictColumns(columns)
  if (strict === columns || refuseFlows(input, shield) !== null) return null
  if (planColumns(input, strict).plan.kind === 'refuse') return null
  const inForce: Guard[] = []
  const hidden = (input.output ?? []).map((column) => {
    const guards = guardsOf(shield, column.sources)
    inForce.push(...guards)
    if (guards.length === 0) return null
    return isShown(column, shield) ? columnMask(column, shield) : 'null'
  })
  const rules = ruleNames(inForce.length > 0 ? inForce : columns.filter(({ relaxed }) => relaxed === true))
  return { kind: 'mask', columns: hidden, rules, relaxed: true }
}

type Output = NonNullable<PlanInput['output']>[number]

/** It may be run, and what comes of it hidden by itself. */
const isShown = (column: Output, shield: Shield): boolean =>
  (column.kind === 'direct' || column.total === true) &&
  !column.sources.some((source) => source.number === 0) &&
  !showsGuesses(column, shield)

/**
 * Pseudonyms of values that the caller chose would stand beside those of the column: which are equal tells whose value was
 * guessed. Chosen are constants, and what is in a column that nothing hides.
 */
function showsGuesses({ mixed, aliases = [], sources }: Output, shield: Shield): boolean {
  if (mixed === undefined || !guardsOf(shield, sources).some(({ method }) => method === 'hash')) return false
  const others = new Set(aliases.map(columnKey))
  return (
    mixed === 'constants' ||
    sources.some((source) => !others.has(columnKey(source)) && guardsOf(shield, [source]).length === 0)
  )
}

const outputRefs = (input: PlanInput): PlanRef[] => (input.output ?? []).flatMap((column) => [...column.sources])
const flowRefs = (input: PlanInput): PlanRef[] =>
  input.flows.flatMap((flow) => (flow.toColumn === null ? [...flow.sources] : [...flow.sources, flow.toColumn]))

const refuse = (reason: string, guards: readonly { readonly rule: string }[]): Refusal => ({
  kind: 'refuse',
  reason,
  rules: ruleNames(guards),
})

const ruleNames = (guards: readonly { readonly rule: string }[]): string[] =>
  [...new Set(guards.map(({ rule }) => rule))].sort()

function refuseUnknowns(input: PlanInput, columns: readonly ProtectedColumn[]): Refusal | null {
  const [first = input.opaque[0]] = input.unknowns
  if (first === undefined) return null
  return refuse(`masks apply and it cannot be proven what this statement reads: ${first}`, columns)
}

/** `column "…"`, or the part of it that is protected. */
const titleOf = ({ name, path }: Guard): string =>
  path === null ? `column "${name}"` : `"${jsonPathText(path)}" of column "${name}"`

/** A protected value that is written elsewhere could be read back unmasked by a later statement (THREATS ). */
function refuseFlows(input: PlanInput, shield: Shield): Refusal | null {
  for (const flow of input.flows) {
    const guards = guardsOf(shield, flow.sources)
    const first = guards.find((guard) => !isHiddenAlike(shield, flow, guard))
    if (first === undefined) continue
    const to = flow.toColumn?.name ?? flow.to
    const masked = `${titleOf(first)} is masked by rule "${first.rule}"`
    return refuse(
      flow.trigger === undefined
        ? `${masked} and cannot be copied to "${to}"`
        : `${masked} and a trigger copies it to "${to}", which is not hidden as strictly`,
      guards,
    )
  }
  return null
}

/**
 * What a trigger keeps of a column may be kept where it is hidden at least as strictly: nothing can be read there that cannot
 * be read here. What is computed may only go where every value looks the same: a part that a mask leaves would be another part.
 */
function isHiddenAlike(shield: Shield, flow: PlanInput['flows'][number], from: Guard): boolean {
  const to = flow.toColumn === null ? undefined : shield.columns.get(columnKey(flow.toColumn))
  if (flow.trigger === undefined || to === undefined || to.parts !== undefined || to.relaxed === true) return false
  const isConstant = to.method === 'null' || to.method === 'redact'
  return (
    (isConstant || flow.trigger === 'copied') &&
    from.path === null &&
    compareMethods(to.method, from.method) <= 0 &&
    strictestPredicates(to.predicates, from.predicates) === to.predicates &&
    (to.orderShown !== true || from.orderShown === true)
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

/** How conditions and sorting are called that an index could serve, or the partitions of a table (sql/index-order.ts). */
const byOrder: ReadonlySet<string> = new Set(['the order of an index', 'the order of partitions'])

function refusedUse(guard: Guard, where: string): string {
  const masked = `${titleOf(guard)} is masked by rule "${guard.rule}"`
  // However it is used: estimates are made of values, and costs of their sizes (THREATS ).
  if (where === 'EXPLAIN') return `${masked}, and the plan of a statement that names it would tell of its values`
  if (where === 'the order of an index')
    return `${masked}, and an index may give these rows in the order of its values; sort by the table's key, count, or give the mask "order: shown"`
  if (where === 'the order of partitions')
    return `${masked}, and rows come from one partition by it after the other; sort by the table's key, count, or give the mask "order: shown"`
  if (where === 'the bounds of a partition')
    return `${masked}, and this partition holds the rows of some of its values; read the whole table`
  return `${masked} and cannot be used in ${where}; the rule permits ${permittedText[guard.predicates]}`
}

function refuseControl(input: PlanInput, shield: Shield): Refusal | null {
  for (const { column, use, where } of input.control) {
    const guard = guardsOf(shield, [column]).find(
      ({ predicates, orderShown }) => !permitted(predicates, use) && !(orderShown === true && byOrder.has(where)),
    )
    if (guard !== undefined) return refuse(refusedUse(guard, where), [guard])
  }
  return null
}

function refuseDerived(input: PlanInput, shield: Shield): Refusal | null {
  for (const column of input.output ?? []) {
    if (isShown(column, shield)) continue
    const guards = guardsOf(shield, column.sources)
    const [first] = guards
    if (first === undefined) continue
    const what = first.path === null ? `"${first.name}", which is` : `${titleOf(first)}, which is`
    return refuse(
      `result column "${column.name}" is computed from ${what} masked by rule "${first.rule}"; select the column itself`,
      guards,
    )
  }
  return null
}

function maskOutput(input: PlanInput, shield: Shield): MaskPlan {
  const inForce: Guard[] = []
  const columns = (input.output ?? []).map((column) => {
    inForce.push(...guardsOf(shield, column.sources))
    return columnMask(column, shield)
  })
  if (inForce.length === 0) return { kind: 'plain' }
  return { kind: 'mask', columns, rules: ruleNames(inForce) }
}

/** How a column that is shown is hidden; null: not at all. What hides all of it hides its parts. */
function columnMask(column: Output, shield: Shield): ColumnMask | null {
  let whole: MaskMethod | null = null
  const parts: JsonPart[] = []
  for (const source of column.sources) {
    for (const guard of guardsOf(shield, [source])) {
      const meeting = guard.path === null ? null : meet(source.path ?? [], guard.path)
      if (meeting?.kind === 'holds') parts.push({ path: meeting.rest, method: guard.method })
      else {
        // What is left of a part of a value is no value of the column, and no method is made for it.
        const method = column.total === true || guard.path !== null ? 'null' : guard.method
        whole = whole === null ? method : strictestMethod(whole, method)
      }
    }
  }
  return whole ?? (parts.length > 0 ? { json: parts } : null)
}
