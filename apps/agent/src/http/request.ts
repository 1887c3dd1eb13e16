// The head of one request, read once: which target, by which token, and what the rules and the target will see. What could
// be read in two ways is refused here (THREATS ).
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import type { HttpRequestFacts } from '@sallyport/policy/http'
import { type Fields, fieldOf, fieldsOf, requestFields } from '@sallyport/wire/http/fields'
import { encodeSegment, parseRequestTarget, type RequestTarget } from '@sallyport/wire/http/request-target'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import type { Said } from '../session/initiator.ts'
import { type Tracing, tracedFields } from '../session/tracing.ts'
import { type Inbound, knownMethods } from './inbound.ts'

export interface RequestHead {
  readonly method: string
  /** Name of the target: the first segment of the path. */
  readonly target: string
  /** The rest of the path, as rules and target see it. */
  readonly path: string
  readonly segments: readonly string[]
  readonly query: RequestTarget['query']
  /** With the gateway's own `traceparent`. */
  readonly fields: Fields
  readonly tracing: Tracing
  readonly token: Secret
  /** It said `Sallyport-Authorization`; then `Authorization` is not ours. */
  readonly isTokenApart: boolean
  /** For whom it is, where it says so: `Sallyport-Initiator`. */
  readonly initiator: Said | null
  readonly hasBody: boolean
  readonly contentLength: number | null
}

/** Throws PROTOCOL_VIOLATION, METHOD_UNSUPPORTED or TOKEN_MISSING. */
export function readHead(request: Inbound, random: (bytes: number) => Uint8Array): RequestHead {
  // Older versions know neither Host nor transfer codings, and proxies read them in their own ways.
  if (!/^(1\.1|2\.0)$/.test(request.httpVersion)) throw new ProtocolError('a version of HTTP that is not 1.1 or 2')
  const { method: word, url, raw } = request.plainHead()
  const { fields, tracing } = tracedFields(fieldsOf(raw), random)
  const method = methodOf(word)
  // The target is chosen by the path, never by Host; a request with two authorities means two things.
  if (fieldOf(fields, 'host') === undefined) throw new ProtocolError('a request without Host')
  const { segments, query } = parseRequestTarget(url)
  const coding = fieldOf(fields, 'transfer-encoding')
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    throw new ProtocolError('a transfer coding that is not "chunked"')
  if (!/^(100-continue)?$/i.test(fieldOf(fields, 'expect') ?? '')) throw new ProtocolError('an unknown expectation')
  const contentLength = lengthOf(fieldOf(fields, 'content-length'))
  if (coding !== undefined && contentLength !== null) throw new ProtocolError('a length beside a transfer coding')
  if (request.hasBody === false && (contentLength ?? 0) > 0) throw new ProtocolError('a length without a body')
  const hasBody = request.hasBody ?? (coding !== undefined || (contentLength ?? 0) > 0)
  const [target = '', ...rest] = segments
  return {
    method,
    target,
    path: `/${rest.map(encodeSegment).join('/')}`,
    segments: rest,
    query,
    fields,
    tracing,
    ...tokenOf(fields),
    initiator: initiatorOf(fields),
    hasBody,
    contentLength: hasBody ? contentLength : 0,
  }
}

/** TRACE gives back what was injected; CONNECT makes a tunnel of the gateway. */
function methodOf(method: string): string {
  if (/^[A-Z]{1,20}$/.test(method) && knownMethods.has(method) && !/^(TRACE|TRACK|CONNECT)$/.test(method)) return method
  throw new SallyportError('METHOD_UNSUPPORTED', 'the method does not pass the gateway')
}

function lengthOf(text: string | undefined): number | null {
  if (text === undefined) return null
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) throw new ProtocolError('a Content-Length that is no number')
  return Number(text)
}

function tokenOf(fields: Fields): Pick<RequestHead, 'token' | 'isTokenApart'> {
  const apart = fieldOf(fields, 'sallyport-authorization')
  const text = apart ?? fieldOf(fields, 'authorization')
  const token = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(text ?? '')?.[1]
  if (token !== undefined) return { token: new Secret(token), isTokenApart: apart !== undefined }
  throw new SallyportError('TOKEN_MISSING', 'no token was sent', {
    hint: 'send "Authorization: Bearer TOKEN"; "sallyport token TARGET" gives one',
  })
}

function initiatorOf(fields: Fields): Said | null {
  const value = fieldOf(fields, 'sallyport-initiator')
  return value === undefined ? null : { value: new Secret(value) }
}

/** What rules read; fields that end at the gateway are not among them. */
export function factsOf(head: RequestHead): HttpRequestFacts {
  let query: HttpRequestFacts['query'] | undefined
  let headers: HttpRequestFacts['headers'] | undefined
  // Only conditions read these two, and most requests meet none.
  return {
    method: head.method,
    path: head.path,
    get query() {
      query ??= grouped(head.query)
      return query
    },
    get headers() {
      headers ??= grouped(requestFields(head.fields))
      return headers
    },
    contentLength: head.contentLength,
  }
}

export function grouped(pairs: readonly (readonly [string, string])[]): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, string[]>()
  for (const [name, value] of pairs) {
    const known = all.get(name)
    if (known === undefined) all.set(name, [value])
    else known.push(value)
  }
  return all
}

/** As the record keeps it: no header, no body, and what looks like a secret or personal hidden by `hide`. */
export function recordedRequest(
  { method, segments, query }: RequestHead,
  hide: (text: string) => string,
): { readonly text: string; readonly path: string } {
  const path = `/${segments.map((segment) => encodeSegment(hide(segment))).join('/')}`
  const search = query.map(([name, value]) => `${encodeURIComponent(hide(name))}=${encodeURIComponent(hide(value))}`)
  return { path, text: search.length === 0 ? `${method} ${path}` : `${method} ${path}?${search.join('&')}` }
}
