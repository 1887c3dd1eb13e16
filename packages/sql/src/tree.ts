// Narrow access to the parser's tree: tags, payloads, names and constants, and the one check of its shape before anything
// walks it. The check is iterative, so that no text can exhaust the stack before its depth is known.

import type { Node, RangeVar, RawStmt } from '@pgsql/types'
import { limits } from '@sallyport/base/limits'
import { nodeRoles } from './nodes.ts'

type Intersection<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never
/** Every node type of the grammar with its payload. */
export type NodeMap = Intersection<Node>
export type NodeTag = keyof NodeMap

/** The payload of a node if it has this tag. */
export function payload<T extends NodeTag>(node: Node | undefined, tag: T): NodeMap[T] | undefined {
  if (node === undefined) return undefined
  const entries: Partial<NodeMap> = node
  return entries[tag]
}

/** The one key of a node; '' when it has none. */
export const tagOf = (node: Node): string => Object.keys(node)[0] ?? ''

/** A table of handlers by tag. What the table does not name gets `otherwise`. */
export type Handlers<A extends readonly unknown[], R> = {
  readonly [T in NodeTag]?: (payload: NodeMap[T], ...more: A) => R
}

/** Runs the entry of a node in a table; undefined when the table has none for it. */
export function dispatch<A extends readonly unknown[], R>(
  table: Handlers<A, R>,
  node: Node,
  ...more: A
): R | undefined {
  for (const tag of Object.keys(node)) if (isTagOf(table, tag)) return runEntry(table, tag, node, more)
  return undefined
}

function runEntry<T extends NodeTag, A extends readonly unknown[], R>(
  table: Handlers<A, R>,
  tag: T,
  node: Node,
  more: A,
): R | undefined {
  const found = payload(node, tag)
  const entry = table[tag]
  return found === undefined || entry === undefined ? undefined : entry(found, ...more)
}

const isTagOf = (table: object, tag: string): tag is NodeTag => Object.hasOwn(table, tag)

/** Texts of a list of String nodes. */
export function texts(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).map((node) => payload(node, 'String')?.sval ?? '')
}

/** The text of a string constant, through casts of none; null for anything else. */
export function constantText(node: Node | undefined): string | null {
  const constant = payload(node, 'A_Const')
  if (constant === undefined || constant.isnull === true) return null
  if (constant.sval !== undefined) return constant.sval.sval ?? ''
  if (constant.ival !== undefined) return String(constant.ival.ival ?? 0)
  if (constant.fval !== undefined) return constant.fval.fval ?? '0'
  if (constant.boolval !== undefined) return constant.boolval.boolval === true ? 'on' : 'off'
  return null
}

/** A constant or parameter, bare or under casts. Not under COLLATE: that decides what is equal to it. */
export function isConstant(node: Node | undefined): boolean {
  let at = node
  for (let depth = 0; at !== undefined && depth < limits.treeDepthMax; depth++) {
    if (payload(at, 'A_Const') !== undefined || payload(at, 'ParamRef') !== undefined) return true
    at = payload(at, 'TypeCast')?.arg
  }
  return false
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isStatement = (value: unknown): value is RawStmt => isObject(value) && isObject(value['stmt'])

/** The statements of a parse; null when the tree does not have the parser's shape. */
export function statementsOf(stmts: readonly unknown[] | undefined): readonly RawStmt[] | null {
  const found = stmts ?? []
  return found.every(isStatement) ? found : null
}

/** What the check of one statement's tree found. */
export interface TreeCheck {
  /** Why the tree cannot be analysed at all; empty when it can. */
  readonly refusals: readonly string[]
  /** Payloads that an analysis must have visited; one left over means that a construct was not understood. */
  readonly significant: ReadonlyMap<object, string>
  readonly depth: number
}

/** Nodes that carry effects, lineage or names: an analysis that does not visit one of them has missed something. */
const significantTags = new Set([
  'ColumnRef',
  'FuncCall',
  'SubLink',
  'A_Expr',
  'TypeCast',
  'CommonTableExpr',
  'RangeVar',
  'RangeFunction',
  'RangeSubselect',
  'RangeTableFunc',
  'JsonTable',
  'JoinExpr',
  'LockingClause',
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'CurrentOfExpr',
])

/** Walks the whole tree of one statement: known node types, depth and size. */
export function checkTree(root: unknown): TreeCheck {
  const refusals = new Set<string>()
  const significant = new Map<object, string>()
  const stack: { value: unknown; depth: number }[] = [{ value: root, depth: 0 }]
  let nodes = 0
  let deepest = 0
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value, depth } = next
    if (Array.isArray(value)) {
      for (const item of value) stack.push({ value: item, depth })
      continue
    }
    if (!isObject(value)) continue
    nodes += 1
    deepest = Math.max(deepest, depth)
    if (depth > limits.treeDepthMax) return refused(`more than ${limits.treeDepthMax} levels of nesting`)
    if (nodes > limits.treeNodesMax) return refused(`more than ${limits.treeNodesMax} nodes`)
    if (value['relname'] !== undefined) significant.set(value, 'RangeVar')
    for (const [key, inner] of Object.entries(value)) {
      const wrapper = isWrapperKey(key)
      if (wrapper) checkTag(key, inner, refusals, significant)
      // No node is in a constant, and its value makes no difference here (constants.ts watches who looks at it).
      if (typeof inner === 'object' && key !== 'A_Const')
        stack.push({ value: inner, depth: wrapper ? depth : depth + 1 })
    }
  }
  return { refusals: [...refusals], significant, depth: deepest }
}

const refused = (why: string): TreeCheck => ({
  refusals: [why],
  significant: new Map(),
  depth: limits.treeDepthMax + 1,
})

/** INVARIANT: what no entry of a table has visited is not understood, whatever stands around it. */
export function unvisited(significant: ReadonlyMap<object, string>, seen: ReadonlySet<object>): string[] {
  const left = [...significant].filter(([node]) => !seen.has(node))
  return left.map(([, tag]) => `${tag} in a place that is not understood`)
}

/** Node types begin with a capital, fields do not. */
const isWrapperKey = (key: string): boolean => key.charCodeAt(0) < 97

function checkTag(tag: string, inner: unknown, refusals: Set<string>, significant: Map<object, string>): void {
  const role = Object.hasOwn(nodeRoles, tag) ? nodeRoles[tag] : undefined
  if (role === undefined || role === 'foreign') refusals.add(`parse node ${tag}`)
  if (significantTags.has(tag) && isObject(inner)) significant.set(inner, tag)
}

/** Bytes of UTF-8; counted, so that nothing is copied. */
export function utf8Length(text: string): number {
  let bytes = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800) bytes += 2
    else if (unit >= 0xd800 && unit < 0xdc00) {
      bytes += 4
      at += 1
    } else bytes += 3
  }
  return bytes
}

/** Does the text hold anything but ASCII? */
export function beyondAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) return true
  return false
}

/** `a.b` as written, for messages and for objects that the catalog does not have. */
export const writtenName = (range: RangeVar): string =>
  range.schemaname === undefined ? (range.relname ?? '') : `${range.schemaname}.${range.relname ?? ''}`
