// Masks the body of one answer while it passes: JSON whole, NDJSON line by line, server-sent events one by one, text as far
// as no finding can change any more (THREATS ). Pure: bytes in, bytes out; any split gives the same bytes.
// INVARIANT: what `push` and `end` return holds nothing that the masks hide; what cannot be read in one way throws.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { limits } from '@sallyport/base/limits'
import { hideEach, widestDetection } from '@sallyport/mask/detect/detection'
import { hideIn, hidingStream } from '@sallyport/mask/detect/hide'
import { type DocumentMasker, documentMasker } from '@sallyport/mask/json/document'
import type { KeyedHash } from '@sallyport/mask/replace'
import type { AnswerMasking } from '@sallyport/policy/answers'
import { eventText, readEvents, type ServerEvent } from '@sallyport/wire/http/events'
import { splitLines } from '@sallyport/wire/http/lines'
import { charsetOf, type Media } from '@sallyport/wire/http/media'
import type { Room } from './room.ts'
import { Unmaskable } from './unmaskable.ts'

export interface Masker {
  /** Nothing comes before `end`: only then it is known that the body is what it says. */
  readonly isWhole: boolean
  /** Throws Unmaskable, or ProtocolError for lines and events past their length. */
  push(chunk: Uint8Array): Uint8Array
  /** What is masked whole takes several turns, so that a long answer holds up nobody else. */
  end(): Uint8Array | Promise<Uint8Array>
  /** Gives back what it holds; to be called once, however the answer ends. */
  release(): void
  /** Values that were hidden so far. */
  readonly values: number
}

/** Null: a body of this kind cannot be masked so. */
export function maskerOf(media: Media, masking: AnswerMasking, hash: KeyedHash, room: Room): Masker | null {
  const charset = charsetOf(media)
  switch (media.kind) {
    case 'json':
      return charset === 'utf-8' ? jsonMasker(masking, hash, room) : null
    case 'lines':
      return charset === 'utf-8' ? lineMasker(masking, hash) : null
    case 'events':
      return charset === 'utf-8' ? eventMasker(masking, hash) : null
    case 'text':
    case 'form':
      // Nobody knows where in a text a member stands.
      return charset === null || masking.parts.length > 0 ? null : textMasker(charset, masking, hash)
    case 'opaque':
      return null
  }
}

const documentMasks = new WeakMap<AnswerMasking, { readonly hash: KeyedHash; readonly mask: DocumentMasker }>()

/** Made once for all answers under the same masks. */
export function documentMask(masking: AnswerMasking, hash: KeyedHash): DocumentMasker {
  const known = documentMasks.get(masking)
  if (known !== undefined && known.hash === hash) return known.mask
  const mask = documentMasker(masking.parts, masking.detection, hash)
  documentMasks.set(masking, { hash, mask })
  return mask
}

const nothing = new Uint8Array(0)
const newline = Uint8Array.of(0x0a)
const noJson = (): Unmaskable => new Unmaskable('the answer is not the JSON that it says')

/** A BOM at the start is no part of the text (RFC 8259, 8.1). Null: no UTF-8. */
function utf8Text(bytes: Uint8Array, isFirst: boolean): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: !isFirst }).decode(bytes)
  } catch {
    return null
  }
}

function jsonMasker(masking: AnswerMasking, hash: KeyedHash, room: Room): Masker {
  const mask = documentMask(masking, hash)
  let chunks: Uint8Array[] = []
  let bytes = 0
  let values = 0
  return {
    isWhole: true,
    push(chunk) {
      if (bytes + chunk.length > limits.httpMaskedBodyBytesMax)
        throw new Unmaskable(`the answer is longer than ${limits.httpMaskedBodyBytesMax} bytes`)
      if (!room.take(chunk.length)) throw new Unmaskable('the agent looks through as many answers as it may')
      bytes += chunk.length
      chunks.push(chunk)
      return nothing
    },
    async end() {
      if (bytes === 0) return nothing
      const text = utf8Text(Buffer.concat(chunks), true)
      chunks = []
      if (text === null) throw noJson()
      const masking = mask.start(text)
      let masked = masking.step(limits.httpMaskedTurnCharsMax)
      while (masked === undefined) {
        await nextTurn()
        masked = masking.step(limits.httpMaskedTurnCharsMax)
      }
      if (masked === null) throw noJson()
      values = masked.values
      return Buffer.from(masked.text, 'utf8')
    },
    release() {
      room.give(bytes)
      bytes = 0
      chunks = []
    },
    get values() {
      return values
    },
  }
}

function lineMasker(masking: AnswerMasking, hash: KeyedHash): Masker {
  const mask = documentMask(masking, hash)
  const lines = splitLines('lf', limits.httpMaskedLineBytesMax)
  let isFirst = true
  let values = 0
  const masked = (raw: Uint8Array): Uint8Array => {
    const text = utf8Text(raw, isFirst)
    isFirst = false
    if (text === null) throw noJson()
    if (/^[ \t\r]*$/.test(text)) return nothing
    const document = mask.mask(text)
    if (document === null) throw noJson()
    values += document.values
    return Buffer.from(document.text, 'utf8')
  }
  return {
    isWhole: false,
    push: (chunk) => Buffer.concat(lines.push(chunk).flatMap((line) => [masked(line), newline])),
    end: () => masked(lines.end()),
    release: () => {},
    get values() {
      return values
    },
  }
}

/** What ends the streams of language models; it is no JSON. */
const sentinels: ReadonlySet<string> = new Set(['', '[DONE]'])

function eventMasker(masking: AnswerMasking, hash: KeyedHash): Masker {
  const mask = documentMask(masking, hash)
  const events = readEvents(limits.httpMaskedLineBytesMax)
  const hide = hidingAll(masking, hash)
  let values = 0
  const data = (text: string): string => {
    if (sentinels.has(text)) return text
    const document = mask.mask(text)
    if (document !== null) {
      values += document.values
      return document.text
    }
    if (masking.parts.length > 0) throw new Unmaskable('an event of the answer holds no JSON')
    return hide(text)
  }
  const masked = (event: ServerEvent): string =>
    eventText({
      event: event.event === null ? null : hide(event.event),
      data: event.data === null ? null : data(event.data),
      id: event.id === null ? null : hide(event.id),
      retry: event.retry,
    })
  return {
    isWhole: false,
    push: (chunk) => Buffer.from(events.push(chunk).map(masked).join(''), 'utf8'),
    end: () => nothing,
    release: () => {},
    get values() {
      return values
    },
  }
}

/** For what stands beside a body: where members are hidden nobody knows what else shows them, so all detectors look. */
export function hidingAll({ parts, detection }: AnswerMasking, hash: KeyedHash): (text: string) => string {
  const wide = parts.length > 0 || detection === null ? widestDetection(detection) : detection
  const hide = hideEach(wide, hash)
  return (text) => hideIn(text, hide, wide.kinds).text
}

function textMasker(charset: 'utf-8' | 'bytes', { detection }: AnswerMasking, hash: KeyedHash): Masker {
  const wide = detection ?? widestDetection(null)
  const stream = hidingStream(hideEach(wide, hash), wide.kinds)
  const decoder = charset === 'utf-8' ? new TextDecoder('utf-8', { fatal: true }) : null
  const encoding = charset === 'utf-8' ? 'utf8' : 'latin1'
  // Half of a pair that a window of the detectors has cut waits for its other half.
  let half = ''
  const read = (chunk: Uint8Array, isLast: boolean): string => {
    try {
      const text = decoder === null ? Buffer.from(chunk).toString('latin1') : decoder.decode(chunk, { stream: !isLast })
      if (!text.includes('\0')) return text
    } catch (thrown) {
      throw new Unmaskable('the answer is no text in the charset that it says', thrown)
    }
    throw new Unmaskable('the answer is no text in the charset that it says')
  }
  const written = (text: string, isLast: boolean): Uint8Array => {
    const all = half + text
    const cut = !isLast && /[\ud800-\udbff]$/.test(all) ? all.length - 1 : all.length
    half = all.slice(cut)
    return Buffer.from(all.slice(0, cut), encoding)
  }
  return {
    isWhole: false,
    push: (chunk) => written(stream.push(read(chunk, false)), false),
    end: () => written(stream.push(read(nothing, true)) + stream.end(), true),
    release: () => {},
    get values() {
      return stream.count
    },
  }
}
