// What of a request goes on to the target, and what of it is kept in the record: the caller's own fields without those that end here,
// and those of the gateway (THREATS ).
import { detect } from '@sallyport/mask/detect/detect'
import { hideBy, hideIn } from '@sallyport/mask/detect/hide'
import type { AnswerMasking } from '@sallyport/policy/answers'
import type { HttpTargetDocument } from '@sallyport/policy/document'
import { type Fields, requestFields } from '@sallyport/wire/http/fields'
import { foldedName, queryText } from '@sallyport/wire/http/request-target'
import type { SessionDeps } from '../session/deps.ts'
import type { Granted } from '../session/request-asked.ts'
import type { Injected } from './credential.ts'
import type { Needles } from './echo.ts'
import { holdsAny, wholeLine } from './outward.ts'
import type { RequestHead } from './request.ts'
import type { HttpSession } from './session.ts'

/** As it is sent: below the path of the target's URL, with what a credential adds to the query. */
export function pathOf(
  spec: HttpTargetDocument['spec'],
  { path, query }: Pick<RequestHead, 'path' | 'query'>,
  injected: Injected,
): string {
  const prefix = prefixOf(spec)
  if (query.length === 0 && injected.query.length === 0) return `${prefix}${path}`
  const own = new Set(injected.query.map(([name]) => foldedName(name)))
  // Of a query that signs by itself the server would go by that signature.
  const isOwn = (name: string): boolean =>
    own.has(foldedName(name)) || (injected.sign !== null && foldedName(name).startsWith('x-amz-'))
  const search = queryText([...query.filter(([name]) => !isOwn(name)), ...injected.query])
  return search === '' ? `${prefix}${path}` : `${prefix}${path}?${search}`
}

const prefixes = new WeakMap<HttpTargetDocument['spec'], string>()

/** Path of the target's URL, without a slash at its end. */
function prefixOf(spec: HttpTargetDocument['spec']): string {
  const known = prefixes.get(spec)
  if (known !== undefined) return known
  const prefix = new URL(spec.url).pathname.replace(/\/$/, '')
  prefixes.set(spec, prefix)
  return prefix
}

/** `callers`: its fields that go on where nothing is masked. */
export function fieldsFor(
  { head, callers }: { readonly head: RequestHead; readonly callers: Fields },
  pass: readonly string[],
  injected: Injected,
  { number, masking }: Granted,
  { id }: HttpSession,
): Fields {
  const own = injected.fields.map(([name]) => name)
  const kept = masking === null ? callers : callersFields(head, pass, masking)
  return [
    ...kept.filter(([name]) => !own.includes(name)),
    ...injected.fields,
    ['accept-encoding', 'identity'],
    ['via', '1.1 sallyport'],
    ['sallyport-request', `${id}/${number}`],
  ]
}

/** What of the caller's fields goes on. */
export function callersFields(
  { fields, isTokenApart }: RequestHead,
  pass: readonly string[],
  masking: AnswerMasking | null,
): Fields {
  // `Authorization` is the caller's own only where the token came apart from it.
  const isMasked = masking !== null
  const keep = new Set(
    pass.filter((name) => (name !== 'authorization' || isTokenApart) && !(isMasked && name.endsWith('range'))),
  )
  const kept = requestFields(fields, keep)
  return isMasked ? kept.filter(([name]) => !revalidating.has(name)) : kept
}

/** What was masked is never the same as what the target would compare it with (THREATS ). */
const revalidating: ReadonlySet<string> = new Set(['if-none-match', 'if-modified-since'])

/** Short texts in which no detector finds anything: paths are made of few of them. None that holds what it may not is ever kept. */
const clean = new Set<string>()
const cleanMax = 4_096
const cleanCharsMax = 48

function isClean(text: string): boolean {
  if (clean.has(text)) return true
  if (detect(text).length > 0) return false
  if (text.length > cleanCharsMax) return true
  if (clean.size >= cleanMax) clean.clear()
  clean.add(text)
  return true
}

/** For the record: what looks personal or secret in a path or query, or is a credential of the agent, is not kept. */
export function hiding(deps: SessionDeps, needles: readonly Needles[], head: RequestHead): (text: string) => string {
  const hide = hideBy('redact', deps.maskHash)
  // Nearly always there is none in all of it.
  if (!holdsAny({ needles }, wholeLine(head))) return (text) => (isClean(text) ? text : hideIn(text, hide).text)
  const hidden = (text: string): string => (holdsAny({ needles }, text) ? '[redacted]' : hideIn(text, hide).text)
  const left = {
    segments: head.segments.map(hidden),
    query: head.query.map(([name, value]) => [hidden(name), hidden(value)] as const),
  }
  // One that is spread over several of them is in none alone.
  return holdsAny({ needles }, wholeLine(left)) ? () => '[redacted]' : hidden
}
