// What is hidden in the answers of an HTTP API: members of JSON by route and path, and what detectors find. `unless` is
// evaluated for every verified principal; a claimed identity never lifts a mask.
import { type Chain, verifiedPrincipals } from '@sallyport/base/identity'
import { type Detection, detectionOf } from '@sallyport/mask/detect/detection'
import type { JsonPart } from '@sallyport/mask/json/mask'
import { lifted } from './columns.ts'
import type { RequestRoute } from './http.ts'
import { isOnRoute } from './http-rules.ts'
import type { Rulebook } from './rulebook.ts'

/** The same object for the same masks: what is made of it can be kept by it. */
export interface AnswerMasking {
  /** Members that are hidden; empty where only detectors look. */
  readonly parts: readonly JsonPart[]
  readonly detection: Detection | null
  /** `policy/name` of each mask in force. */
  readonly rules: readonly string[]
}

/** Sets of masks in force of which the masking is kept. */
const maskingsMax = 256
const maskings = new WeakMap<Rulebook, Map<string, AnswerMasking>>()

/** Null where nothing is hidden. Column masks are about databases, and say nothing here. */
export function answerMaskingOf(book: Rulebook, chain: Chain, path: string, route: RequestRoute): AnswerMasking | null {
  const { fields, detectors, routeDetectors } = book
  if (fields.length + detectors.length + routeDetectors.length === 0) return null
  const principals = verifiedPrincipals(chain)
  const inForce = [
    ...fields.map(({ routes, unless }) => isOnRoute(routes, path, route) && !lifted(unless, principals)),
    ...[...detectors, ...routeDetectors].map(
      ({ routes, unless }) => isOnRoute(routes, path, route) && !lifted(unless, principals),
    ),
  ]
  if (!inForce.includes(true)) return null
  const known = maskings.get(book) ?? new Map<string, AnswerMasking>()
  maskings.set(book, known)
  const key = inForce.map((applies) => (applies ? '1' : '0')).join('')
  const kept = known.get(key)
  if (kept !== undefined) return kept
  const made = maskingIn(book, inForce)
  if (known.size >= maskingsMax) known.clear()
  known.set(key, made)
  return made
}

function maskingIn({ fields, detectors, routeDetectors }: Rulebook, inForce: readonly boolean[]): AnswerMasking {
  const masks = fields.filter((_, index) => inForce[index])
  const detection = detectionOf([...detectors, ...routeDetectors].filter((_, index) => inForce[fields.length + index]))
  return {
    parts: masks.flatMap(({ paths, method }) => paths.map((path) => ({ path, method }))),
    detection,
    rules: [...new Set([...masks.map(({ rule }) => rule), ...(detection?.rules ?? [])])].sort(),
  }
}
