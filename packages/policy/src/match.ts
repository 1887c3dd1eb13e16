// Patterns of objects and columns, operations, callers and targets: pure comparisons, case-sensitive (DESIGN §4).
// `*` never crosses a dot, `**` is everything. A part in double quotes is one part, whatever dots it holds.
import type { Principal } from '@sallyport/base/identity'
import type { z } from 'zod'
import type { PolicyDocument, TargetDocument } from './document.ts'
import type { Callers } from './document-shared.ts'
import { matchesPart } from './match-part.ts'
import { compileMcpPattern, isMcpPattern, mcpPatternProblem } from './mcp-objects.ts'
import { unknownName } from './problems.ts'
import { compileRoute, isRoute, routeProblem } from './route.ts'

/** A compiled pattern. */
export type Matcher = (name: string) => boolean

/** The channel of a pg_notify() that is not constant: deny and hold rules about any channel take it for theirs. */
const someChannel = 'channel:*'

/** What may stand before the parts: `setting:work_mem`, `channel:jobs`. */
const prefixed = /^([a-z_]+):(.*)$/s

/** Names with more dots than parts (a relation called "a.b") read in several ways: deny and hold take every reading, so
 * that no name slips past them; allow takes none. */
export type Ambiguity = 'match' | 'no-match'

/** Compiles `public.*`, `public.total()`, `setting:work_mem`, `**`. A pattern that is malformed matches nothing. */
export function compilePattern(pattern: string, ambiguity: Ambiguity): Matcher {
  if (pattern === '**') return () => true
  if (isRoute(pattern)) return compileRoute(pattern, ambiguity)
  if (isMcpPattern(pattern)) return compileMcpPattern(pattern, ambiguity)
  const prefix = prefixed.exec(pattern)
  if (prefix !== null) {
    const [, kind = '', rest = ''] = prefix
    // A setting's name may hold dots of its own (`myapp.user_id`), so behind a prefix only `*` and letters count.
    const matches = (name: string): boolean =>
      name.startsWith(`${kind}:`) && matchesPart(rest, name.slice(kind.length + 1))
    return kind === 'channel' && ambiguity === 'match' ? (name) => name === someChannel || matches(name) : matches
  }
  const wanted = splitParts(pattern)
  if (!pattern.includes('*')) return (name) => name === pattern
  return (name) => {
    if (prefixed.test(name) || isRoute(name)) return false
    const parts = splitParts(name)
    if (parts.length === wanted.length) return matchesParts(wanted, parts)
    return ambiguity === 'match' && parts.length > wanted.length && matchesSomeReading(wanted, parts)
  }
}

/** Part by part, as many as are wanted. */
export const matchesParts = (wanted: readonly string[], parts: readonly string[]): boolean =>
  wanted.every((part, index) => matchesPart(part, parts[index] ?? ''))

function matchesSomeReading(wanted: readonly string[], parts: readonly string[]): boolean {
  const [schema = '', relation] = wanted
  if (relation === undefined || wanted.length !== 2) return wanted.length === 1
  return parts.some(
    (_, index) =>
      index > 0 &&
      matchesPart(schema, parts.slice(0, index).join('.')) &&
      matchesPart(relation, parts.slice(index).join('.')),
  )
}

/** Parts between the dots that stand outside double quotes. */
export function splitParts(name: string): string[] {
  const parts: string[] = []
  let part = ''
  let quoted = false
  for (const character of name) {
    if (character === '"') quoted = !quoted
    if (character === '.' && !quoted) {
      parts.push(part)
      part = ''
    } else part += character
  }
  return [...parts, part]
}

/** A part without the quotes that hold its dots together. */
export const unquoted = (part: string): string =>
  part.length > 2 && part.startsWith('"') && part.endsWith('"') ? part.slice(1, -1) : part

/** System catalogs hold statistics, other sessions' queries and password hashes; system functions read files and end
 * sessions. What of them is harmless is baseline; the rest is covered only by a rule that names the schema (R-3.7). */
export const isSystemObject = (name: string): boolean => /^(pg_catalog|information_schema|pg_toast)\./.test(name)

export type CallerSelector = z.infer<typeof Callers>

/** Keys are ANDed, entries of a list ORed. A selector that names nobody matches nobody. */
export function matchesCaller(callers: CallerSelector, principal: Principal): boolean {
  const tests: boolean[] = []
  if (callers.any !== undefined) tests.push(true)
  if (callers.groups !== undefined) tests.push(callers.groups.some((group) => principal.groups.includes(group)))
  if (callers.kinds !== undefined) tests.push(callers.kinds.includes(principal.kind))
  if (callers.principals !== undefined) {
    tests.push(
      callers.principals.some((entry) => entry.issuer === principal.issuer && entry.subject === principal.subject),
    )
  }
  return tests.length > 0 && tests.every((passed) => passed)
}

/** Does a policy's selector name this target? An empty selector names none. */
export function matchesTarget(
  selector: PolicyDocument['spec']['targets'],
  target: Pick<TargetDocument, 'metadata'>,
): boolean {
  const tests: boolean[] = []
  if (selector.any !== undefined) tests.push(true)
  if (selector.names !== undefined) tests.push(selector.names.includes(target.metadata.name))
  if (selector.labels !== undefined) {
    const labels = target.metadata.labels ?? {}
    const wanted = Object.entries(selector.labels)
    tests.push(wanted.length > 0 && wanted.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value))
  }
  return tests.length > 0 && tests.every((passed) => passed)
}

/** Why a pattern can match nothing, in words that say what to write instead; null when it is sound. */
export function patternProblem(pattern: string, kind: 'object' | 'column'): string | null {
  if (pattern !== pattern.trim()) return `"${pattern}" has a space at its start or end; remove it`
  if (pattern === '**') return null
  if (kind === 'object' && isRoute(pattern)) return routeProblem(pattern)
  if (kind === 'object' && isMcpPattern(pattern)) return mcpPatternProblem(pattern)
  if (pattern.includes('**')) return `"${pattern}": "**" stands alone and means everything; write "*" inside a part`
  if ((pattern.match(/"/g)?.length ?? 0) % 2 !== 0) return `"${pattern}" has a quote that is not closed`
  if (kind === 'object' && prefixed.test(pattern)) return prefixProblem(pattern)
  const parts = splitParts(pattern)
  if (parts.some((part) => part === '' || part === '""')) return `"${pattern}" has an empty part; remove the extra dot`
  if (kind === 'column') {
    if (parts.length === 3) return null
    return `"${pattern}" is not a column; write schema.relation.column, for example "public.customers.email"`
  }
  if (/[()]/.test(pattern) && !/^[^()]+\(\)$/.test(pattern)) {
    return `"${pattern}" is not a function; write schema.function() with nothing between the brackets`
  }
  if (parts.length === 2) return null
  const example = parts.length === 1 ? `"public.${pattern}"` : '"public.orders"'
  return `"${pattern}" matches nothing; objects are written schema.relation, for example ${example}`
}

/** What stands before the colon of objects that are no relations and functions, as the analysis of SQL names them. */
export const objectKinds: readonly string[] = [
  'setting',
  'channel',
  'schema',
  'database',
  'role',
  'grant',
  'extension',
  'language',
  'foreign_server',
  'fdw',
  'publication',
  'subscription',
  'tablespace',
  'event_trigger',
  'access_method',
  'operator',
  'conversion',
  'index',
  'cast',
  'transform',
  'file',
  'program',
  'library',
  'code',
  'system',
  'transaction',
  'route',
  'tool',
  'resource',
  'prompt',
]

function prefixProblem(pattern: string): string | null {
  const [, kind = '', rest = ''] = prefixed.exec(pattern) ?? []
  if (!objectKinds.includes(kind)) return unknownName('kind of object', kind, objectKinds)
  return rest === '' ? `"${pattern}" names nothing; write ${kind}:NAME or ${kind}:*` : null
}
