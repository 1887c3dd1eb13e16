// Refusals as problem documents (RFC 9457) with the code, the page that explains it and the next step.
import { errorDocsUrl, type SallyportError, surfacesOf } from '@sallyport/base/errors'

export interface Refusal {
  readonly status: number
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

/**
 * `request` names it in the record: session and number, or the session alone; null before there is one. `status`: another one
 * than the code's, where it is the target's.
 */
export function refusalOf(
  error: SallyportError,
  request: string | null,
  status: number = surfacesOf(error.code).http,
): Refusal {
  const body = Buffer.from(
    JSON.stringify({
      type: errorDocsUrl(error.code),
      title: titles[status] ?? 'Refused',
      status,
      code: error.code,
      detail: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(request === null ? {} : { requestId: request }),
      ...approvalOf(error),
    }),
  )
  const retry = retryAfter(error)
  return {
    status,
    fields: [
      ['content-type', 'application/problem+json'],
      ['content-length', String(body.length)],
      ['cache-control', 'no-store'],
      ...(status === 401 ? [['www-authenticate', challenge(error)] as const] : []),
      ...(retry === null ? [] : [['retry-after', retry] as const]),
    ],
    body,
  }
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not permitted',
  404: 'Not found',
  405: 'Method not allowed',
  413: 'Too large',
  415: 'Cannot be read',
  429: 'Too many requests',
  501: 'Not supported',
  502: 'The target did not answer as it should',
  503: 'Not available',
}

/** Where people decide on a request that is held; messages name the place, and clients should not have to read them. */
export function approvalUrlOf({ code, message, hint }: SallyportError): string | undefined {
  if (!code.startsWith('HOLD_')) return undefined
  return /https?:\/\/\S+\/approvals\/[0-9a-f]{32}/.exec(`${message} ${hint ?? ''}`)?.[0]
}

function approvalOf(error: SallyportError): { readonly approvalUrl?: string } {
  const url = approvalUrlOf(error)
  return url === undefined ? {} : { approvalUrl: url }
}

/** RFC 6750, 3: without a token no error is named. */
const challenge = ({ code }: SallyportError): string =>
  code === 'TOKEN_MISSING' ? 'Bearer realm="sallyport"' : 'Bearer realm="sallyport", error="invalid_token"'

/** After so long it is worth to ask whether somebody has decided. */
const heldRetrySeconds = '5'

/** Seconds; limits say in their hint when they have room again. */
function retryAfter({ code, hint }: SallyportError): string | null {
  if (code === 'LIMIT_REACHED') return /retry after ([0-9]+) s/.exec(hint ?? '')?.[1] ?? null
  if (code === 'HOLD_PENDING') return heldRetrySeconds
  return code === 'HOLD_UNAVAILABLE' ||
    code === 'SNAPSHOT_MISSING' ||
    code === 'SNAPSHOT_EXPIRED' ||
    code === 'CONNECTION_LIMIT'
    ? '5'
    : null
}
