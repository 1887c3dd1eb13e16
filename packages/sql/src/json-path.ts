// Parts of JSON columns: which part of which column a constant path leads to. What is not known about a path ends it, so that
// the part that is named is never smaller than the one that is read.
// INVARIANT: a step that nobody knows, or one too many, stands as null, and nothing is ever added behind it.
import type { Node } from '@pgsql/types'
import type { Draft } from './draft.ts'
import type { ColumnRef } from './facts.ts'
import { isConstant, payload, texts } from './tree.ts'
import { derived, type Value } from './values.ts'

/** A member's name, or null where it is not known. Numbers are written out. */
export type Step = string | null

/** Steps that are followed; deeper parts count as unknown parts of the one above. */
const stepsMax = 16
/** Parts of one column that one statement tells apart; a recursive query could name parts without end. */
const partsMax = 64

/** The columns of a document from which parts can be taken: as they are, or parts of them already. */
export const isDocument = ({ type, kind, total }: Value): boolean =>
  (type === 'pg_catalog.jsonb' || type === 'pg_catalog.json') && (kind === 'direct' || total === true)

/** A part of a document. Without the key or the place it is NULL, and taking it fails for no document. */
export function partOf(value: Value, steps: readonly Step[], type: string | null, draft: Draft): Value {
  const sources = new Set([...value.sources].map((column) => partRef(column, steps, draft)))
  return { ...derived([value], type), sources, total: true }
}

/** Operators that follow a path into a document, and what they give. */
const paths: Readonly<Record<string, string | null>> = {
  '->': null,
  '->>': 'pg_catalog.text',
  '#>': null,
  '#>>': 'pg_catalog.text',
  // Is it there; of an array, whether it is an element.
  '?': 'pg_catalog.bool',
}

/** The part that a constant path behind an operator leads to; null for a path that is computed, and for any other operator. */
export function documentPart(document: Value, operator: string, path: Node | undefined, draft: Draft): Value | null {
  if (!isDocument(document) || !Object.hasOwn(paths, operator)) return null
  const array = payload(path, 'A_ArrayExpr')
  if (!isConstant(path) && array?.elements?.every(isConstant) !== true) return null
  const steps = operator.startsWith('#') ? stepsOf(path) : [stepOf(path)]
  const found = partOf(document, steps, paths[operator] ?? document.type, draft)
  if (operator !== '?') return found
  // No mask can stand in for what tells that a part is there.
  const { total, ...told } = found
  return told
}

function partRef(column: ColumnRef, steps: readonly Step[], draft: Draft): ColumnRef {
  const path = cut([...(column.path ?? []), ...steps])
  const { relationOid, number, name } = column
  const base = baseOf(column)
  const parts = draft.parts.get(base) ?? new Map<string, ColumnRef>()
  draft.parts.set(base, parts)
  const found = parts.size < partsMax || parts.has(JSON.stringify(path)) ? path : [null]
  const key = JSON.stringify(found)
  const known = parts.get(key)
  if (known !== undefined) return known
  const made: ColumnRef = { relationOid, number, name, path: found }
  parts.set(key, made)
  bases.set(made, base)
  return made
}

const bases = new WeakMap<ColumnRef, ColumnRef>()
const baseOf = (column: ColumnRef): ColumnRef => bases.get(column) ?? column

/** Up to the first step that is not known. */
function cut(path: readonly Step[]): readonly Step[] {
  const unknown = path.indexOf(null)
  const known = unknown < 0 ? path : path.slice(0, unknown + 1)
  return known.length <= stepsMax ? known : [...known.slice(0, stepsMax), null]
}

/** The step of `->`, `->>` and subscripts: a constant name or place. Looks at the constant. */
export function stepOf(node: Node | undefined): Step {
  const constant = payload(node, 'A_Const')
  if (constant?.sval !== undefined) return constant.sval.sval ?? ''
  if (constant?.ival !== undefined) return String(constant.ival.ival ?? 0)
  const cast = payload(node, 'TypeCast')
  if (cast === undefined || (cast.typeName?.arrayBounds ?? []).length > 0) return null
  // A cast to any other type may change the text.
  return texts(cast.typeName?.names).at(-1) === 'text' ? stringOf(cast.arg) : null
}

const stringOf = (node: Node | undefined): string | null => payload(node, 'A_Const')?.sval?.sval ?? null

/** The steps of `#>` and `#>>`: a constant array, as a text or as ARRAY[…]. */
export function stepsOf(node: Node | undefined): readonly Step[] {
  const elements = payload(node, 'A_ArrayExpr')?.elements
  if (elements !== undefined)
    return elements.map((element) => (payload(element, 'A_Const')?.sval === undefined ? null : stepOf(element)))
  const cast = payload(node, 'TypeCast')
  const isTexts = cast?.typeName?.arrayBounds?.length === 1 && texts(cast.typeName.names).at(-1) === 'text'
  const text = stringOf(isTexts ? cast?.arg : node)
  return text === null ? [null] : arraySteps(text)
}

/** `{a,"b c",0}` of one dimension; anything else is not known (manual, "Array Input and Output Syntax"). */
function arraySteps(text: string): readonly Step[] {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1]
  if (inner === undefined || /[{}\\]/.test(inner)) return [null]
  if (inner.trim() === '') return []
  const steps: Step[] = []
  const element = /\s*(?:"([^"]*)"|([^",]*))\s*(,|$)/sy
  for (;;) {
    const found = element.exec(inner)
    if (found === null) return [null]
    const [, quoted, bare = '', sign] = found
    const name = quoted ?? bare.trim()
    // A NULL makes the whole result NULL; an empty element is an error.
    if (quoted === undefined && (name === '' || /^null$/i.test(name))) return [null]
    steps.push(name)
    if (sign === '') return steps
  }
}

const pathStep =
  /\s*(?:\.\s*(?:([A-Za-z_][A-Za-z0-9_]*)|"([^"\\]*)")|\[\s*(?:\*|(?:[0-9]+|last)(?:\s+to\s+(?:[0-9]+|last))?)\s*\])/y
const pathStart = /^\s*(?:(?:lax|strict)\s+)?\$/

/**
 * The steps of a jsonpath that is nothing but members and places: no filters, methods, wildcards of members or arithmetic, which
 * may look at other parts, and none that `$` could lead back to. Null: another one. Places are no steps: parts of arrays are
 * told apart nowhere.
 */
export function jsonpathSteps(node: Node | undefined): readonly Step[] | null {
  const cast = payload(node, 'TypeCast')
  const isPath =
    cast !== undefined && texts(cast.typeName?.names).at(-1) === 'jsonpath' && !cast.typeName?.arrayBounds?.length
  const text = stringOf(isPath ? cast.arg : node)
  const start = text === null ? null : pathStart.exec(text)
  if (text === null || start === null) return null
  const steps: Step[] = []
  pathStep.lastIndex = start[0].length
  while (text.slice(pathStep.lastIndex).trim() !== '') {
    const at = pathStep.lastIndex
    const found = pathStep.exec(text)
    if (found === null || found.index !== at) return null
    const name = found[1] ?? found[2]
    if (name !== undefined) steps.push(name)
  }
  return steps
}
