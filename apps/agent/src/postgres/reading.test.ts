// Reads into shared memory, from real sockets: whoever keeps bytes has its own, whoever passes them on has views of it.
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { keepBytes, passViews, readTogether } from './reading.ts'

const ends: Socket[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end.destroy()
})

/** Two ends of a connection; the first reads together with others. */
async function connected(): Promise<{ reader: Socket; peer: Socket }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const accepted = once(server, 'connection')
  const reader: Socket = createConnection({ host: '127.0.0.1', port, onread: readTogether(() => reader) })
  await once(reader, 'connect')
  const [peer] = (await accepted) as [Socket]
  server.close()
  ends.push(reader, peer)
  return { reader, peer }
}

const next = async (socket: Socket): Promise<Buffer> => ((await once(socket, 'data')) as [Buffer])[0]

test('bytes that somebody keeps stay what they were when another connection is read', async () => {
  const [one, other] = [await connected(), await connected()]
  const first = next(one.reader)
  one.peer.write('first of all')
  const kept = await first
  const second = next(other.reader)
  other.peer.write('SECOND ONE!!')
  await second
  expect(kept.toString()).toBe('first of all')
})

test('views are of the same memory for all, for as long as their owner says so', async () => {
  const { reader, peer } = await connected()
  passViews(reader)
  const first = next(reader)
  peer.write('a view')
  const { buffer } = await first
  keepBytes(reader)
  const second = next(reader)
  peer.write('of its own')
  const own = await second
  expect(buffer.byteLength).toBe(262_144)
  expect(own.buffer).not.toBe(buffer)
  expect(own.toString()).toBe('of its own')
})

test('a paused connection is not read, what was put back comes first, and its end is told', async () => {
  const { reader, peer } = await connected()
  const seen: string[] = []
  const first = next(reader)
  peer.write('1')
  await first
  reader.pause()
  reader.on('data', (chunk) => seen.push(String(chunk)))
  const sent = new Promise((done) => peer.end('2', () => done(null)))
  await sent
  expect(seen).toEqual([])
  reader.unshift(Buffer.from('again '))
  const ended = once(reader, 'end')
  reader.resume()
  await ended
  expect(seen).toEqual(['again ', '2'])
})
