// What an HTTP request does, as the facts that rules look at: one effect, `http.METHOD` on its path. The same `decide` as
// for SQL judges it; conditions read the rest as `http`.
import type { StatementFacts } from '@sallyport/sql/facts'
import { factsOfEffects } from './facts-of-effects.ts'

export interface HttpRequestFacts {
  /** Upper case: GET, POST … */
  readonly method: string
  /** Canonical, as it is sent to the target, without the prefix of the target's URL. */
  readonly path: string
  /** Decoded; every value of a name, in order. */
  readonly query: ReadonlyMap<string, readonly string[]>
  /** Names in lower case; what the gateway takes out is not there. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  /** Of the body, as declared; null when the length is not known. */
  readonly contentLength: number | null
  /** What the body says. Absent: nobody reads it. */
  readonly body?: BodyFacts
}

/** A body is read only where a condition asks for it; the first time it asks, it fails and says so. */
export type BodyFacts =
  | { readonly kind: 'unread'; readonly onAsked: () => void }
  /** Objects as maps, whole numbers as bigint. */
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'form'; readonly values: ReadonlyMap<string, readonly string[]> }
  /** Nothing that conditions read. */
  | { readonly kind: 'other' }

/** The route of a request in the list of its target. `none`: it has no list, or none that fits and that is permitted. */
export type RequestRoute =
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'refused' }

/** As objects of rules know it. */
export const routeObject = (name: string): string => `route:${name}`

/** `text` is how the request stands in the record. */
export function requestFacts(
  request: HttpRequestFacts,
  text: string,
  route: RequestRoute = { kind: 'none' },
): StatementFacts {
  const shape = shapeOf(request.method, request.path, route.kind === 'named' ? route.name : '')
  return {
    verb: shape.verb,
    effects: shape.effects,
    functions: shape.functions,
    filtered: shape.filtered,
    output: shape.output,
    control: shape.control,
    flows: shape.flows,
    reads: shape.reads,
    session: shape.session,
    relations: shape.relations,
    unknowns: shape.unknowns,
    opaque: shape.opaque,
    text,
    fingerprint: shape.fingerprint,
    shape,
  }
}

/** Which rules concern a request hangs on these three alone, and is kept by the facts of the first one that had them. */
const shapes = new Map<string, StatementFacts>()
const shapesMax = 1_000
const shapePathCharsMax = 256

/** `route`: its name; empty without one. */
function shapeOf(method: string, path: string, route: string): StatementFacts {
  // A canonical path has no end of a line; in another one it would part what is no part.
  if (path.length > shapePathCharsMax || path.includes('\n')) return newShape(method, path, route)
  const key = `${method}\n${path}\n${route}`
  const known = shapes.get(key)
  if (known !== undefined) return known
  const made = newShape(method, path, route)
  if (shapes.size >= shapesMax) shapes.clear()
  shapes.set(key, made)
  return made
}

const newShape = (method: string, path: string, route: string): StatementFacts =>
  factsOfEffects('http', [
    {
      operation: `http.${method}`,
      object: path,
      via: 'direct',
      parents: route === '' ? [] : [routeObject(route)],
      baseline: false,
    },
  ])
