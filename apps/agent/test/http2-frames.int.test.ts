// Frames of HTTP/2 that a server of HTTP/1.1 would read otherwise once they stand in lines, and floods that cost a client nothing:
// none of them reaches the target (THREATS ).
import { once } from 'node:events'
import { limits } from '@sallyport/base/limits'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { openTarget } from './http-target.ts'
import { startApi, type TestApi } from './http-upstream.ts'
import { block, connectH2, type Frame, frame, frameTypes, type RawH2, rawH2, replyOf, sendH2 } from './http2-client.ts'

let api: TestApi
let path: DataPath
let token: string

beforeAll(async () => {
  api = await startApi()
  path = await startDataPath({ yaml: openTarget(api.port), environment: {} })
  token = await path.token({ target: 'crm' })
})
afterAll(async () => {
  await path.stop()
  await api.stop()
})
beforeEach(() => {
  api.seen.length = 0
  api.answer = (_request, response) => response.end('ok')
})

type Pair = readonly [string, string]
const good = (): Pair[] => [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/crm/x'],
  ['authorization', `Bearer ${token}`],
]
const but = (name: string, value: string): Pair[] =>
  good().map(([one, before]) => (one === name ? [one, value] : [one, before]))
const endStream = 1
const endHeaders = 4
const headers = (fields: readonly Pair[], stream = 1, flags = endHeaders | endStream): Buffer =>
  frame('headers', flags, stream, block(fields))

/** The stream was answered or reset, or the connection ended. */
const ending =
  (stream: number) =>
  ({ type, stream: of }: Frame): boolean =>
    type === frameTypes.goaway || (of === stream && (type === frameTypes.headers || type === frameTypes.reset))
/** RFC 7541, appendix A: `:status: 200`. */
const isOk = (found: Frame | null): boolean => found?.type === frameTypes.headers && found.payload[0] === 0x88

const closing = (client: RawH2): Promise<void> => new Promise((resolve) => client.socket.once('close', () => resolve()))

async function ended(client: RawH2, stream = 1): Promise<Frame | null> {
  const found = await client.seen(ending(stream))
  client.socket.destroy()
  return found
}

describe('frames of HTTP/2', () => {
  it('that say one thing reach the target', async () => {
    const client = await rawH2(path)
    client.socket.write(headers(good(), 1, endHeaders))
    client.socket.write(frame('data', endStream, 1, Buffer.from('abc')))
    expect(isOk(await ended(client))).toBe(true)
    expect(api.seen[0]).toMatchObject({ method: 'POST', url: '/x', body: 'abc' })
  })

  it.each<[string, () => Pair[]]>([
    ['a transfer coding', () => [...good(), ['transfer-encoding', 'chunked']]],
    ['Connection', () => [...good(), ['connection', 'authorization']]],
    ['Keep-Alive', () => [...good(), ['keep-alive', 'timeout=5']]],
    ['Upgrade', () => [...good(), ['upgrade', 'websocket']]],
    ['HTTP2-Settings', () => [...good(), ['http2-settings', 'AAMAAABkAAQAAP__']]],
    ['TE with more than trailers', () => [...good(), ['te', 'chunked']]],
    ['a byte above ASCII in a value', () => [...good(), ['x-a', 'b\xff']]],
    ['capitals in a name', () => [...good(), ['X-A', 'c']]],
    ['a space in the path', () => but(':path', '/crm/x HTTP/1.1')],
    ['a line break in the path', () => but(':path', '/crm/x HTTP/1.1\r\nHost: b')],
    ['a fragment in the path', () => but(':path', '/crm/x#y')],
    ['a dot segment', () => but(':path', '/crm/../x')],
    ['an encoded slash', () => but(':path', '/crm/a%2fb')],
    ['a double slash', () => but(':path', '/crm//x')],
    ['an absolute form', () => but(':path', 'https://other/crm/x')],
    ['an asterisk', () => [...but(':path', '*')]],
    ['an empty path', () => but(':path', '')],
    ['a method with a space', () => but(':method', 'GET /crm/y HTTP/1.1\r\n')],
    ['a method in small letters', () => but(':method', 'post')],
    ['a method that servers do not know', () => but(':method', 'WEBSOCKET')],
    ['TRACE', () => but(':method', 'TRACE')],
    ['another scheme', () => but(':scheme', 'http')],
    ['a scheme with a line break', () => but(':scheme', 'https\r\n')],
    ['userinfo', () => but(':authority', 'a@localhost')],
    ['two authorities', () => [...good(), ['host', 'other']]],
    ['two paths', () => [...good().slice(0, 4), [':path', '/crm/y'], ...good().slice(4)]],
    ['two methods', () => [[':method', 'GET'], ...good()]],
    ['a pseudo-header at the end', () => [...good().filter(([name]) => name !== ':path'), [':path', '/crm/x']]],
    ['an unknown pseudo-header', () => [[':other', 'x'], ...good()]],
    ['the pseudo-header of answers', () => [[':status', '200'], ...good()]],
    ['no path', () => good().filter(([name]) => name !== ':path')],
    ['no method', () => good().filter(([name]) => name !== ':method')],
    ['no authority', () => good().filter(([name]) => name !== ':authority')],
    ['two tokens', () => [...good(), ['authorization', 'Bearer other']]],
    ['two lengths', () => [...good(), ['content-length', '3'], ['content-length', '4']]],
    ['a list of lengths', () => [...good(), ['content-length', '0, 0']]],
    ['a signed length', () => [...good(), ['content-length', '+0']]],
    ['a length and no body', () => [...good(), ['content-length', '3']]],
    ['an extended CONNECT', () => [...but(':method', 'CONNECT'), [':protocol', 'websocket']]],
    [
      'CONNECT',
      () => [
        [':method', 'CONNECT'],
        [':authority', 'localhost:443'],
        ['authorization', `Bearer ${token}`],
      ],
    ],
    ['a hundred fields too many', () => [...good(), ...Array.from({ length: 200 }, (): Pair => ['x-a', 'b'])]],
    ['a head that is too large', () => [...good(), ['x-a', 'b'.repeat(15_000)], ['x-b', 'c'.repeat(1_000)]]],
  ])('%s is refused, and reaches nothing', async (_, fields) => {
    const client = await rawH2(path)
    client.socket.write(headers(fields()))
    expect(isOk(await ended(client))).toBe(false)
    expect(api.seen).toEqual([])
  })

  it.each<[string, Pair]>([
    ['a line break in its value', ['x-a', 'b\r\nhost: c']],
    ['a bare LF in its value', ['x-a', 'b\nc']],
    ['a bare CR in its value', ['x-a', 'b\rc']],
    ['a NUL in its value', ['x-a', 'b\0c']],
    ['a space before its value', ['x-a', ' b']],
    ['a line break in its name', ['x-a: b\r\nx-b', 'c']],
    ['a colon in its name', ['x-a:', 'c']],
    ['a space in its name', ['x-a b', 'c']],
    ['an empty name', ['', 'x-a']],
  ])('a field with %s ends at the gateway, if not the request (R-4.6)', async (_, field) => {
    const client = await rawH2(path)
    client.socket.write(headers([...good(), field, ['x-z', '1']], 1))
    await ended(client)
    const kept = api.seen.map(({ headers: got }) =>
      Object.entries(got).filter(([name, value]) => name !== 'x-z' && `${name}${value}`.includes('x-a')),
    )
    expect(kept.flat()).toEqual([])
    expect(api.seen.length).toBeLessThanOrEqual(1)
  })

  it.each([
    ['a body that is longer than its length', '2', 'abc'],
    ['a body that is shorter than its length', '9', 'abc'],
  ])('%s is no request at the target', async (_, length, body) => {
    const client = await rawH2(path)
    client.socket.write(headers([...good(), ['content-length', length]], 1, endHeaders))
    client.socket.write(frame('data', endStream, 1, Buffer.from(body)))
    expect(isOk(await ended(client))).toBe(false)
    expect(api.seen).toEqual([])
  })

  it('trailers with a pseudo-header make no request whole', async () => {
    const client = await rawH2(path)
    client.socket.write(headers(good(), 1, endHeaders))
    client.socket.write(frame('data', 0, 1, Buffer.from('abc')))
    client.socket.write(headers([[':path', '/crm/admin']], 1))
    expect(isOk(await ended(client))).toBe(false)
    expect(api.seen).toEqual([])
  })

  it('on a connection that begins as HTTP/1.1 are no request, nor is an HTTP/1.1 request where h2 was chosen', async () => {
    const client = await rawH2(path)
    client.socket.write(`GET /crm/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    expect(isOk(await ended(client))).toBe(false)
    expect(api.seen).toEqual([])
  })
})

describe('a flood', () => {
  const logged = (what: string): boolean =>
    path.lines.some(({ event, fields }) => event === 'http2-flood' && fields['what'] === what)

  it('of streams that are opened and reset ends the connection (CVE-2023-44487)', async () => {
    let begun = 0
    api.answer = () => {
      begun += 1
    }
    const client = await rawH2(path)
    const closed = closing(client)
    const cancel = Buffer.from([0, 0, 0, 8])
    for (let stream = 1; stream < 700; stream += 2)
      client.socket.write(Buffer.concat([headers(good(), stream), frame('reset', 0, stream, cancel)]))
    await closed
    expect(logged('resets')).toBe(true)
    expect(begun).toBeLessThanOrEqual(limits.httpResetsPerMinuteMax + limits.httpStreamsPerConnectionMax)
  })

  it('of streams that the client has the gateway reset ends the connection (CVE-2025-8671)', async () => {
    let begun = 0
    api.answer = () => {
      begun += 1
    }
    const client = await rawH2(path)
    const closed = closing(client)
    // One more than a window may have (RFC 9113, 6.9.1).
    const tooMuch = Buffer.from([0x7f, 0xff, 0xff, 0xff])
    for (let stream = 1; stream < 700; stream += 2)
      client.socket.write(Buffer.concat([headers(good(), stream), frame('window', 0, stream, tooMuch)]))
    await closed
    expect(begun).toBeLessThanOrEqual(limits.httpResetsPerMinuteMax + limits.httpStreamsPerConnectionMax)
  })

  it('of one field that stands once and is named a thousand times is no head', async () => {
    // Kept in the table of the connection (RFC 7541, 6.2.1), then named by its place there (6.1).
    const kept = block([['x-a', 'b'.repeat(3_000)]])
    kept.writeUInt8(0x40, 0)
    const client = await rawH2(path)
    client.socket.write(
      frame('headers', endHeaders | endStream, 1, Buffer.concat([block(good()), kept, Buffer.alloc(1_000, 0xbe)])),
    )
    expect(isOk(await ended(client))).toBe(false)
    expect(api.seen).toEqual([])
  })

  it('of streams that are reset as if nothing were wrong ends the connection, too', async () => {
    let began = (): void => {}
    api.answer = () => began()
    const client = await rawH2(path)
    const closed = closing(client)
    for (let stream = 1; stream < 2 * limits.httpResetsPerMinuteMax + 20 && !client.socket.destroyed; stream += 2) {
      const begun = new Promise<void>((resolve) => {
        began = resolve
      })
      client.socket.write(headers(good(), stream))
      await Promise.race([begun, closed])
      client.socket.write(frame('reset', 0, stream, Buffer.alloc(4)))
    }
    client.socket.write(frame('ping', 0, 0, Buffer.alloc(8, 1)))
    expect(await client.seen(({ type }) => type === frameTypes.ping)).toBeNull()
  })

  it('of PING frames, or of SETTINGS, ends the connection', async () => {
    for (const flood of [
      frame('ping', 0, 0, Buffer.alloc(8)),
      frame('settings', 0, 0, Buffer.from([0, 4, 0, 1, 0, 0])),
    ]) {
      const client = await rawH2(path)
      const closed = closing(client)
      for (let round = 0; round < 700; round++) client.socket.write(flood)
      await closed
    }
    expect(logged('control frames')).toBe(true)
  })

  it('of CONTINUATION frames ends the connection', async () => {
    const client = await rawH2(path)
    const closed = closing(client)
    client.socket.write(headers(but(':path', '/crm/flood'), 1, 0))
    for (let round = 0; round < 200; round++)
      client.socket.write(frame('continuation', 0, 1, block([[`x-${round}`, 'b'.repeat(900)]])))
    await closed
    expect(api.seen.filter(({ url }) => url === '/flood')).toEqual([])
  })

  it('of empty frames ends the connection', async () => {
    const client = await rawH2(path)
    const closed = closing(client)
    client.socket.write(headers(but(':path', '/crm/flood'), 1, endHeaders))
    for (let round = 0; round < 300; round++) client.socket.write(frame('data', 0, 1, Buffer.alloc(0)))
    await closed
    expect(api.seen.filter(({ url }) => url === '/flood')).toEqual([])
  })

  it('of streams is refused past what a connection carries, and those within go on', async () => {
    const release: (() => void)[] = []
    api.answer = (_request, response) => void release.push(() => response.end('ok'))
    const client = await rawH2(path)
    const { httpStreamsPerConnectionMax: most } = limits
    for (let at = 0; at <= most; at++) client.socket.write(headers(good(), 2 * at + 1))
    expect(await client.seen(ending(2 * most + 1))).toMatchObject({ type: frameTypes.reset })
    api.answer = (_request, response) => response.end('ok')
    for (const one of release) one()
    expect(isOk(await ended(client))).toBe(true)
  })
})

describe('an HTTP/2 connection', () => {
  it('is told to go when the agent stops, and what is under way ends well', async () => {
    const slow = await startApi()
    const other = await startDataPath({ yaml: openTarget(slow.port), environment: {} })
    let finish = (): void => {}
    const begun = new Promise<void>((resolve) => {
      slow.answer = (_request, response) => {
        finish = () => response.end('late')
        resolve()
      }
    })
    const session = await connectH2(other)
    const authorization = `Bearer ${await other.token({ target: 'crm' })}`
    const reply = replyOf(session.request({ ':path': '/crm/x', authorization }))
    await begun
    const told = once(session, 'goaway')
    other.stopHttp()
    await told
    finish()
    expect(await reply).toMatchObject({ status: 200, code: 0 })
    if (!session.closed) await once(session, 'close')
    expect(await sendH2(session, { ':path': '/crm/x', authorization }).catch(() => null)).toBeNull()
    await other.stop()
    await slow.stop()
  })
})
