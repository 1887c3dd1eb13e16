// SallyportErrors across gRPC: the code travels in the trailers, the message in the status. Causes never travel.

import { Metadata } from '@grpc/grpc-js'
import { isErrorCode, SallyportError, surfacesOf } from '@sallyport/base/errors'

const codeKey = 'sallyport-code'
/** `-bin`: other trailers take ASCII only (gRPC over HTTP2, Custom-Metadata). */
const hintKey = 'sallyport-hint-bin'
/** Messages of ours are shorter; a longer one is not from us. In characters. */
const messageCharsMax = 500

export interface Status {
  readonly code: number
  readonly details: string
  readonly metadata: Metadata
}

/** What a server answers a call with. gRPC sends `details` percent-encoded (gRPC over HTTP2, Status-Message). */
export function statusOf(error: SallyportError): Status {
  const metadata = new Metadata()
  metadata.set(codeKey, error.code)
  if (error.hint !== undefined) metadata.set(hintKey, Buffer.from(error.hint))
  return { code: surfacesOf(error.code).grpc, details: error.message, metadata }
}

// Status codes of grpc/grpc (doc/statuscodes.md): 1 cancelled, 4 deadline exceeded, 14 unavailable.
const unreachableCodes = new Set([1, 4, 14])

/** Turns what a call of ours failed with back into a SallyportError. Text from the wire is kept short and printable. */
export function errorOfStatus(thrown: unknown): SallyportError {
  if (thrown instanceof SallyportError) return thrown
  const { code, details, metadata } = readStatus(thrown)
  const named = metadata?.get(codeKey)[0]
  if (typeof named === 'string' && isErrorCode(named)) {
    const hint = metadata?.get(hintKey)[0]
    return new SallyportError(named, printable(details), {
      cause: thrown,
      hint: hint === undefined ? undefined : printable(hint.toString()),
    })
  }
  if (code !== undefined && unreachableCodes.has(code))
    return new SallyportError('CONTROL_PLANE_UNREACHABLE', 'cannot reach the control plane', { cause: thrown })
  return new SallyportError('INTERNAL', 'the control plane failed without a reason that we know', { cause: thrown })
}

function readStatus(thrown: unknown): { code?: number; details: string; metadata?: Metadata } {
  if (typeof thrown !== 'object' || thrown === null) return { details: '' }
  return {
    code: 'code' in thrown && typeof thrown.code === 'number' ? thrown.code : undefined,
    details: 'details' in thrown && typeof thrown.details === 'string' ? thrown.details : '',
    metadata: 'metadata' in thrown && thrown.metadata instanceof Metadata ? thrown.metadata : undefined,
  }
}

/** Text of the other side goes into logs and terminals: control and format characters are replaced (THREATS ). */
export const printable = (text: string): string =>
  text.slice(0, messageCharsMax).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
