// Why a request of HTTP is refused, beside what the limits say: by a rule, or because it asks about what masks hide.
import { SallyportError } from '@sallyport/base/errors'
import type { Decision } from '@sallyport/policy/decide'
import type { HttpRequestFacts, RequestRoute } from '@sallyport/policy/http'
import { type Fields, fieldOf, secondObjectFields } from '@sallyport/wire/http/fields'

/** Null where no rule denies it. */
export function refusalBy(decision: Decision): SallyportError | null {
  switch (decision.kind) {
    case 'allow':
    case 'hold':
      return null
    case 'deny':
      return new SallyportError(decision.code, decision.message, { hint: decision.hint })
  }
}

/**
 * A condition on a representation that the caller never saw would compare what masks hide. Reads go on without one, as if
 * nothing were kept; where leaving it out would change what happens, the request is refused (THREATS ).
 */
export function conditionRefusal({ method, headers }: HttpRequestFacts): SallyportError | null {
  const isRead = method === 'GET' || method === 'HEAD'
  const isThere = (name: string): boolean => headers.get(name)?.every((value) => value === '*') === false
  const name = ['if-match', 'if-unmodified-since', ...(isRead ? [] : ['if-none-match', 'if-modified-since'])].find(
    isThere,
  )
  if (name === undefined) return null
  return new SallyportError('MASK_UNPROVABLE', `masks apply to this route, and "${name}" compares what they hide`, {
    hint: 'send the request without the condition',
  })
}

/** Routes are about the object that is asked for; that a second one may be named is for the target's owner to say. */
export function secondObjectRefusal(fields: Fields, pass: readonly string[]): SallyportError | null {
  const name = secondObjectFields.find((one) => !pass.includes(one) && fieldOf(fields, one) !== undefined)
  if (name === undefined) return null
  return new SallyportError('POLICY_UNCOVERED', `"${name}" names a second object, which no rule sees`, {
    hint: `the owner of the target permits it by \`passFields\`, and rules then test http.headers["${name}"]`,
  })
}

/** It has no name in the list of its target, and has to. */
export const routeRefusal = (route: RequestRoute): SallyportError | null =>
  route.kind !== 'refused'
    ? null
    : new SallyportError('POLICY_UNCOVERED', 'no route that the target lists is asked for', {
        hint: 'compare method and path with the list, also in capitals; its owner adds routes',
      })

/** While people were asked. */
export const changedMeanwhile = (): SallyportError =>
  new SallyportError('SESSION_ENDED', 'what would be sent is no longer what people were asked about', {
    hint: 'send the request again',
  })
