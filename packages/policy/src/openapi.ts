// The routes of an OpenAPI description (3.0, 3.1, and Swagger 2.0), as a Target lists them. Methods, paths and names are
// taken, and schemas of bodies and queries where they are asked for; what is not listed there stays unknown.
import { type NamedRoute, templateKey, templateProblem } from './named-routes.ts'
import { type OperationSchemas, schemasOfOperation } from './openapi-schemas.ts'

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'] as const

/** What could be taken, and what could not with its reason. */
export function routesOfOpenapi(
  description: unknown,
  { schemas = false }: { readonly schemas?: boolean } = {},
): {
  readonly routes: readonly (NamedRoute & OperationSchemas)[]
  readonly problems: readonly string[]
} {
  const paths = fieldOf(description, 'paths')
  if (!isRecord(paths)) return { routes: [], problems: ['the description has no "paths"; is it OpenAPI?'] }
  const routes: (NamedRoute & OperationSchemas)[] = []
  const problems: string[] = []
  const names = new Set<string>()
  const taken = new Set<string>()
  for (const [path, item] of Object.entries(paths)) {
    const problem = templateProblem(path)
    if (problem !== null) problems.push(problem)
    if (problem !== null || !isRecord(item)) continue
    for (const method of methods) {
      if (!isRecord(item[method])) continue
      const key = `${method} ${templateKey(path)}`
      if (taken.has(key)) problems.push(`${method.toUpperCase()} ${path}: another path is the same but for its names`)
      else {
        const name = nameOf(item[method], method, path, names)
        const found = schemas ? schemasOf(description, item, method) : { schemas: {}, problems: [] }
        problems.push(...found.problems.map((one) => `${name}: ${one}`))
        routes.push({ name, methods: [method.toUpperCase()], path, ...found.schemas })
      }
      taken.add(key)
    }
  }
  return { routes, problems }
}

function schemasOf(description: unknown, item: Readonly<Record<string, unknown>>, method: string) {
  const shared = fieldOf(item, 'parameters')
  return schemasOfOperation(description, item[method], Array.isArray(shared) ? shared : [])
}

/** Its operationId, else method and path; a number behind it where that was there before. */
function nameOf(operation: unknown, method: string, path: string, names: Set<string>): string {
  const id = fieldOf(operation, 'operationId')
  const wanted = (typeof id === 'string' && id !== '' ? id : `${method}${path}`)
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 120)
  const base = wanted === '' ? method : wanted
  let name = base
  for (let at = 2; names.has(name); at += 1) name = `${base}-${at}`
  names.add(name)
  return name
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const fieldOf = (value: unknown, name: string): unknown =>
  isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined
