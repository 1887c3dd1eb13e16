// The body of a request without what may not leave: read in one meaning, hidden as answers are, and written anew. What cannot be
// read does not go on (THREATS ).
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { hideEach, widestDetection } from '@sallyport/mask/detect/detection'
import { hideIn } from '@sallyport/mask/detect/hide'
import type { KeyedHash } from '@sallyport/mask/replace'
import type { BodyMasking } from '@sallyport/policy/outgoing'
import { type Fields, fieldOf } from '@sallyport/wire/http/fields'
import { parseJson } from '@sallyport/wire/http/json'
import { charsetOf, mediaOf } from '@sallyport/wire/http/media'
import { parsePairs, queryText } from '@sallyport/wire/http/request-target'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import type { RequestBody } from './body.ts'
import { maskerOf } from './masker.ts'
import type { Room } from './room.ts'
import { Unmaskable } from './unmaskable.ts'

export interface HiddenBody {
  readonly bytes: Buffer
  /** How many were hidden. */
  readonly values: number
}

interface Hiding {
  readonly deps: { readonly maskHash: KeyedHash }
  readonly room: Room
}

/** Throws BODY_UNREADABLE, or ProtocolError for JSON and forms with two meanings. */
export async function hiddenBody(
  fields: Fields,
  body: Buffer,
  masking: BodyMasking,
  { deps: { maskHash }, room }: Hiding,
): Promise<HiddenBody> {
  if (body.length === 0) return { bytes: body, values: 0 }
  const encoding = fieldOf(fields, 'content-encoding') ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') throw unreadable('it is encoded')
  const media = mediaOf(fieldOf(fields, 'content-type'))
  if (media.kind === 'form') {
    if (masking.parts.length > 0 || charsetOf(media) !== 'utf-8') throw unreadable('members are hidden in JSON alone')
    return hiddenForm(utf8Of(body), masking, maskHash)
  }
  if (media.kind === 'json') parseJson(utf8Of(body).replace(/^\ufeff/, ''), jsonBounds)
  const masker = maskerOf(media, masking, maskHash, room)
  if (masker === null) throw unreadable('its content type is none that can be looked into')
  try {
    const first = masker.push(body)
    const bytes = Buffer.concat([first, await masker.end()])
    return { bytes, values: masker.values }
  } catch (thrown) {
    throw thrown instanceof Unmaskable ? unreadable('it is not what its content type says', thrown) : thrown
  } finally {
    masker.release()
  }
}

const jsonBounds = { depthMax: limits.httpBodyDepthMax, entriesMax: limits.httpBodyEntriesMax }

/** Names as well: whoever hides a value in one is found. */
function hiddenForm(text: string, { detection }: BodyMasking, hash: KeyedHash): HiddenBody {
  const wide = detection ?? widestDetection(null)
  const hide = hideEach(wide, hash)
  let values = 0
  const hidden = (one: string): string => {
    const found = hideIn(one, hide, wide.kinds)
    values += found.count
    return found.text
  }
  const pairs = parsePairs(text, 'form').map(([name, value]) => [hidden(name), hidden(value)] as const)
  return { bytes: Buffer.from(queryText(pairs), 'utf8'), values }
}

function utf8Of(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    throw new ProtocolError('a body that is no UTF-8')
  }
}

const unreadable = (why: string, cause?: unknown): SallyportError =>
  new SallyportError('BODY_UNREADABLE', `a rule hides parts of this request's body, and ${why}`, {
    hint: 'send it as JSON, NDJSON, a form or text in UTF-8, not compressed',
    cause,
  })

/** Each says something of the body as it was. */
const ofTheBody: ReadonlySet<string> = new Set([
  'content-length',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
  'signature',
  'signature-input',
  'x-amz-content-sha256',
])

/** Fields that go on with a body; of one that was changed none that speak of what it was. */
export const fieldsBeside = ({ isReplaced }: RequestBody, fields: Fields): Fields =>
  isReplaced ? fields.filter(([name]) => !ofTheBody.has(name)) : fields
