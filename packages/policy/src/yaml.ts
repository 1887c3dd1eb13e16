// From YAML text to plain values with the lines they came from. Aliases, tags and duplicate keys are refused: a document
// says what it says where it stands. Every cost is bounded before the parser runs.
import { limits } from '@sallyport/base/limits'
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'

export interface YamlProblem {
  readonly line: number | null
  readonly message: string
}

/** One document: its value, and the line of a path in it (or of the deepest part of the path that exists). */
export interface YamlDocument {
  readonly value: unknown
  lineOf(path: readonly PropertyKey[]): number | null
}

/** Characters that make structure; the parser takes some microseconds for each. */
export const yamlMarksMax = 200_000
/** Nesting of maps and lists; the deepest of our documents has nine. */
export const yamlDepthMax = 32

export function readYaml(text: string): { documents: YamlDocument[]; problems: YamlProblem[] } {
  const tooMuch = sizeProblem(text)
  if (tooMuch !== null) return { documents: [], problems: [{ line: null, message: tooMuch }] }
  const lines = new LineCounter()
  const parsed = parseSafely(text, lines)
  if (parsed === null) return { documents: [], problems: [{ line: null, message: 'the text is nested too deeply' }] }
  const documents: YamlDocument[] = []
  const problems: YamlProblem[] = []
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line)
  for (const document of parsed) {
    const [error] = document.errors
    if (error !== undefined) {
      problems.push({ line: lineAt(error.pos[0]), message: yamlMessage(error.message) })
      continue
    }
    const { contents } = document
    // A document of comments alone, or nothing between two separators.
    if (contents === null || (isScalar(contents) && contents.value === null)) continue
    const found: { offset: number; message: string }[] = []
    const value = plainValue(contents, 0, found)
    for (const { offset, message } of found) problems.push({ line: lineAt(offset), message })
    if (found.length > 0) continue
    documents.push({ value, lineOf: (path) => lineAt(offsetOf(contents, path)) })
  }
  return { documents, problems }
}

function sizeProblem(text: string): string | null {
  const bytes = new TextEncoder().encode(text).length
  if (bytes > limits.applyBytesMax) return `the text has ${bytes} bytes; at most ${limits.applyBytesMax} are allowed`
  const separators = text.match(/^(?:---|\.\.\.)(?=\s|$)/gm)?.length ?? 0
  if (separators > limits.documentsPerApplyMax) {
    return `the text has more than ${limits.documentsPerApplyMax} documents; apply it in parts`
  }
  const marks = text.match(/[\n[\]{}:,?#-]/g)?.length ?? 0
  if (marks > yamlMarksMax) return 'the text has too much structure; apply it in parts'
  return null
}

function parseSafely(text: string, lineCounter: LineCounter): Document.Parsed[] | null {
  try {
    // uniqueKeys compares every key with every other; plainValue finds duplicates in one pass.
    const parsed = parseAllDocuments(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
      lineCounter,
    })
    return [...parsed]
  } catch {
    // The parser recurses; what is left to throw is the end of the stack.
    return null
  }
}

const yamlMessage = (message: string): string => `not YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`

type Found = { offset: number; message: string }[]

function plainValue(node: unknown, depth: number, found: Found): unknown {
  const offset = offsetOfNode(node)
  if (depth > yamlDepthMax) {
    found.push({ offset, message: `nested more than ${yamlDepthMax} deep` })
    return null
  }
  if (isAlias(node)) {
    found.push({ offset, message: `alias "*${node.source}" is not allowed; write the value out` })
    return null
  }
  if (hasTag(node)) found.push({ offset, message: 'tags such as "!!str" are not allowed; remove the tag' })
  if (isScalar(node)) return node.value
  if (isSeq(node)) return node.items.map((item) => plainValue(item, depth + 1, found))
  if (isMap(node)) return mapValue(node.items, depth, found)
  return null
}

function mapValue(items: readonly { key: unknown; value: unknown }[], depth: number, found: Found): unknown {
  const members = new Map<string, unknown>()
  for (const { key, value } of items) {
    const offset = offsetOfNode(key)
    const name = isScalar(key) && !hasTag(key) ? key.value : null
    if (typeof name !== 'string') found.push({ offset, message: 'a key must be plain text; put it in quotes' })
    else if (name === '__proto__') found.push({ offset, message: '"__proto__" is not a field' })
    else if (members.has(name)) found.push({ offset, message: `"${name}" is given twice; remove one` })
    else members.set(name, value === null ? null : plainValue(value, depth + 1, found))
  }
  return Object.fromEntries(members)
}

const hasTag = (node: unknown): boolean =>
  (isScalar(node) || isSeq(node) || isMap(node)) && typeof node.tag === 'string'

const isNode = (value: unknown): value is Node => isScalar(value) || isSeq(value) || isMap(value) || isAlias(value)
const offsetOfNode = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0)

/** The place of a path; for a key that exists, the key itself. */
function offsetOf(root: unknown, path: readonly PropertyKey[]): number {
  let node: unknown = root
  let offset = offsetOfNode(root)
  for (const step of path) {
    if (isSeq(node) && typeof step === 'number') {
      node = node.items[step]
      if (isNode(node)) offset = offsetOfNode(node)
    } else if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step)
      if (pair === undefined) return offset
      offset = offsetOfNode(pair.key)
      node = pair.value
    } else return offset
  }
  return offset
}
