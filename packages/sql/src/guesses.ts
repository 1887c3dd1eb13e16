// `predicates: equality` lets a caller test one guess a statement (DESIGN §4). A whole number or a numeric that is compared with a
// float becomes one, and so many of them are equal to it: that is no guess.
import { addControl, controlKey, type Draft } from './draft.ts'
import { everyNode, memberOf } from './order-free.ts'
import type { Environment } from './scope.ts'

/** Columns of these types become floats beside one. */
export const exactNumbers: ReadonlySet<string> = new Set(
  ['int2', 'int4', 'int8', 'numeric'].map((type) => `pg_catalog.${type}`),
)
export const floats: ReadonlySet<string> = new Set(['pg_catalog.float4', 'pg_catalog.float8'])

/**
 * A parameter has the type of the first thing that it stands beside. One that stands in several places may be a float where it is
 * compared with the column; of one that a client declares the agent asks (StatementFacts.plainParameters).
 */
export function boundGuesses(draft: Draft, root: unknown, { index }: Environment): void {
  const guesses = [...draft.control.values()].filter(({ column, use }) => {
    const relation = use === 'equality' ? index.byOid.get(column.relationOid) : undefined
    return exactNumbers.has(relation?.columns.find(({ number }) => number === column.number)?.type ?? '')
  })
  if (guesses.length === 0) return
  const seen = new Map<unknown, number>()
  everyNode({ root }, (tag, { number }) => {
    if (tag === 'ParamRef') seen.set(number, (seen.get(number) ?? 0) + 1)
  })
  if (seen.size === 0) return
  draft.plainParameters = true
  // PREPARE may declare a float, and nobody asks what EXECUTE brings.
  const isDeclared = memberOf(root, 'PrepareStmt')?.['argtypes'] !== undefined
  if (!isDeclared && [...seen.values()].every((times) => times === 1)) return
  for (const { column, use, where } of guesses) {
    draft.control.delete(controlKey({ column, use, where }))
    addControl(draft, column, 'other', where)
  }
}
