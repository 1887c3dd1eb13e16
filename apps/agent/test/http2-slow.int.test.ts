// Callers of HTTP/2 that take their time, frame by frame: heads in pieces, bodies in drops, windows that stay shut. Each has its deadline,
// and nobody else waits for them (THREATS ).
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { httpClient } from './http-client.ts'
import { openTarget } from './http-target.ts'
import { startApi, type TestApi } from './http-upstream.ts'
import { block, type Frame, frame, frameTypes, type RawH2, rawH2 } from './http2-client.ts'

let api: TestApi
let path: DataPath
let token: string
const http1 = httpClient(() => path)
const waits = { headerMsMax: 300, requestMsMax: 1_000, stalledMsMax: 2_000 }

beforeAll(async () => {
  api = await startApi()
  path = await startDataPath({
    environment: {},
    httpWaits: waits,
    yaml: openTarget(api.port),
  })
  token = await path.token({ target: 'crm' })
})
afterAll(async () => {
  await path.stop()
  await api.stop()
})
beforeEach(() => {
  api.seen.length = 0
  path.recorder.entries.length = 0
  api.answer = (_request, response) => response.end('ok')
})

const endStream = 1
const endHeaders = 4
const fields = (to = '/crm/x'): Buffer =>
  block([
    [':method', 'POST'],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    [':path', to],
    ['authorization', `Bearer ${token}`],
  ])
const request = (stream: number, to?: string): Buffer => frame('headers', endHeaders | endStream, stream, fields(to))
const isOf =
  (stream: number, type: keyof typeof frameTypes) =>
  (one: Frame): boolean =>
    one.type === frameTypes[type] && one.stream === stream
const closed = (client: RawH2): Promise<void> =>
  new Promise((resolve) => {
    if (client.socket.closed) resolve()
    else client.socket.once('close', () => resolve())
  })

/** One byte of a frame after the other, for as long as the connection is there. Nghttp2 takes no head of a CONTINUATION in pieces. */
function trickle(client: RawH2, bytes: Buffer): void {
  let sent = 9
  client.socket.write(bytes.subarray(0, sent))
  const timer = setInterval(() => client.socket.writable && client.socket.write(bytes.subarray(sent, ++sent)), 20)
  client.socket.once('close', () => clearInterval(timer))
}
/** It takes no more than a few of them either; one may be long. */
const moreOf = (stream: number): Buffer => frame('continuation', 0, stream, block([['x-a', 'b'.repeat(9_000)]]))

describe('a head in pieces', () => {
  it('that is the first and never ends, is ended with its connection', async () => {
    const client = await rawH2(path)
    client.socket.write(frame('headers', endStream, 1, fields()))
    trickle(client, moreOf(1))
    await closed(client)
    expect(api.seen).toEqual([])
  })

  it('behind a request that was answered has the same deadline', async () => {
    const client = await rawH2(path)
    client.socket.write(request(1))
    expect(await client.seen(isOf(1, 'headers'))).not.toBeNull()
    client.socket.write(frame('headers', endStream, 3, fields('/crm/late')))
    trickle(client, moreOf(3))
    await closed(client)
    expect(api.seen.map(({ url }) => url)).toEqual(['/x'])
  })

  it('beside a stream that goes on lets that one end, and nothing else begins', async () => {
    let held: ServerResponse | undefined
    api.answer = (_request, response) => {
      held = response
      response.write('begun')
    }
    const client = await rawH2(path)
    client.socket.write(request(1))
    expect(await client.seen(isOf(1, 'data'))).not.toBeNull()
    client.socket.write(frame('headers', endStream, 3, fields('/crm/late')))
    trickle(client, moreOf(3))
    expect(await client.seen(({ type }) => type === frameTypes.goaway)).not.toBeNull()
    held?.end('ended')
    await closed(client)
    const last = await client.seen((one) => isOf(1, 'data')(one) && (one.flags & endStream) !== 0)
    expect(last).not.toBeNull()
    expect(api.seen.map(({ url }) => url)).toEqual(['/x'])
  })

  it('that comes to its end in time is a request', async () => {
    const client = await rawH2(path)
    const whole = fields()
    client.socket.write(frame('headers', endStream, 1, whole.subarray(0, 20)))
    client.socket.write(frame('continuation', 0, 1, whole.subarray(20, 60)))
    client.socket.write(frame('continuation', endHeaders, 1, whole.subarray(60)))
    expect(await client.seen(isOf(1, 'headers'))).not.toBeNull()
    // Nor is anything late behind it.
    const other = await rawH2(path)
    await closed(other)
    client.socket.write(request(3))
    expect(await client.seen(isOf(3, 'headers'))).not.toBeNull()
    client.socket.destroy()
  })
})

it('a body in drops is reset with its stream, and is no request at the target', async () => {
  const client = await rawH2(path)
  client.socket.write(frame('headers', endHeaders, 1, fields()))
  trickle(client, frame('data', 0, 1, Buffer.alloc(9_000, 'x')))
  expect(await client.seen(isOf(1, 'reset'))).not.toBeNull()
  client.socket.destroy()
  expect(api.seen).toEqual([])
  expect(await path.recorder.seen(({ kind }) => kind === 'outcome')).toMatchObject({ result: 'cancelled' })
})

describe('a window that stays shut', () => {
  /** SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113, 6.5.2). */
  const shut = frame('settings', 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]))
  const piece = Buffer.alloc(65_536, 'a')
  const answerMib = 4

  it('stops the target, holds up nobody else, and is given up', async () => {
    const most = 30
    let written = 0
    let over = 0
    api.answer = ({ url }, response) => {
      if (url !== '/long') return void response.end('ok')
      response.once('close', () => {
        over += 1
      })
      let left = 16 * answerMib
      const on = (): void => {
        while (left-- > 0) {
          written += piece.length
          if (!response.write(piece)) return void response.once('drain', on)
        }
        response.end()
      }
      on()
    }
    const client = await rawH2(path)
    client.socket.write(shut)
    for (let at = 0; at < most; at++) client.socket.write(request(2 * at + 1, '/crm/long'))
    // Heads pass: only bodies have windows.
    expect(await client.seen(isOf(2 * most - 1, 'headers'))).not.toBeNull()
    expect((await http1.send('/crm/x', { token })).status).toBe(200)
    for (let at = 0; at < most; at++) expect(await client.seen(isOf(2 * at + 1, 'reset'))).not.toBeNull()
    client.socket.destroy()
    expect(await client.seen(({ type, payload }) => type === frameTypes.data && payload.length > 0)).toBeNull()
    await expect.poll(() => over).toBe(most)
    expect(written).toBeLessThan(most * answerMib * 1_048_576)
  })
})

it('a long answer that was kept whole is taken in drops, for as long as some of it leaves', async () => {
  const masked = openTarget(api.port).concat(
    '  masks: [{ name: ssn, routes: ["/**"], path: "$.ssn", method: redact }]\n',
  )
  path.snapshots.publish(path.snapshot(masked))
  const rows = Array.from({ length: 1_000 }, () => ({ name: 'x'.repeat(1_000), ssn: '111' }))
  api.answer = (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(rows))
  }
  const client = await rawH2(path)
  client.socket.write(request(1))
  const more = Buffer.from([0, 0, 128, 0])
  // All of it takes more than twice as long as one piece may.
  const timer = setInterval(() => {
    client.socket.write(Buffer.concat([frame('window', 0, 0, more), frame('window', 0, 1, more)]))
  }, 150)
  const isLast = (one: Frame): boolean => isOf(1, 'data')(one) && (one.flags & endStream) !== 0
  const last = await client.seen((one) => isLast(one) || isOf(1, 'reset')(one))
  clearInterval(timer)
  client.socket.destroy()
  expect(last?.type).toBe(frameTypes.data)
})
