// Schema errors as people read them: where, what is wrong, what to write instead. Unknown names get a "did you mean".
import type { z } from 'zod'
import type { DocumentKind } from './document.ts'
import { fieldsAt, textsAt } from './json-schema.ts'

/** One problem at a path inside a document. */
export interface PathProblem {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

type Issue = z.core.$ZodIssue

/** Problems of a document that its schema refused; `value` is the document as it was read. */
export function problemsOf(kind: DocumentKind | 'Floor', error: z.ZodError, value: unknown): PathProblem[] {
  return error.issues.flatMap((issue) => issueProblems(kind, issue, [], value))
}

function issueProblems(
  kind: DocumentKind | 'Floor',
  issue: Issue,
  above: readonly PropertyKey[],
  value: unknown,
): PathProblem[] {
  const path = [...above, ...issue.path]
  switch (issue.code) {
    case 'unrecognized_keys': {
      const fields = fieldsAt(kind, path)
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownName('field', key, fields) }))
    }
    case 'invalid_union':
      return unionProblems(kind, issue, path, value)
    case 'invalid_format': {
      const given = valueAt(value, path)
      const texts = textsAt(kind, path)
      if (texts.length === 0 || typeof given !== 'string') return [{ path, message: messageOf(issue, path, given) }]
      return [{ path, message: unknownName('value', given, texts) }]
    }
    default:
      return [{ path, message: messageOf(issue, path, valueAt(value, path)) }]
  }
}

/** Of the variants of a union, the one that the author most likely meant: it fits the outer shape and fails least. */
function unionProblems(
  kind: DocumentKind | 'Floor',
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: readonly PropertyKey[],
  value: unknown,
): PathProblem[] {
  const given = valueAt(value, path)
  const variants = [...issue.errors].sort((left, right) => misfit(left, given) - misfit(right, given))
  const [nearest] = variants
  if (nearest !== undefined && nearest.length > 0) {
    return nearest.flatMap((inner) => issueProblems(kind, inner, path, value))
  }
  // A discriminated union whose discriminator is missing or unknown.
  const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : effects
  return [{ path, message: typeof given === 'string' ? unknownName('value', given, options) : missing(path) }]
}

const effects = ['allow', 'hold', 'deny', 'grant']

const misfit = (issues: readonly Issue[], given: unknown): number =>
  issues.reduce((sum, issue) => {
    if (issue.path.length > 0) return sum + 1
    if (issue.code === 'invalid_type' || (issue.code === 'invalid_value' && typeof given !== 'string')) return sum + 100
    return sum + (issue.code === 'unrecognized_keys' ? 10 * issue.keys.length : 1)
  }, 0)

function messageOf(issue: Issue, path: readonly PropertyKey[], given: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return given === undefined ? missing(path) : `expected ${typeText(issue.expected)}, found ${foundText(given)}`
    case 'invalid_value': {
      if (given === undefined) return missing(path)
      const options = issue.values.map(String)
      if (issue.values.some((option) => typeof option !== 'string')) return `expected ${options.join(' or ')}`
      return typeof given === 'string' ? unknownName('value', given, options) : `expected one of ${listText(options)}`
    }
    case 'too_small':
      return issue.origin === 'array'
        ? 'the list is empty; give at least one entry'
        : `too small; at least ${issue.minimum}`
    case 'too_big':
      return issue.origin === 'array'
        ? `at most ${issue.maximum} entries are allowed`
        : `too big; at most ${issue.maximum}`
    case 'invalid_format':
      return issue.format === 'url'
        ? 'expected a URL, for example "https://issuer.example"'
        : `expected ${formatText(issue.message)}`
    default:
      return issue.message
  }
}

// A schema's own message says what is expected; zod's says only that the pattern did not match.
const formatText = (message: string): string => (message.startsWith('Invalid') ? 'another form' : message)

const missing = (path: readonly PropertyKey[]): string => {
  const name = path.at(-1)
  return typeof name === 'string' ? `"${name}" is missing` : 'a value is missing'
}

const typeText = (type: string): string => {
  switch (type) {
    case 'array':
      return 'a list'
    case 'object':
    case 'record':
      return 'a mapping (key: value)'
    case 'string':
      return 'a text (put it in quotes)'
    case 'int':
      return 'a whole number'
    default:
      return `a ${type}`
  }
}

function foundText(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a mapping' : typeof value === 'string' ? 'a text' : `a ${typeof value}`
}

/** `unknown field "obects"; did you mean "objects"?`, or what there is to choose from. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  if (known.includes(name)) return `the ${what} "${name}" has no meaning here; remove it`
  const near = nearestName(name, known)
  const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name
  if (near !== null) return `unknown ${what} "${shown}"; did you mean "${near}"?`
  return known.length === 0
    ? `unknown ${what} "${shown}"; remove it`
    : `unknown ${what} "${shown}"; known: ${listText(known)}`
}

const listText = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')

/** Names longer than this are not compared: the distance takes the product of the lengths. */
const comparedCharactersMax = 60

/** The closest known name, at most a third of its letters away. */
export function nearestName(name: string, known: readonly string[]): string | null {
  if (name.length > comparedCharactersMax) return null
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((left, right) => left.distance - right.distance)
  return ranked[0]?.candidate ?? null
}

/** Letters to insert, remove, replace or swap with their neighbour (optimal string alignment), three rows at a time. */
function editDistance(left: string, right: string): number {
  let older: number[] = []
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const replace = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1)
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      const swap = swapped ? (older[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      current.push(Math.min(replace, swap, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    older = previous
    previous = current
  }
  return previous[right.length] ?? 0
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value
  for (const step of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined
    here = Reflect.get(here, step)
  }
  return here
}

/** `spec.rules[2].when`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? String(step) : `${text}.${String(step)}`
  }, '')
}
