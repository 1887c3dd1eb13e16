// The body of one request: it streams on to the target, or is read whole first where somebody has to look at it. What is read
// is bounded, and goes on as the very bytes that were looked at.
import type { IncomingMessage } from 'node:http'
import { pipeline, type Readable, Transform } from 'node:stream'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import { credentialOutward } from '../session/outward.ts'
import { echoScan, type Needles } from './echo.ts'
import type { Room } from './room.ts'

export interface RequestBody {
  /** All of it. Throws REQUEST_TOO_LARGE past limits.httpReadBodyBytesMax, PROTOCOL_VIOLATION when it breaks off. */
  read(): Promise<Buffer>
  /** What the target gets; null where there is none. A stream ends with OUTWARD_SECRET before the first byte of a needle. */
  forTarget(needles: Needles): Readable | Buffer | null
  /** Gives back its room; to be called once. */
  release(): void
}

export function requestBody(
  request: IncomingMessage,
  {
    hasBody,
    length,
    room,
    onAsked,
  }: {
    readonly hasBody: boolean
    /** As declared; null when it is not known. */
    readonly length: number | null
    readonly room: Room
    /** Called once, before the first byte is read: the caller may wait for leave to send it. */
    readonly onAsked: () => void
  },
): RequestBody {
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
  return {
    read() {
      whole ??= read()
      return whole
    },
    forTarget(needles) {
      if (!hasBody) return null
      if (kept !== null) return kept
      onAsked()
      return needles.length === 0 ? request : watched(request, needles)
    },
    release() {
      room.give(taken)
      taken = 0
    },
  }
}

/** The same bytes, looked at while they go (THREATS ). */
function watched(request: IncomingMessage, needles: Needles): Readable {
  const scan = echoScan(needles)
  const watching = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const next = scan.push(chunk)
      if (next === null) done(credentialOutward('the body'))
      else done(null, next)
    },
    flush(done) {
      done(null, scan.end())
    },
  })
  // Whichever of the two fails ends the other; whoever reads is told.
  pipeline(request, watching, () => {})
  return watching
}

const tooLarge = (): SallyportError =>
  new SallyportError(
    'REQUEST_TOO_LARGE',
    `the body has to be looked at, and is longer than ${limits.httpReadBodyBytesMax} bytes`,
    { hint: 'send it in several requests' },
  )

const noRoom = (): SallyportError =>
  new SallyportError('CONNECTION_LIMIT', 'the agent looks at as many bodies as it may', { hint: 'try again' })
