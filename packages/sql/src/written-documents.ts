// Documents that go back into their column with another part: `jsonb_set(doc, …)`, `doc || …`, `doc - …`, `doc #- …`. What they leave
// stays at its path, also in a document that becomes an element of an array, since masks look through these; so a mask of parts holds
// as before. Whether one of them fails depends on what the path leads through, and on no value beside or at its end (jsonfuncs.c,
// setPath). Nothing is decided here: which parts are protected only the masks know.
import type { Node } from '@pgsql/types'
import { addControl, addFlow, addWritten, type Draft } from './draft.ts'
import type { ColumnRef } from './facts.ts'
import { isDocument, partOf, type Step, stepsOf } from './json-path.ts'
import type { Value } from './values.ts'

/** What a changed document is made of, beside what it leaves. */
interface Written {
  /** The column as it was. */
  readonly document: Value
  /** Parts that say whether it can be changed so. */
  readonly through: readonly ColumnRef[]
  readonly added: readonly Value[]
}

/** By the value itself: whatever is made of it, or knows it by another name, is computed like anything else. */
const documents = new WeakMap<Value, Written>()

/** A member of this name is in no document (jsonb has no NUL), so that a part is named which lies beside all others. */
const beside = '\u0000'

const operators: ReadonlySet<string> = new Set(['||', '-', '#-'])

/** Marks what an operator of PostgreSQL's own makes of a document. */
export function noteOperator(
  made: Value,
  operator: string,
  [document, added]: readonly [Value, Value],
  path: Node | undefined,
  draft: Draft,
): void {
  if (operators.has(operator)) note(made, document, operator === '#-' ? stepsOf(path) : [beside], [added], draft)
}

/** The same of jsonb_set(), without names of arguments. */
export function noteSet(made: Value, path: Node | undefined, values: readonly Value[], draft: Draft): void {
  const [document, ...added] = values
  if (document !== undefined && values.every(({ named }) => named === undefined))
    note(made, document, stepsOf(path), added, draft)
}

function note(made: Value, before: Value, path: readonly Step[], added: readonly Value[], draft: Draft): void {
  const known = documents.get(before)
  const isOwn = before.kind === 'direct' && before.type === 'pg_catalog.jsonb' && isDocument(before)
  if ((known === undefined && !isOwn) || path.includes(null)) return
  const { document, through, added: more } = known ?? { document: before, through: [], added: [] }
  const { sources } = partOf(document, [...path.slice(0, -1), beside], null, draft)
  documents.set(made, { document, through: [...through, ...sources], added: [...more, ...added] })
}

/**
 * Writes a changed document back where it came from; false where the value is none, or of another column: then it is computed.
 * `known` is the column, `own` what is behind it where it is a view's.
 */
export function writeBack(draft: Draft, to: string, known: ColumnRef, own: Value | undefined, value: Value): boolean {
  const found = documents.get(value)
  if (found === undefined) return false
  const names = new Set([known, ...(own?.kind === 'direct' ? own.sources : [])])
  const isItself = found.document.sources.has(known) && [...found.document.sources].every((one) => names.has(one))
  const added = new Set(found.added.flatMap(({ sources }) => [...sources]))
  if (!isItself || [...added].some((one) => names.has(one))) return false
  for (const column of found.through) addControl(draft, column, 'other', 'SET')
  addWritten(draft, known, own)
  addFlow(draft, to, known, added)
  return true
}
