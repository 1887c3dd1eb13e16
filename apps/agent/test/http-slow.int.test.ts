// Callers of HTTP that take their time: each has its deadline (THREATS ).
import { once } from 'node:events'
import { connect } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { openTarget } from './http-target.ts'
import { startApi, type TestApi } from './http-upstream.ts'

let api: TestApi
let path: DataPath
const waits = { headerMsMax: 300, requestMsMax: 600 }

beforeAll(async () => {
  api = await startApi()
  path = await startDataPath({
    environment: {},
    httpWaits: waits,
    yaml: openTarget(api.port),
  })
})
afterAll(async () => {
  await path.stop()
  await api.stop()
})
beforeEach(() => {
  api.seen.length = 0
})

/** Sends the first text, then one piece after the other for as long as anybody takes them; what came back when the connection ended. */
async function trickled(first: string, piece: string, protocol: 'http/1.1' | 'h2' = 'http/1.1'): Promise<string> {
  const to = { host: '127.0.0.1', port: path.httpPort, servername: 'localhost', ca: path.ca, ALPNProtocols: [protocol] }
  const socket = connect(to)
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write(Buffer.from(first, 'latin1'))
  const trickle = setInterval(() => void (piece !== '' && socket.write(piece)), 20)
  await once(socket, 'close')
  clearInterval(trickle)
  return Buffer.concat(chunks).toString('latin1')
}

describe('a caller that is slow (R-4.10)', () => {
  it.each([
    ['a connection on which nothing comes', '', ''],
    ['a head that never ends', 'GET /crm/v1/a HTTP/1.1\r\nHost: a\r\n', 'X-More: 1\r\n'],
  ])('%s is ended, and asks nobody anything', async (_, first, piece) => {
    const reply = await trickled(first, piece)
    expect(reply).toMatch(/^(HTTP\/1\.1 4[0-9][0-9] |$)/)
    expect(api.seen).toEqual([])
    expect(path.lines.filter(({ event }) => event === 'session-opened')).toEqual([])
  })
  it('a body that never ends is ended with its request, at the target as well', async () => {
    const token = await path.token({ target: 'crm' })
    const head = `POST /crm/v1/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Length: 100000\r\n\r\n`
    await trickled(head, 'x')
    // The target has seen no whole request.
    expect(api.seen).toEqual([])
    expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'cancelled' })
  })
  it('a connection of HTTP/2 that begins no request is ended', async () => {
    await trickled('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', '', 'h2')
  })
})
