// Whether body and query of a request are what its route takes, by the schemas that its target lists. A schema that cannot be compiled
// lets nothing pass; refusals name the place in the schema, and nothing of the request.
import { SallyportError } from '@sallyport/base/errors'
import { type BodySchema, schemaProblem } from '@sallyport/policy/body-schema'
import type { HttpTargetDocument } from '@sallyport/policy/document'
import { compileNamedRoutes, type RouteFinder } from '@sallyport/policy/named-routes'
import { type Fields, fieldOf } from '@sallyport/wire/http/fields'
import { charsetOf, mediaOf } from '@sallyport/wire/http/media'
import type { ErrorObject, ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { bodyFacts } from './body-facts.ts'
import type { RequestHead } from './request.ts'

type ListedRoute = NonNullable<HttpTargetDocument['spec']['routes']>['list'][number]
type Check = ValidateFunction | false

interface Compiled {
  readonly find: RouteFinder
  readonly byName: ReadonlyMap<string, ListedRoute>
  readonly checks: Map<BodySchema, Check>
}

// As long as a document lives, its schemas are compiled once, when a request first asks for one.
const compiled = new WeakMap<object, Compiled>()

/** Null: it is what its route takes, or its route says nothing of it. */
export async function schemaRefusal(
  { spec }: HttpTargetDocument,
  head: RequestHead,
  read: () => Promise<Buffer>,
): Promise<SallyportError | null> {
  const { routes } = spec
  if (routes === undefined || !routes.list.some(({ body, query }) => body !== undefined || query !== undefined))
    return null
  const all = compiled.get(routes) ?? newCompiled(routes)
  compiled.set(routes, all)
  const found = all.find(head.method, head.path)
  const route = found.kind === 'named' ? all.byName.get(found.name) : undefined
  if (route === undefined) return null
  if (route.query !== undefined) {
    const check = checkOf(all.checks, route.query, coercing)
    if (check === false || !check(queryValue(head))) return mismatch('the query', route, check)
  }
  return route.body === undefined ? null : bodyRefusal(all, route, route.body, head.fields, await read())
}

const newCompiled = (routes: NonNullable<HttpTargetDocument['spec']['routes']>): Compiled => ({
  find: compileNamedRoutes(routes),
  byName: new Map(routes.list.map((route) => [route.name, route])),
  checks: new Map(),
})

function bodyRefusal(
  all: Compiled,
  route: ListedRoute,
  schema: BodySchema,
  fields: Fields,
  body: Buffer,
): SallyportError | null {
  if (body.length === 0) return schema === false || route.optionalBody ? null : mismatch('the body', route, false)
  const media = mediaOf(fieldOf(fields, 'content-type'))
  const isPlain = (fieldOf(fields, 'content-encoding') ?? 'identity').toLowerCase() === 'identity'
  if (schema !== false && (media.kind !== 'json' || charsetOf(media) !== 'utf-8' || !isPlain))
    return new SallyportError('BODY_UNREADABLE', `route "${route.name}" takes JSON alone, and the body is none`, {
      hint: 'send it as application/json in UTF-8, not compressed',
    })
  const check = checkOf(all.checks, schema, strict)
  if (check === false) return mismatch('the body', route, check)
  // In one meaning: no name twice, and so deep and long as conditions read it. Throws ProtocolError.
  bodyFacts(fields, body)
  const value: unknown = JSON.parse(body.toString('utf8'))
  return check(value) ? null : mismatch('the body', route, check)
}

/** Text values, several of one name as a list. */
function queryValue({ query }: RequestHead): unknown {
  const value: Record<string, string | string[]> = Object.create(null)
  for (const [name, text] of query) {
    const known = value[name]
    value[name] = known === undefined ? text : [known, text].flat()
  }
  return value
}

const options = {
  strict: false,
  allErrors: false,
  // What a format means differs from server to server: it is a word for people here.
  validateFormats: false,
  ownProperties: true,
  unicodeRegExp: true,
  logger: false,
} as const
const strict = new Ajv2020(options)
/** A query has texts alone: they are read as the numbers, truth values and lists that the schema asks for. */
const coercing = new Ajv2020({ ...options, coerceTypes: 'array' })

/** INVARIANT: false, which lets nothing pass, for what cannot be compiled. */
function checkOf(checks: Map<BodySchema, Check>, schema: BodySchema, ajv: Ajv2020): Check {
  const known = checks.get(schema)
  if (known !== undefined && typeof schema !== 'boolean') return known
  let made: Check = false
  try {
    if (schemaProblem(schema) === null) made = ajv.compile(schema)
  } catch {
    made = false
  }
  checks.set(schema, made)
  return made
}

function mismatch(what: string, { name }: ListedRoute, check: Check): SallyportError {
  const [error] = check === false ? [] : (check.errors ?? [])
  return new SallyportError('SCHEMA_MISMATCH', `${what} is not what route "${name}" takes${placeText(error)}`, {
    hint: "compare it with the route's schema in the target; its owner takes it from the description of the API",
  })
}

/** `lines[].sku: type`. Of the schema alone: names in a body may be anything. */
function placeText(error: ErrorObject | undefined): string {
  if (error === undefined) return ''
  const steps = error.schemaPath.split('/').slice(1)
  const word = steps.pop() ?? ''
  let place = ''
  for (let at = 0; at < steps.length; at += 1) {
    if (steps[at] === 'items') place += '[]'
    else if (steps[at] === 'properties') {
      at += 1
      place += `${place === '' ? '' : '.'}${(steps[at] ?? '').replaceAll('~1', '/').replaceAll('~0', '~')}`
    }
  }
  return ` (${place === '' ? '' : `${place}: `}${word})`
}
