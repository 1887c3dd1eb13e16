// A request and the way of its answer, whatever the version of HTTP: what the life of a request needs to know of either.
import type { EventEmitter } from 'node:events'
import { type IncomingMessage, METHODS } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { PlainHead } from '@sallyport/wire/http/pseudo'

export interface Inbound {
  readonly httpVersion: string
  /** Throws ProtocolError where HTTP/1.1 could say it in two ways. */
  plainHead(): PlainHead
  /** Whether there is one, where the frames say so (HTTP/2); null: the fields do. */
  readonly hasBody: boolean | null
  readonly body: Readable
  /** All of it has come. */
  readonly complete: boolean
  readonly socket: Socket
  /** Other requests of the connection go on when this one ends. */
  readonly isMultiplexed: boolean
}

/** `ServerResponse` is one. Closes, and drains, as that does. */
export interface Outbound extends EventEmitter {
  readonly headersSent: boolean
  readonly destroyed: boolean
  readonly writableEnded: boolean
  /** Names and values by turns, or by name. */
  writeHead(status: number, fields: string[] | Record<string, string>): unknown
  writeContinue(): void
  flushHeaders(): void
  write(chunk: Uint8Array | string): boolean
  end(chunk?: Uint8Array | string): unknown
  /** The caller learns that the answer is not whole. */
  destroy(): unknown
}

export const inboundOf = (request: IncomingMessage): Inbound => ({
  httpVersion: request.httpVersion,
  plainHead: () => ({ method: request.method ?? '', url: request.url ?? '', raw: request.rawHeaders }),
  hasBody: null,
  body: request,
  get complete() {
    return request.complete
  },
  socket: request.socket,
  isMultiplexed: false,
})

/** HTTP/2 carries any word as a method; servers of HTTP/1.1 know these. */
export const knownMethods: ReadonlySet<string> = new Set(METHODS)
