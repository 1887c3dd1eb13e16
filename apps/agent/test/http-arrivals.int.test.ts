// Connections of HTTP before anybody has shown on them who it is: they leave room for callers, end when no TLS comes, and bad tokens are
// refused slowly past so many, over either version (THREATS ).
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type DataPath, type DataPathOptions, startDataPath } from './data-path.ts'
import { type HttpClient, httpClient, type Reply } from './http-client.ts'
import { openTarget } from './http-target.ts'
import { startApi, type TestApi } from './http-upstream.ts'
import { connectH2, sendH2 } from './http2-client.ts'

let api: TestApi
const open: DataPath[] = []
beforeAll(async () => {
  api = await startApi()
  api.answer = (_request, response) => response.end('ok')
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.stop()))
})
afterAll(async () => {
  await api.stop()
})

async function alone(options: Partial<DataPathOptions>): Promise<{ path: DataPath; client: HttpClient }> {
  const path = await startDataPath({ environment: {}, yaml: openTarget(api.port), ...options })
  open.push(path)
  return { path, client: httpClient(() => path) }
}

/** Without TLS. */
async function idle(path: DataPath): Promise<Socket> {
  const socket = connect(path.httpPort, '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  return socket
}
const closed = async (socket: Socket): Promise<void> => {
  socket.resume()
  if (!socket.closed) await once(socket, 'close')
}
const statusOf = (reply: Promise<Reply>): Promise<number> => reply.then(({ status }) => status)

it.each(['preAuthConnectionsMax', 'preAuthPerAddressMax'])(
  'one more than %s is closed; who is known counts no more',
  async (cap) => {
    const { path } = await alone({ httpDoorCaps: { [cap]: 3 } })
    const token = await path.token({ target: 'crm' })
    const known = await connectH2(path)
    const asked = { ':path': '/crm/x', authorization: `Bearer ${token}` }
    expect((await sendH2(known, asked)).status).toBe(200)
    const waiting = [await idle(path), await idle(path), await idle(path)]
    await closed(await idle(path))
    // The connection of the caller is not one of them, and goes on.
    expect((await sendH2(known, asked)).status).toBe(200)
    expect(waiting.every((socket) => !socket.closed)).toBe(true)
    known.destroy()
  },
)

it('the agent stops with connections on which no TLS has begun', async () => {
  const { path } = await alone({})
  const socket = await idle(path)
  await path.stop()
  open.splice(0)
  await closed(socket)
})

it('a connection on which no TLS begins is ended', async () => {
  const { path } = await alone({ httpWaits: { handshakeMsMax: 300 } })
  await closed(await idle(path))
})

it('bad tokens are refused slowly past so many, and neither good ones nor none are', async () => {
  const httpDoorCaps = { refusedLoginsPerMinuteMax: 3, refusedLoginMsMin: 600_000 }
  const { path, client } = await alone({ httpDoorCaps })
  const bad = { token: 'no.token.at-all' }
  expect(await statusOf(client.send('/crm/x', bad))).toBe(401)
  expect(await statusOf(client.send('/crm/x', { ...bad }))).toBe(401)
  const upgrade = `GET /crm/x HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer no\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`
  expect(await client.raw(upgrade)).toContain(' 401 ')
  const refused = new Set<string>()
  const h2 = await connectH2(path)
  const late = [
    client.send('/crm/x', bad).then(
      () => 'http/1.1',
      () => 'closed',
    ),
    sendH2(h2, { ':path': '/crm/x', authorization: 'Bearer no' }).then(({ status }) =>
      status === 0 ? 'closed' : 'h2',
    ),
  ]
  for (const one of late) void one.then((how) => refused.add(how))
  // Nobody who asks how to log in, or is known, waits; on the same connection neither.
  expect(await statusOf(client.send('/crm/x', { token: null }))).toBe(401)
  expect(await statusOf(client.send('/crm/x'))).toBe(200)
  const token = await path.token({ target: 'crm' })
  expect((await sendH2(h2, { ':path': '/crm/x', authorization: `Bearer ${token}` })).status).toBe(200)
  expect([...refused]).toEqual([])
  await path.stop()
  open.splice(0)
  expect(await Promise.all(late)).toEqual(['closed', 'closed'])
  h2.destroy()
})
