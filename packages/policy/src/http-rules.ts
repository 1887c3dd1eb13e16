// What policies say of HTTP APIs alone, compiled: members of their answers that are hidden, and what may not leave in requests.
import type { JsonPath } from '@sallyport/mask/json/path'
import type { DetectorName, MaskMethod, MaskRule, Unless } from '@sallyport/mask/rule'
import type { LabelDocument, PolicyDocument, TargetDocument } from './document.ts'
import { type RequestRoute, routeObject } from './http.ts'
import { compilePattern, type Matcher } from './match.ts'
import { anyOf } from './match-any.ts'
import { compileNamedRoutes, type RouteFinder } from './named-routes.ts'

/** A mask of members of the JSON that an HTTP API answers with. */
export interface CompiledFieldMask {
  /** `policy/name`. */
  readonly rule: string
  readonly routes: Matcher
  readonly paths: readonly JsonPath[]
  readonly method: MaskMethod
  readonly unless: Unless | null
}

/** What may not leave through requests. */
export interface CompiledOutward {
  readonly policy: string
  readonly version: number
  readonly name: string
  /** Empty where members are hidden by path. */
  readonly kinds: ReadonlySet<DetectorName>
  /** How it is hidden in bodies; null: it stops the request. */
  readonly method: MaskMethod | null
  /** Members that are hidden in bodies. */
  readonly paths: readonly JsonPath[]
  /** Null: every request. */
  readonly routes: Matcher | null
  readonly unless: Unless | null
  readonly message: string | null
}

type FieldMask = Exclude<MaskRule, { detect: unknown }>

/** Where a label's fields are looked up. */
interface Labelled {
  readonly target: TargetDocument
  readonly labels: readonly LabelDocument[]
}

/** By its own routes, and by the fields of its label on this target. */
export function compileFieldMasks(
  rule: string,
  mask: FieldMask,
  { labels, target }: Labelled,
  pathsOf: (path: string | readonly string[]) => readonly JsonPath[],
): readonly CompiledFieldMask[] {
  const label = labels.find(({ metadata }) => metadata.name === mask.label)
  const labelled = (label?.spec.fields ?? []).filter(
    ({ targets }) => targets === undefined || targets.includes(target.metadata.name),
  )
  const own = mask.routes === undefined ? [] : [{ routes: mask.routes, path: mask.path ?? [] }]
  return [...own, ...labelled].map(({ routes, path }) => ({
    rule,
    routes: routesOf(routes),
    paths: pathsOf(path),
    method: mask.method,
    unless: mask.unless ?? null,
  }))
}

/** As careless as those of deny rules: a mask hides too much rather than too little. */
export const routesOf = (routes: readonly string[]): Matcher =>
  anyOf(routes.map((pattern) => compilePattern(pattern, 'match')))

export const compileOutward = (
  source: {
    readonly policy: string
    readonly version: number
    readonly outward?: PolicyDocument['spec']['outward']
  },
  pathsOf: (path: string | readonly string[]) => readonly JsonPath[],
): CompiledOutward[] =>
  (source.outward ?? []).map((rule) => ({
    policy: source.policy,
    version: source.version,
    name: rule.name,
    kinds: new Set('detect' in rule ? rule.detect : []),
    method: rule.method ?? null,
    paths: 'path' in rule ? pathsOf(rule.path) : [],
    routes: rule.routes === undefined ? null : routesOf(rule.routes),
    unless: rule.unless ?? null,
    message: 'message' in rule ? (rule.message ?? null) : null,
  }))

/** Absent where the label names none. */
export function fieldsOfLabel(
  name: string | undefined,
  { labels }: Pick<Labelled, 'labels'>,
): { readonly fields?: readonly unknown[] } {
  const fields = labels.find(({ metadata }) => metadata.name === name)?.spec.fields
  return fields === undefined ? {} : { fields }
}

/** Of databases none. */
export function routesListed({ spec }: TargetDocument): {
  readonly find: RouteFinder
  readonly unknown: 'deny' | 'allow'
} | null {
  if (spec.protocol !== 'http' || spec.routes === undefined) return null
  return { find: compileNamedRoutes(spec.routes), unknown: spec.routes.unknown }
}

/** Of a request by its path, or by the name of its route. */
export const isOnRoute = (routes: Matcher | null, path: string, route: RequestRoute): boolean =>
  routes === null || routes(path) || (route.kind === 'named' && routes(routeObject(route.name)))
