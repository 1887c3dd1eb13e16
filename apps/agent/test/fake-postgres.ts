// A target made of wire messages, in this process: it says what a test scripted, and breaks where a test wants it to.
// It parses no SQL and checks no password; where the real PostgreSQL can play the part, take that one.
//
//   const fake = await startFakePostgres({
//     answer: (message) => (message.type === 'query' ? [...oneRow('a', '1'), ready()] : []),
//   })
//   … connect to 127.0.0.1:fake.port without TLS, as anybody …
//   fake.received            what came after start-up, in order, over all connections
//   await fake.stop()
//
// `answer` is called once for each message and returns steps, which run in order:
//   a BackendMessage        is encoded and sent
//   a Buffer                is sent as it is: half a row, or nonsense
//   'reset'                 TCP reset, for instance in the middle of a row
//   'end'                   an orderly close
//   'stall'                 from here on nothing is read and nothing is sent; release() goes on
// With `greet`, the steps after StartupMessage are the test's own as well (the default lets everybody in).
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { decodeFrontend, decodeStartup } from '@sallyport/wire/postgres/decode'
import { encodeBackend } from '@sallyport/wire/postgres/encode'
import { FrameSplitter, StartupSplitter } from '@sallyport/wire/postgres/frames'
import type {
  BackendMessage,
  FrontendMessage,
  StartupPacket,
  TransactionStatus,
} from '@sallyport/wire/postgres/messages'
import { frontendCaps } from '@sallyport/wire/postgres/names'

export type FakeStep = BackendMessage | Buffer | 'reset' | 'end' | 'stall'

export interface FakeOptions {
  readonly answer?: (message: FrontendMessage) => readonly FakeStep[]
  /** After StartupMessage; the default is `welcome()`. */
  readonly greet?: (startup: StartupPacket) => readonly FakeStep[]
  /** Bytes in answer to SSLRequest; the default is 'N'. */
  readonly sslAnswer?: Buffer
}

export interface FakePostgres {
  readonly port: number
  /** Start-up packets, cancel requests among them. */
  readonly startups: readonly StartupPacket[]
  readonly received: readonly FrontendMessage[]
  /** Resolves once `count` messages have been received. */
  receivedCount(count: number): Promise<void>
  /** Goes on after 'stall'. */
  release(): void
  /** Connections that are open now. */
  connections(): number
  /** Resolves once no connection is open. */
  idle(): Promise<void>
  stop(): Promise<void>
}

export const ready = (status: TransactionStatus = 'I'): BackendMessage => ({ type: 'readyForQuery', status })

export const textColumn = (name: string, typeOid = 25) =>
  ({ name, tableOid: 0, attributeNumber: 0, typeOid, typeSize: -1, typeModifier: -1, format: 0 }) as const

export const dataRow = (...values: readonly (string | null)[]): BackendMessage => ({
  type: 'dataRow',
  values: values.map((value) => (value === null ? null : Buffer.from(value))),
})

/** A result of one column and one row, without ReadyForQuery. */
export const oneRow = (column: string, value: string): BackendMessage[] => [
  { type: 'rowDescription', columns: [textColumn(column)] },
  dataRow(value),
  { type: 'commandComplete', tag: 'SELECT 1' },
]

export const serverError = (sqlstate: string, text: string): BackendMessage => ({
  type: 'errorResponse',
  fields: [
    ['S', 'ERROR'],
    ['V', 'ERROR'],
    ['C', sqlstate],
    ['M', text],
  ],
})

/** Login without a password, and what a PostgreSQL 18 reports. */
export const welcome = (changed: Readonly<Record<string, string>> = {}): FakeStep[] => [
  { type: 'authentication', authentication: { kind: 'ok' } },
  ...Object.entries({
    server_version: '18.4',
    server_encoding: 'UTF8',
    client_encoding: 'UTF8',
    standard_conforming_strings: 'on',
    integer_datetimes: 'on',
    DateStyle: 'ISO, MDY',
    TimeZone: 'UTC',
    ...changed,
  }).map(([name, value]): BackendMessage => ({ type: 'parameterStatus', name, value })),
  { type: 'backendKeyData', processId: 4711, key: Buffer.from([1, 2, 3, 4]) },
  ready(),
]

export async function startFakePostgres(options: FakeOptions = {}): Promise<FakePostgres> {
  const startups: StartupPacket[] = []
  const received: FrontendMessage[] = []
  const sockets = new Set<Socket>()
  const stalled = new Set<() => void>()
  const waiting = new Set<() => void>()
  const tell = () => {
    for (const wake of waiting) wake()
  }
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo())
      await new Promise<void>((wake) => {
        const hear = () => {
          waiting.delete(hear)
          wake()
        }
        waiting.add(hear)
      })
  }

  /** Runs steps until one of them ends or stalls the connection; returns once it goes on. */
  const run = async (socket: Socket, steps: readonly FakeStep[]): Promise<void> => {
    for (const step of steps) {
      if (socket.destroyed) return
      if (step === 'reset') socket.resetAndDestroy()
      else if (step === 'end') socket.end()
      else if (step === 'stall')
        await new Promise<void>((goOn) => {
          stalled.add(goOn)
          socket.once('close', goOn)
        })
      else socket.write(Buffer.isBuffer(step) ? step : encodeBackend(step))
    }
  }

  const serve = async (socket: Socket): Promise<void> => {
    let startup = new StartupSplitter()
    let splitter: FrameSplitter | undefined
    // Reading by iteration takes nothing more from the socket while a step stalls.
    for await (let chunk of socket) {
      while (splitter === undefined) {
        const frame = startup.push(chunk)
        if (frame === undefined) break
        startup = new StartupSplitter()
        const packet = decodeStartup(frame.body)
        startups.push(packet)
        chunk = frame.rest
        if (packet.type === 'sslRequest') await run(socket, [options.sslAnswer ?? Buffer.from('N')])
        else if (packet.type === 'cancelRequest') socket.end()
        else {
          splitter = new FrameSplitter(frontendCaps())
          await run(socket, options.greet?.(packet) ?? welcome())
        }
        tell()
      }
      for (const frame of splitter?.push(chunk) ?? []) {
        const message = decodeFrontend(frame)
        received.push(message)
        tell()
        if (message.type === 'terminate') socket.end()
        else await run(socket, options.answer?.(message) ?? [])
      }
    }
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      tell()
    })
    serve(socket).catch(() => socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const release = () => {
    for (const goOn of stalled) goOn()
    stalled.clear()
  }
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    startups,
    received,
    receivedCount: (count) => until(() => received.length >= count),
    release,
    connections: () => sockets.size,
    idle: () => until(() => sockets.size === 0),
    async stop() {
      release()
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
