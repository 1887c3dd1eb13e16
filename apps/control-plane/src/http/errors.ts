// Whatever goes wrong in a request leaves as one problem document (RFC 9457) with our code, a page that explains it and
// the request's id. Messages of other libraries, stacks and causes stay in the log.
import type { Duplex } from 'node:stream'
import type { Problem } from '@sallyport/api/problem'
import {
  asSallyportError,
  errorDocsUrl,
  SallyportError,
  type SallyportErrorCode,
  surfacesOf,
} from '@sallyport/base/errors'
import type { DocumentProblem } from '@sallyport/policy/parse'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { isStoreConflict, isStoreUnreachable } from '../db.ts'
import type { App } from './route.ts'

export const problemType = 'application/problem+json'

/** Documents that were refused, with every problem and its line. */
export class DocumentsRefused extends SallyportError {
  readonly problems: readonly DocumentProblem[]
  constructor(problems: readonly DocumentProblem[]) {
    const first = problems[0]
    const where = first === undefined ? '' : `${first.line === null ? '' : `line ${first.line}, `}${first.path}: `
    const rest = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
    super(first?.code ?? 'DOCUMENT_INVALID', `${where}${first?.message ?? 'no document'}${rest}`, {
      hint: 'nothing was applied; correct the text and apply it again',
    })
    this.problems = problems
  }
}

interface FieldProblem {
  readonly code: string
  readonly line: number | null
  readonly path: string
  readonly message: string
}

const titles: Partial<Record<SallyportErrorCode, string>> = {
  LOGIN_REQUIRED: 'not signed in',
  LOGIN_FAILED: 'the login failed',
  CSRF_MISMATCH: 'the request did not come from our own page',
  ROLE_MISSING: 'a role is missing',
  NOT_FOUND: 'not found',
  TARGET_UNKNOWN: 'no such target',
  REQUEST_INVALID: 'the request is not valid',
  REQUEST_TOO_LARGE: 'the request is too large',
  CONFLICT: 'something else changed first',
  TOO_MANY_REQUESTS: 'too many requests',
  YAML_INVALID: 'the text is not YAML',
  DOCUMENT_INVALID: 'a document is not valid',
  CEL_INVALID: 'a condition is not valid',
  INTERNAL: 'an internal error happened',
}

const titleOf = (code: SallyportErrorCode): string => titles[code] ?? code.toLowerCase().replaceAll('_', ' ')

/** The problem document of an error. Only code, message and hint of a SallyportError go out. */
export function problemOf(error: SallyportError, requestId: string, fields: readonly FieldProblem[] = []): Problem {
  const problems = error instanceof DocumentsRefused ? error.problems : fields
  return {
    type: errorDocsUrl(error.code),
    title: titleOf(error.code),
    status: surfacesOf(error.code).http,
    code: error.code,
    detail: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    requestId,
    ...(problems.length === 0 ? {} : { problems: problems.map((problem) => ({ ...problem })) }),
  }
}

/** Fastify's own refusals (body too large, bad JSON, wrong media type) carry a status below 500. */
function statusOf(thrown: unknown): number {
  if (typeof thrown !== 'object' || thrown === null || !('statusCode' in thrown)) return 500
  return typeof thrown.statusCode === 'number' ? thrown.statusCode : 500
}

/** What was thrown as a code of ours, and the fields that a schema refused. */
export function classify(thrown: unknown): { error: SallyportError; fields: readonly FieldProblem[] } {
  if (thrown instanceof SallyportError) return { error: thrown, fields: [] }
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const fields = thrown.validation.slice(0, 50).map((issue) => ({
      code: 'REQUEST_INVALID',
      line: null,
      path: issue.instancePath,
      message: issue.message ?? 'not valid',
    }))
    const first = fields[0]
    const message = first === undefined ? 'the request is not valid' : `${first.path || '/'}: ${first.message}`
    return { error: new SallyportError('REQUEST_INVALID', message, { hint: 'see /api/openapi.json' }), fields }
  }
  if (isStoreUnreachable(thrown)) {
    const message = 'the store cannot be reached; try again in a moment'
    return { error: new SallyportError('STORE_UNREACHABLE', message, { cause: thrown }), fields: [] }
  }
  if (isStoreConflict(thrown)) {
    const message = 'somebody else made a change at the same time; look at it and try again'
    return { error: new SallyportError('CONFLICT', message, { cause: thrown }), fields: [] }
  }
  return { error: ofStatus(thrown), fields: [] }
}

function ofStatus(thrown: unknown): SallyportError {
  const status = statusOf(thrown)
  if (status === 413) return new SallyportError('REQUEST_TOO_LARGE', 'the body is larger than this route takes')
  if (status === 415)
    return new SallyportError('REQUEST_INVALID', 'send the body as JSON, with "content-type: application/json"')
  if (status === 429) return new SallyportError('TOO_MANY_REQUESTS', 'too many requests; wait a minute')
  if (status >= 400 && status < 500) return new SallyportError('REQUEST_INVALID', 'the request could not be read')
  return asSallyportError(thrown)
}

/** Sends the problem document of anything thrown; logs once what is our own fault. */
export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { error, fields } = classify(thrown)
  const status = surfacesOf(error.code).http
  if (status >= 500) request.log.error({ event: 'request-failed', code: error.code, err: error.cause ?? thrown })
  else if (error.cause !== undefined) request.log.info({ event: 'request-refused', code: error.code, err: error.cause })
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="sallyport"')
  reply
    .code(status)
    .type(problemType)
    .serializer((text: string) => text)
    .send(JSON.stringify(problemOf(error, request.id, fields)))
}

/** For requests that never reach a route or a hook: a path that cannot be decoded. */
export function sendFrameworkProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id).header('cache-control', 'no-store')
  sendProblem(thrown, request, reply)
}

/** For bytes that are no HTTP request: there is no request, so there is no id. */
export function refuseConnection(_error: unknown, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const error = new SallyportError('REQUEST_INVALID', 'this is no HTTP request that we can read')
  const body = JSON.stringify(problemOf(error, ''))
  const head = `HTTP/1.1 400 Bad Request\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}`
  socket.end(`${head}\r\nConnection: close\r\n\r\n${body}`)
}

/** Installs the two doors through which errors of routes leave. */
export function registerErrors(app: App): void {
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    const message = 'there is nothing at this path; see /api/openapi.json'
    sendProblem(new SallyportError('NOT_FOUND', message), request, reply)
  })
}
