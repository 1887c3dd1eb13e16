// Schemas of an OpenAPI operation, written out as Targets list them: references in place of which the schema stands, and nothing that
// body-schema.ts does not read. What is left out makes a schema looser, and is said.
import { type BodySchema, isKnownKeyword, regexProblem, schemaProblem } from './body-schema.ts'

export interface OperationSchemas {
  readonly body?: BodySchema
  readonly optionalBody?: true
  readonly query?: BodySchema
}

/** References in one another. */
const referencesMax = 16
/** Schemas of one operation. */
const nodesMax = 5_000

export function schemasOfOperation(
  description: unknown,
  operation: unknown,
  shared: readonly unknown[],
): { readonly schemas: OperationSchemas; readonly problems: readonly string[] } {
  const problems = new Set<string>()
  const reading: Reading = { description, problems, nodes: 0 }
  const body = bodyOf(reading, resolved(reading, fieldOf(operation, 'requestBody')))
  const query = queryOf(reading, [...shared, ...listOf(fieldOf(operation, 'parameters'))])
  return { schemas: { ...body, ...query }, problems: [...problems] }
}

interface Reading {
  readonly description: unknown
  readonly problems: Set<string>
  nodes: number
}

function bodyOf(reading: Reading, body: unknown): OperationSchemas {
  if (body === undefined) return {}
  const content = fieldOf(body, 'content')
  const json = Object.entries(isRecord(content) ? content : {}).find(([type]) =>
    /^application\/([\w.-]+\+)?json\b/.test(type),
  )
  if (json === undefined || Object.keys(isRecord(content) ? content : {}).length > 1) {
    reading.problems.add('a body that is not JSON alone has no schema here')
    return {}
  }
  const schema = sound(reading, written(reading, fieldOf(json[1], 'schema') ?? true, 0))
  return { body: schema, ...(fieldOf(body, 'required') === true ? {} : { optionalBody: true }) }
}

function queryOf(reading: Reading, parameters: readonly unknown[]): OperationSchemas {
  const own = parameters.map((one) => resolved(reading, one)).filter((one) => fieldOf(one, 'in') === 'query')
  const properties: Record<string, BodySchema> = {}
  const required: string[] = []
  for (const one of own) {
    const name = fieldOf(one, 'name')
    if (typeof name !== 'string' || name === '__proto__') continue
    properties[name] = sound(reading, written(reading, fieldOf(one, 'schema') ?? true, 0))
    if (fieldOf(one, 'required') === true && !required.includes(name)) required.push(name)
  }
  const schema = { type: 'object', properties, additionalProperties: false }
  return { query: required.length === 0 ? schema : { ...schema, required } }
}

/** Looser where it could not be taken. */
function sound(reading: Reading, schema: BodySchema): BodySchema {
  const problem = schemaProblem(schema)
  if (problem === null) return schema
  reading.problems.add(problem)
  return true
}

function written(reading: Reading, schema: unknown, references: number): BodySchema {
  reading.nodes += 1
  if (reading.nodes > nodesMax) {
    reading.problems.add('the schema is too large to be written out')
    return true
  }
  if (typeof schema === 'boolean') return schema
  if (!isRecord(schema)) return true
  if (typeof schema['$ref'] === 'string') {
    if (references >= referencesMax) {
      reading.problems.add(`"${schema['$ref']}" refers to itself; deeper down anything is taken`)
      return true
    }
    return written(reading, found(reading, schema['$ref']), references + 1)
  }
  const made: Record<string, unknown> = {}
  for (const [word, value] of Object.entries(schema)) wordInto(reading, made, word, value, references)
  if (schema['nullable'] === true) return { anyOf: [made, { type: 'null' }] }
  return made
}

const one = /^(additionalProperties|items|not|propertyNames|if|then|else)$/
const prose = /^(title|description|examples|default|deprecated|readOnly|writeOnly|format|\$comment)$/

function wordInto(
  reading: Reading,
  made: Record<string, unknown>,
  word: string,
  value: unknown,
  references: number,
): void {
  const inner = (schema: unknown): BodySchema => written(reading, schema, references)
  if (prose.test(word) || /^(nullable|example|xml|externalDocs|discriminator|x-.*)$/.test(word)) return
  // OpenAPI 3.0 and Swagger: true beside a bound, where JSON Schema has the bound itself.
  if (/^exclusiveM(in|ax)imum$/.test(word) && typeof value === 'boolean') return
  if (word === 'pattern' && (typeof value !== 'string' || regexProblem(value) !== null)) {
    reading.problems.add(`a pattern is left out: ${typeof value === 'string' ? regexProblem(value) : 'it is no text'}`)
    return
  }
  if (!isKnownKeyword(word) || word === 'patternProperties') {
    reading.problems.add(`"${word}" of a schema is left out`)
    return
  }
  if (one.test(word)) made[word] = inner(value)
  else if (/^(allOf|anyOf|oneOf|prefixItems)$/.test(word)) made[word] = listOf(value).map(inner)
  else if (word === 'properties')
    made[word] = Object.fromEntries(
      Object.entries(isRecord(value) ? value : {}).map(([name, schema]) => [name, inner(schema)]),
    )
  else made[word] = value
}

const resolved = (reading: Reading, value: unknown): unknown => {
  const reference = fieldOf(value, '$ref')
  return typeof reference === 'string' ? found(reading, reference) : value
}

/** Only of the description itself (RFC 6901). */
function found(reading: Reading, reference: string): unknown {
  if (!reference.startsWith('#/')) {
    reading.problems.add(`"${reference}" is in another file; anything is taken there`)
    return true
  }
  let at = reading.description
  for (const step of reference.slice(2).split('/')) at = fieldOf(at, step.replaceAll('~1', '/').replaceAll('~0', '~'))
  return at ?? true
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const fieldOf = (value: unknown, name: string): unknown =>
  isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined
