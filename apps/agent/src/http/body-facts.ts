// What the body of a request says, for conditions: JSON or a form, in one meaning each, or nothing that they read.
import { limits } from '@sallyport/base/limits'
import { conditionListMax } from '@sallyport/policy/conditions'
import type { BodyFacts } from '@sallyport/policy/http'
import { type Fields, fieldOf } from '@sallyport/wire/http/fields'
import { parseJson } from '@sallyport/wire/http/json'
import { charsetOf, mediaOf } from '@sallyport/wire/http/media'
import { parsePairs } from '@sallyport/wire/http/request-target'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import { grouped } from './request.ts'

/** Throws ProtocolError for JSON and forms that could be read in two ways (THREATS ). */
export function bodyFacts(fields: Fields, body: Buffer): BodyFacts {
  const encoding = fieldOf(fields, 'content-encoding') ?? 'identity'
  const media = mediaOf(fieldOf(fields, 'content-type'))
  if (body.length === 0 || encoding.toLowerCase() !== 'identity' || charsetOf(media) !== 'utf-8')
    return { kind: 'other' }
  switch (media.kind) {
    case 'json':
      return {
        kind: 'json',
        value: parseJson(textOf(body), { depthMax: limits.httpBodyDepthMax, entriesMax: conditionListMax }),
      }
    case 'form':
      return { kind: 'form', values: grouped(parsePairs(textOf(body), 'form')) }
    default:
      return { kind: 'other' }
  }
}

function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    throw new ProtocolError('a body that is no UTF-8')
  }
}
