// Takes the content coding from an answer that has to be looked into. The gateway asks for none; APIs that encode all the
// same are read, as far as they do not blow up (THREATS ).
import { pipeline } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { type Fields, fieldOf } from '@sallyport/wire/http/fields'
import type { AnswerBody } from './answer-body.ts'

const decoders = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const
const isKnown = (coding: string): coding is keyof typeof decoders => Object.hasOwn(decoders, coding)

/** The bytes behind the codings that these fields name. Throws ANSWER_REFUSED: unknown, nested, damaged, or blown up. */
export function decoded(body: AnswerBody, fields: Fields): AsyncIterable<Buffer> {
  if (fieldOf(fields, 'content-encoding') === undefined) return body
  const codings = fields
    .filter(([name]) => name === 'content-encoding')
    .flatMap(([, value]) => value.split(','))
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity')
  const [coding] = codings
  if (coding === undefined) return body
  if (codings.length > 1 || !isKnown(coding)) throw refused('its coding is none that can be taken off')
  return inflated(body, decoders[coding]())
}

async function* inflated(
  body: AnswerBody,
  decoder: ReturnType<(typeof decoders)['gzip' | 'br']>,
): AsyncIterable<Buffer> {
  let read = 0
  let made = 0
  const counted = async function* (source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of source) {
      read += chunk.length
      yield chunk
    }
  }
  // Its failure shows at the decoder, which is read below.
  pipeline(body, counted, decoder, () => {})
  try {
    for await (const chunk of decoder) {
      made += chunk.length
      if (made > limits.httpDecodedFreeBytes && made > read * limits.httpDecodedRatioMax)
        throw refused(`it grows to more than ${limits.httpDecodedRatioMax} times what was sent`)
      yield chunk
    }
  } catch (thrown) {
    throw thrown instanceof SallyportError ? thrown : refused('it cannot be decoded', thrown)
  } finally {
    body.destroy()
  }
}

const refused = (why: string, cause?: unknown): SallyportError =>
  new SallyportError('ANSWER_REFUSED', `the target encoded its answer although it was asked not to, and ${why}`, {
    hint: 'have the API honour "Accept-Encoding: identity"',
    cause,
  })
