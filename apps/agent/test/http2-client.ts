// A client of HTTP/2 for tests: whole requests by Node's own client, and exact frames over TLS. The frames are written here, with
// fields as plain literals (RFC 7541, 6.2.2), and not by the encoder of the server under test.
import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { HttpDoor } from './http-client.ts'

export interface H2Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Buffer
  /** Code of RST_STREAM; 0 when it ended well. */
  readonly code: number
}

export const connectH2 = async (path: Pick<HttpDoor, 'httpPort' | 'ca'>): Promise<ClientHttp2Session> => {
  const session = connect(`https://localhost:${path.httpPort}`, { ca: path.ca })
  session.on('error', () => {})
  await once(session, 'connect')
  return session
}

export async function replyOf(stream: ClientHttp2Stream): Promise<H2Reply> {
  let headers: Record<string, unknown> = {}
  const chunks: Buffer[] = []
  stream.on('response', (got) => (headers = { ...got }))
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('error', () => {})
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve))
  return { status: Number(headers[':status'] ?? 0), headers, body: Buffer.concat(chunks), code: stream.rstCode }
}

export async function sendH2(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: Buffer | string,
): Promise<H2Reply> {
  const stream = session.request(headers, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  return await replyOf(stream)
}

export const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8, continuation: 9 }

export function frame(type: keyof typeof frameTypes, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(frameTypes[type], 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** RFC 7541, 5.1 and 5.2, with prefixes of 7 bits and no Huffman coding. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  const length = bytes.length < 127 ? [bytes.length] : [127, ...varint(bytes.length - 127)]
  return Buffer.concat([Buffer.from(length), bytes])
}
const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...varint(value >> 7)])

export const block = (fields: readonly (readonly [string, string])[]): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))

export const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame('settings', 0, 0, Buffer.alloc(0)),
])

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export interface RawH2 {
  readonly socket: TLSSocket
  /** Settles with the first frame that fits, also of those that have come; null when the connection ended before. */
  seen(fits: (frame: Frame) => boolean): Promise<Frame | null>
}

/** With the preface sent. */
export async function rawH2(path: Pick<HttpDoor, 'httpPort' | 'ca'>): Promise<RawH2> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: path.httpPort,
    servername: 'localhost',
    ca: path.ca,
    ALPNProtocols: ['h2'],
  })
  await once(socket, 'secureConnect')
  const frames: Frame[] = []
  const waiting = new Set<() => void>()
  let kept = Buffer.alloc(0)
  let isOver = false
  const tell = (): void => {
    for (const one of [...waiting]) one()
  }
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk])
    while (kept.length >= 9 && kept.length >= 9 + kept.readUIntBE(0, 3)) {
      const end = 9 + kept.readUIntBE(0, 3)
      frames.push({
        type: kept.readUInt8(3),
        flags: kept.readUInt8(4),
        stream: kept.readUInt32BE(5),
        payload: Buffer.from(kept.subarray(9, end)),
      })
      kept = kept.subarray(end)
    }
    tell()
  })
  socket.once('close', () => {
    isOver = true
    tell()
  })
  socket.write(preface)
  return {
    socket,
    seen: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = frames.find(fits)
          if (found === undefined && !isOver) return
          waiting.delete(look)
          resolve(found ?? null)
        }
        waiting.add(look)
        look()
      }),
  }
}
