// From lineage and mask rules to what must be done to a result: pass, replace columns, or refuse.
// INVARIANT: a plan that is not `refuse` is proven; what cannot be proven is refused, never guessed.
import type { MaskMethod, Predicates } from './rule.ts'

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
  readonly output:
    | readonly {
        readonly name: string
        readonly kind: 'direct' | 'derived'
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
  }[]
  readonly relations: readonly number[]
  readonly unknowns: readonly string[]
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

/** What must be done to the statement's result, and whether its errors need scrubbing (`sensitive`). */
export function planMasks(
  input: PlanInput,
  columns: readonly ProtectedColumn[],
): { plan: MaskPlan; sensitive: boolean } {
  void [input, columns]
  throw new Error('written by the mask room')
}
