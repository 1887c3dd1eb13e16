// Refusals as SCIM clients read them (RFC 7644, 3.12). Everything else that is thrown becomes one of them by its code.
import { type SallyportErrorCode, surfacesOf } from '@sallyport/base/errors'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { classify } from '../http/errors.ts'

export const scimType = 'application/scim+json'

/** The words of RFC 7644, table 9, that clients act on. */
export type ScimErrorType =
  | 'invalidFilter'
  | 'invalidPath'
  | 'invalidSyntax'
  | 'invalidValue'
  | 'uniqueness'
  | 'tooMany'

/** A refusal with its own status; the detail is for whoever reads the provider's log. */
export class ScimRefusal extends Error {
  readonly status: number
  readonly scimType: ScimErrorType | undefined
  constructor(status: number, detail: string, type?: ScimErrorType) {
    super(detail)
    this.status = status
    this.scimType = type
  }
}

export const notFound = (what: 'user' | 'group'): ScimRefusal =>
  new ScimRefusal(404, `there is no ${what} with this id`)

const types: Partial<Record<SallyportErrorCode, ScimErrorType>> = {
  CONFLICT: 'uniqueness',
  REQUEST_INVALID: 'invalidSyntax',
}

/** The error handler of every route of SCIM. */
export function sendScimError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, type, detail, code } = refusalOf(thrown)
  if (status >= 500) request.log.error({ event: 'request-failed', code, err: thrown })
  else request.log.info({ event: 'scim-refused', status, detail })
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="sallyport scim"')
  reply
    .code(status)
    .type(scimType)
    .serializer((text: string) => text)
    .send(
      JSON.stringify({
        schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
        status: String(status),
        ...(type === undefined ? {} : { scimType: type }),
        detail,
      }),
    )
}

function refusalOf(thrown: unknown) {
  if (thrown instanceof ScimRefusal)
    return { status: thrown.status, type: thrown.scimType, detail: thrown.message, code: 'SCIM' }
  const { error } = classify(thrown)
  return { status: surfacesOf(error.code).http, type: types[error.code], detail: error.message, code: error.code }
}
