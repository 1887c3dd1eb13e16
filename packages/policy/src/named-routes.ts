// The routes that a Target lists, by their names: `getOrder` is GET on `/v1/orders/{id}`. A request has one of them, or none; what
// two servers could route in two ways has none (THREATS ).
import { matchesPart } from './match-part.ts'
import { spellingProblem } from './route.ts'

export interface NamedRoute {
  readonly name: string
  readonly methods: readonly string[]
  /** `{name}` stands for what is in one segment. */
  readonly path: string
}

export interface ListedRoutes {
  /** What becomes of a request that has none. */
  readonly unknown: 'deny' | 'allow'
  readonly list: readonly NamedRoute[]
}

/** `unclear`: spelled otherwise than the route that it would be, or two routes at once. */
export type FoundRoute =
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unclear' }

export type RouteFinder = (method: string, path: string) => FoundRoute

interface Compiled {
  readonly name: string
  readonly methods: ReadonlySet<string>
  readonly segments: readonly string[]
  /** By segment, from the left: 2 fixed, 1 in part, 0 anything. */
  readonly rank: readonly number[]
}

/** INVARIANT: `named` only where the path is spelled as the route is, and no other route fits as well. */
export function compileNamedRoutes({ list }: ListedRoutes): RouteFinder {
  const byLength = new Map<number, Compiled[]>()
  for (const route of list) {
    const compiled = compileNamed(route)
    byLength.set(compiled.segments.length, [...(byLength.get(compiled.segments.length) ?? []), compiled])
  }
  return (method, path) => {
    const segments = segmentsOf(path)
    const candidates = (byLength.get(segments.length) ?? []).filter(({ methods }) => methods.has(method))
    const exact = candidates.filter((route) => fits(route, segments))
    if (exact.length === 0)
      return { kind: candidates.some((route) => fitsCarelessly(route, segments)) ? 'unclear' : 'unknown' }
    // OpenAPI 3.1, "Paths Object": what is concrete comes before what is templated.
    const [best, next] = exact.sort((left, right) => compareRanks(right.rank, left.rank))
    if (best === undefined) return { kind: 'unknown' }
    // `/users/ME` is no user's page where a server that does not mind capitals has `/users/me`.
    const isOther = (route: Compiled): boolean =>
      compareRanks(route.rank, best.rank) >= 0 && !exact.includes(route) && fitsCarelessly(route, segments)
    if (candidates.some(isOther)) return { kind: 'unclear' }
    return next !== undefined && compareRanks(best.rank, next.rank) === 0
      ? { kind: 'unclear' }
      : { kind: 'named', name: best.name }
  }
}

function compileNamed({ name, methods, path }: NamedRoute): Compiled {
  const segments = segmentsOf(path).map((segment) => segment.replace(/\{[^{}]*\}/g, '*'))
  const rank = segments.map((segment) => (segment === '*' ? 0 : segment.includes('*') ? 1 : 2))
  return { name, methods: new Set(methods), segments, rank }
}

/** Without a slash at the end, as patterns of routes have it. */
function segmentsOf(path: string): readonly string[] {
  const bare = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
  return bare === '/' ? [] : bare.slice(1).split('/')
}

/** A parameter is never empty. */
const fitsSegment = (wanted: string, segment: string): boolean => segment !== '' && matchesPart(wanted, segment)
const fits = ({ segments }: Compiled, path: readonly string[]): boolean =>
  segments.every((wanted, index) => fitsSegment(wanted, path[index] ?? ''))
const fitsCarelessly = ({ segments }: Compiled, path: readonly string[]): boolean =>
  segments.every((wanted, index) => fitsSegment(wanted.toLowerCase(), (path[index] ?? '').toLowerCase()))

function compareRanks(left: readonly number[], right: readonly number[]): number {
  for (const [index, rank] of left.entries()) {
    const other = right[index] ?? 0
    if (rank !== other) return rank - other
  }
  return 0
}

/** Why a path of the list is none; null when it is sound. */
export function templateProblem(path: string): string | null {
  if (!/^\/[\x21-\x7e]*$/.test(path))
    return `"${path}": begin with a slash, and write what is not ASCII percent-encoded`
  if (/[?#*]/.test(path)) return `"${path}" holds a query, a fragment or a star; write the path alone, with {names}`
  if (/[{}]/.test(path.replace(/\{[^{}/]+\}/g, ''))) return `"${path}" has a brace that is no {name} within one segment`
  if (/\/\/|\/\.{1,2}(\/|$)/.test(path)) return `"${path}" has an empty or a dot segment; such requests are refused`
  return spellingProblem(path)
}

/** Two that nobody could tell apart have the same key. */
export const templateKey = (path: string): string =>
  segmentsOf(path)
    .map((segment) => segment.replace(/\{[^{}]*\}/g, '{}'))
    .join('/')
