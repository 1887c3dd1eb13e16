// JSON Schemas of bodies and queries as Targets list them (JSON Schema 2020-12): a part of the language that can be checked in a time that
// grows with schema and document. What is not in that part is refused when a Target is saved, never left out.
import { z } from 'zod'

/** `true` takes anything, `false` nothing. */
export const BodySchema = z.union([z.boolean(), z.record(z.string(), z.unknown())])
export type BodySchema = z.infer<typeof BodySchema>

/** Characters of one schema as JSON, and of all of one target. */
export const schemaCharsMax = 65_536
export const schemasCharsMax = 1_048_576
const depthMax = 32

/** Words that say something about the value itself, and take no schema. */
const plain: ReadonlySet<string> = new Set(
  `type enum const required minItems maxItems minLength maxLength pattern minimum maximum exclusiveMinimum exclusiveMaximum multipleOf
  minProperties maxProperties dependentRequired title description format default examples deprecated readOnly writeOnly $comment`.split(
    /\s+/,
  ),
)
/** One schema, a list of them, or schemas by name. */
const one: ReadonlySet<string> = new Set([
  'additionalProperties',
  'items',
  'not',
  'propertyNames',
  'if',
  'then',
  'else',
])
const lists: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
const named: ReadonlySet<string> = new Set(['properties', 'patternProperties'])

/** Is this word of JSON Schema read? */
export const isKnownKeyword = (name: string): boolean =>
  plain.has(name) || one.has(name) || lists.has(name) || named.has(name)

/** Why a schema is not taken; null when it is sound. */
export function schemaProblem(schema: unknown): string | null {
  const text = JSON.stringify(schema)
  if (text === undefined || text.length > schemaCharsMax) return `a schema is at most ${schemaCharsMax} characters long`
  return problemIn(schema, 0)
}

function problemIn(schema: unknown, depth: number): string | null {
  if (typeof schema === 'boolean') return null
  if (!isRecord(schema)) return 'a schema is true, false or an object'
  if (depth > depthMax) return `schemas in one another are at most ${depthMax}`
  for (const [word, value] of Object.entries(schema)) {
    const problem = wordProblem(word, value, depth)
    if (problem !== null) return problem
  }
  return null
}

function wordProblem(word: string, value: unknown, depth: number): string | null {
  if (!isKnownKeyword(word)) return `"${word}" is not read here; write it out without ($ref), or remove it`
  if (word === 'pattern') return typeof value === 'string' ? regexProblem(value) : '"pattern" is a text'
  if (one.has(word)) return problemIn(value, depth + 1)
  if (lists.has(word))
    return Array.isArray(value) && value.length > 0 ? firstProblem(value, depth) : `"${word}" is a list of schemas`
  if (!named.has(word)) return null
  if (!isRecord(value)) return `"${word}" has schemas by name`
  const names = word === 'patternProperties' ? Object.keys(value) : []
  return names.map(regexProblem).find((found) => found !== null) ?? firstProblem(Object.values(value), depth)
}

function firstProblem(schemas: readonly unknown[], depth: number): string | null {
  for (const schema of schemas) {
    const problem = problemIn(schema, depth + 1)
    if (problem !== null) return problem
  }
  return null
}

/** Ways in which the bounded repetitions of one pattern can be combined. */
const waysMax = 1_000
const atom =
  /^(?:\[\^?(?:\\.|[^\]\\])+\]|\\[dDwWsS]|\\[^A-Za-z0-9]|[^\\[\](){}*+?|^$])(\*|\+|\?|\{(\d{1,4})(,?)(\d{0,4})\})?/u

/**
 * Why a pattern could take long; null where its time is bounded: it begins with ^, has no groups and no choices, at most one repetition
 * without end, and few ways to share a text among the others.
 */
export function regexProblem(pattern: string): string | null {
  const slow = `pattern "${pattern}" may take long: begin with ^, use no groups, and at most one "*" or "+"`
  if (pattern.length > 500 || !pattern.startsWith('^')) return slow
  let ways = 1
  let endless = 0
  for (let rest = pattern.slice(1).replace(/\$$/, ''); rest !== ''; ) {
    const found = atom.exec(rest)
    if (found === null) return slow
    const [whole, repeat = '', least = '0', comma, most = ''] = found
    if (repeat === '*' || repeat === '+' || (repeat.startsWith('{') && comma === ',' && most === '')) endless += 1
    else if (repeat === '?') ways *= 2
    else if (comma === ',') ways *= Math.max(1, Number(most) - Number(least) + 1)
    rest = rest.slice(whole.length)
  }
  try {
    new RegExp(pattern, 'u')
  } catch {
    return `pattern "${pattern}" is none`
  }
  return endless > 1 || ways > waysMax ? slow : null
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
