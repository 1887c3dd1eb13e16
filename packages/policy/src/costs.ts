// What a request or statement costs in units, by the weights of a limit, and where an answer says it better. Pure: nothing is counted
// here.
import { type JsonPath, parseJsonPath } from '@sallyport/mask/json/path'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { LimitRule } from './document-limits.ts'
import { compilePattern, type Matcher } from './match.ts'
import { anyOf } from './match-any.ts'

/** Where an answer says what it was. */
export type CostSource =
  | { readonly from: 'body'; readonly path: JsonPath }
  | { readonly from: 'field'; readonly name: string }

export interface CompiledWeight {
  /** Null: everything. */
  readonly objects: Matcher | null
  readonly units: number
  readonly sources: readonly CostSource[]
}

export interface Cost {
  /** Taken before it goes on. */
  readonly units: number
  /** The most of what stands in any of them counts, where it is more. */
  readonly sources: readonly CostSource[]
}

export const compileWeights = (weights: LimitRule['weights']): readonly CompiledWeight[] =>
  (weights ?? []).map(({ objects, units, answer, field }) => ({
    objects: objects === undefined ? null : anyOf(objects.map((pattern) => compilePattern(pattern, 'match'))),
    units,
    sources: [
      ...(answer === undefined ? [] : [{ from: 'body', path: pathOf(answer) } as const]),
      ...(field === undefined ? [] : [{ from: 'field', name: field } as const]),
    ],
  }))

/** A path that cannot be read was refused when the policy was saved; it finds nothing. */
function pathOf(text: string): JsonPath {
  const parsed = parseJsonPath(text)
  return 'path' in parsed ? parsed.path : []
}

/** Of several weights that fit the dearest: their order never matters. */
export function costOf(weights: readonly CompiledWeight[], { effects }: StatementFacts): Cost {
  const fitting = weights.filter(
    ({ objects }) =>
      objects === null || effects.some(({ object, parents }) => objects(object) || parents.some((one) => objects(one))),
  )
  if (fitting.length === 0) return { units: 1, sources: [] }
  return {
    units: Math.max(...fitting.map(({ units }) => units)),
    sources: fitting.flatMap(({ sources }) => sources),
  }
}
