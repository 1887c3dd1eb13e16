// What a condition may be made of, beside its types: functions of known, small cost, and one loop at a time. A condition
// reads texts and lists that the caller chooses, so nothing in it may cost more than their length.
import type { ASTNode } from '@marcbachmann/cel-js'
import { isTimeZone, timeFields } from './time.ts'

/** A place in an expression and what is wrong there. */
interface SyntaxProblem {
  readonly message: string
  readonly start: number
  readonly end: number
}

const loops = ['all', 'exists', 'exists_one', 'filter', 'map']
const functions = new Set(['has', 'size', 'int', 'uint', 'double', 'string', 'bool', 'timestamp', 'duration'])
const methods = new Set([
  ...loops,
  ...timeFields,
  'size',
  'startsWith',
  'endsWith',
  'contains',
  'lowerAscii',
  'upperAscii',
  'trim',
  'indexOf',
  'lastIndexOf',
  'substring',
  'like',
])

/** The first thing in the tree that is not allowed, or null. */
export function conditionSyntaxProblem(ast: ASTNode): SyntaxProblem | null {
  return problemIn(ast, 0)
}

function problemIn(node: ASTNode, loopDepth: number): SyntaxProblem | null {
  const own = ownProblem(node, loopDepth)
  if (own !== null) return { message: own, start: node.start, end: node.end }
  if (node.op === 'rcall') {
    const [method, receiver, args] = node.args
    const inner = loops.includes(method) ? loopDepth + 1 : loopDepth
    return firstProblem([receiver], loopDepth) ?? firstProblem(args, inner)
  }
  return firstProblem(childrenOf(node), loopDepth)
}

function firstProblem(nodes: readonly ASTNode[], loopDepth: number): SyntaxProblem | null {
  for (const node of nodes) {
    const problem = problemIn(node, loopDepth)
    if (problem !== null) return problem
  }
  return null
}

function ownProblem(node: ASTNode, loopDepth: number): string | null {
  if (node.op === 'call' && !functions.has(node.args[0])) return unknownCall(node.args[0])
  if (node.op !== 'rcall') return null
  const [method, , args] = node.args
  if (!methods.has(method)) return unknownCall(method)
  if (loops.includes(method) && loopDepth > 0) return `"${method}" stands inside another loop; write one loop at a time`
  const [zone] = args
  if (timeFields.some((field) => field === method) && zone !== undefined) return zoneProblem(zone)
  return null
}

function unknownCall(name: string): string {
  if (name === 'matches') {
    return '"matches" is not available: a regular expression can take hours; use like("a*b"), contains, startsWith or endsWith'
  }
  return `"${name}" is not available in conditions; use ${[...methods].filter((method) => !method.startsWith('get')).join(', ')} or ${[...functions].join(', ')}`
}

function zoneProblem(zone: ASTNode): string | null {
  const name = zone.op === 'value' ? zone.args : null
  if (typeof name !== 'string') return 'the time zone must be written as a text, for example "Europe/Berlin"'
  return isTimeZone(name)
    ? null
    : `"${name}" is not a time zone; write it as in the IANA list, for example "Europe/Berlin"`
}

/** Nodes among the operands, whatever the operator. */
function childrenOf(node: ASTNode): ASTNode[] {
  const found: ASTNode[] = []
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const entry of value) visit(entry)
    else if (isNode(value)) found.push(value)
  }
  visit(node.args)
  return found
}

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value && 'start' in value
