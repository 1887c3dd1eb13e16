// One stream of HTTP/2 as a request and the way of its answer. Its body is read with back-pressure, and an answer that is not whole
// ends with RST_STREAM and never with END_STREAM.
import { EventEmitter } from 'node:events'
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { SallyportError } from '@sallyport/base/errors'
import { plainHead } from '@sallyport/wire/http/pseudo'
import type { Inbound, Outbound } from './inbound.ts'

export function inboundOfStream(stream: ServerHttp2Stream, rawHeaders: readonly string[], socket: Socket): Inbound {
  const hasBody = !stream.endAfterHeaders
  return {
    httpVersion: '2.0',
    plainHead: () => plainHead(rawHeaders),
    hasBody,
    body: hasBody ? bodyOfStream(stream) : Readable.from([]),
    get complete() {
      return !hasBody || stream.readableEnded
    },
    socket,
    isMultiplexed: true,
  }
}

/** Apart from the stream, on which the answer still goes when nobody reads the body any more. */
function bodyOfStream(stream: ServerHttp2Stream): Readable {
  const body = new Readable({
    // Nothing is read before somebody asks, so that the sender's window stays shut.
    read() {
      if (stream.listenerCount('data') === 0) stream.on('data', (chunk: Buffer) => body.push(chunk) || stream.pause())
      stream.resume()
    },
  })
  // It is broken off rather than at its end: whoever sends it on must not send it as a whole.
  const broken = (): void => void (body.readableEnded || body.destroy(new Error('the stream was reset')))
  stream.once('end', () => (stream.aborted ? broken() : body.push(null)))
  stream.once('aborted', broken)
  stream.once('close', () => {
    if (!stream.readableEnded) broken()
  })
  body.on('error', () => {})
  return body
}

/** By RST_STREAM. `close` of Node would end the stream well first, and an answer would look whole. */
export function breakOff(stream: ServerHttp2Stream): void {
  if (stream.destroyed) return
  brokenOff.add(stream)
  stream.destroy(new Error('the stream is broken off'))
}

const brokenOff = new WeakSet<ServerHttp2Stream>()
/** By us, and not by the client. */
export const isBrokenOff = (stream: ServerHttp2Stream): boolean => brokenOff.has(stream)

/** Of these HTTP/2 knows nothing (RFC 9113, 8.2.2). */
const connectionFields: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade'])

/** The way of the answer on a stream. */
export class StreamAnswer extends EventEmitter implements Outbound {
  readonly #stream: ServerHttp2Stream
  readonly #nowMs: () => number
  /** Pieces that the client has no window for, or has not read so far as that, and since when none of them left. */
  #waiting = 0
  #sinceMs = 0
  writableEnded = false

  constructor(stream: ServerHttp2Stream, nowMs: () => number) {
    super()
    this.#stream = stream
    this.#nowMs = nowMs
    stream.on('drain', () => this.emit('drain'))
    stream.once('close', () => this.emit('close'))
  }

  get headersSent(): boolean {
    return this.#stream.headersSent
  }

  get destroyed(): boolean {
    return this.#stream.destroyed || this.#stream.closed
  }

  /** Throws ANSWER_REFUSED for fields that HTTP/2 does not carry. */
  writeHead(status: number, fields: string[] | Record<string, string>): void {
    if (this.destroyed) return
    try {
      this.#stream.respond({ ':status': status, ...grouped(fields) })
    } catch (cause) {
      throw new SallyportError('ANSWER_REFUSED', 'the answer has fields that HTTP/2 does not carry', { cause })
    }
  }

  writeContinue(): void {
    if (!this.destroyed && !this.headersSent) this.#stream.additionalHeaders({ ':status': 100 })
  }

  /** A head goes at once. */
  flushHeaders(): void {}

  /** True of one that is gone: nobody waits for it. */
  write(chunk: Uint8Array | string): boolean {
    return this.#isShut ? true : this.#stream.write(chunk, this.#began())
  }

  /** For so long the client has taken nothing of what waits for it. */
  isStalled(ms: number): boolean {
    return this.#waiting > 0 && this.#nowMs() - this.#sinceMs >= ms
  }

  /** One piece more waits; returns how to say that it has left. */
  #began(): () => void {
    if (this.#waiting === 0) this.#sinceMs = this.#nowMs()
    this.#waiting += 1
    return () => {
      this.#waiting -= 1
      this.#sinceMs = this.#nowMs()
    }
  }

  end(chunk?: Uint8Array | string): void {
    this.writableEnded = true
    // The rest of a body that nobody reads is not asked for (RFC 9113, 8.1).
    const left = this.#began()
    const finished = (): void => {
      left()
      if (!this.#stream.readableEnded && !this.#stream.endAfterHeaders) this.#stream.close(constants.NGHTTP2_NO_ERROR)
    }
    if (this.#isShut) finished()
    else if (chunk === undefined || chunk.length === 0) this.#stream.end(finished)
    else this.#stream.end(chunk, finished)
  }

  destroy(): void {
    breakOff(this.#stream)
  }

  /** Of HEAD, 204 and 304 with the head. */
  get #isShut(): boolean {
    return this.destroyed || this.#stream.writableEnded
  }
}

function grouped(fields: string[] | Record<string, string>): OutgoingHttpHeaders {
  const pairs = Array.isArray(fields) ? fields : Object.entries(fields).flat()
  const all: Record<string, string | string[]> = {}
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const name = (pairs[index] ?? '').toLowerCase()
    const value = pairs[index + 1] ?? ''
    if (connectionFields.has(name)) continue
    const before = Object.hasOwn(all, name) ? all[name] : undefined
    all[name] = before === undefined ? value : [before, value].flat()
  }
  return all
}
