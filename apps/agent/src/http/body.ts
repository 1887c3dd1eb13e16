// The body of one request: it streams on to the target, or is read whole first where somebody has to look at it. What is read
// is bounded, and goes on as the very bytes that were looked at.
import { pipeline, type Readable, Transform } from 'node:stream'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { MediaKind } from '@sallyport/wire/http/media'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import { credentialOutward } from '../session/outward.ts'
import { echoScan, type Needles } from './echo.ts'
import type { Room } from './room.ts'
import { escapeBytesMax, unescaping } from './unescape.ts'

export interface RequestBody {
  /** All of it. Throws REQUEST_TOO_LARGE past limits.httpReadBodyBytesMax, PROTOCOL_VIOLATION when it breaks off. */
  read(): Promise<Buffer>
  /** What goes on in its place, read whole: what `replace` was given last, else what `read` gives. */
  sent(): Promise<Buffer>
  /** These bytes go on in the place of the caller's. */
  replace(bytes: Buffer): void
  readonly isReplaced: boolean
  /** All of it was read, and goes on without being looked at any more. */
  readonly isRead: boolean
  /** What the target gets; null where there is none. A stream ends with OUTWARD_SECRET before the first byte of a needle. */
  forTarget(needles: () => Needles): Readable | Buffer | null
  /** Gives back its room; to be called once. */
  release(): void
}

export interface BodyOptions {
  readonly hasBody: boolean
  /** By its Content-Type: which escapes it may have. Throws ProtocolError for one that is none. */
  readonly kindOf: () => MediaKind
  /** As declared; null when it is not known. */
  readonly length: number | null
  readonly room: Room
  /** Called once, before the first byte is read: the caller may wait for leave to send it. */
  readonly onAsked: () => void
}

export function requestBody(request: Readable, { hasBody, kindOf, length, room, onAsked }: BodyOptions): RequestBody {
  let whole: Promise<Buffer> | null = null
  let kept: Buffer | null = null
  let taken = 0
  const read = async (): Promise<Buffer> => {
    if (!hasBody) return Buffer.alloc(0)
    const most = limits.httpReadBodyBytesMax
    if ((length ?? 0) > most) throw tooLarge()
    onAsked()
    const chunks: Buffer[] = []
    let bytes = 0
    try {
      // Whoever is refused is told so: the connection stays until the answer is out.
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        bytes += chunk.length
        if (bytes > most) throw tooLarge()
        if (!room.take(chunk.length)) throw noRoom()
        taken += chunk.length
        chunks.push(chunk)
      }
    } catch (thrown) {
      throw thrown instanceof SallyportError ? thrown : new ProtocolError('a body that breaks off')
    }
    kept = Buffer.concat(chunks)
    return kept
  }
  let replaced: Buffer | null = null
  const wholly = (): Promise<Buffer> => {
    whole ??= read()
    return whole
  }
  return {
    read: wholly,
    sent: async () => replaced ?? (await wholly()),
    replace(bytes) {
      replaced = bytes
    },
    get isRead() {
      return kept !== null
    },
    get isReplaced() {
      return replaced !== null
    },
    forTarget(needles) {
      if (!hasBody) return null
      if (replaced !== null || kept !== null) return replaced ?? kept
      onAsked()
      const all = needles()
      return all.length === 0 ? request : watched(request, all, kindOf())
    },
    release() {
      room.give(taken)
      taken = 0
    },
  }
}

/**
 * The same bytes, looked at while they go, as they stand and with their escapes read (THREATS ). What may be the beginning
 * of a credential is kept back until it is known to be none, and nothing else: a stream of lines is not held up.
 */
function watched(request: Readable, needles: Needles, kind: MediaKind): Readable {
  const scan = echoScan(needles)
  const within = escapeScan(needles, kind)
  let back: Buffer = Buffer.alloc(0)
  const watching = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const next = scan.push(chunk)
      const begun = within(chunk)
      if (next === null || begun === null) return done(credentialOutward('the body'))
      const all = back.length === 0 ? next : Buffer.concat([back, next])
      const cut = Math.max(0, all.length - begun)
      back = all.subarray(cut)
      done(null, all.subarray(0, cut))
    },
    flush(done) {
      done(null, Buffer.concat([back, scan.end()]))
    },
  })
  // Whichever of the two fails ends the other; whoever reads is told.
  pipeline(request, watching, () => {})
  return watching
}

/** How many bytes of the stream may spell the beginning of a needle; null: they spell one. */
function escapeScan(needles: Needles, kind: MediaKind): (chunk: Buffer) => number | null {
  const reading = unescaping(kind)
  if (reading === null) return () => 0
  const scan = echoScan(needles)
  let begun = 0
  return (chunk) => {
    const text = reading.push(chunk)
    const settled = scan.push(text)
    if (settled === null) return null
    begun += text.length - settled.length
    return begun === 0 && reading.held === 0 ? 0 : escapeBytesMax * (begun + 1)
  }
}

const tooLarge = (): SallyportError =>
  new SallyportError(
    'REQUEST_TOO_LARGE',
    `the body has to be looked at, and is longer than ${limits.httpReadBodyBytesMax} bytes`,
    { hint: 'send it in several requests' },
  )

const noRoom = (): SallyportError =>
  new SallyportError('CONNECTION_LIMIT', 'the agent looks at as many bodies as it may', { hint: 'try again' })
