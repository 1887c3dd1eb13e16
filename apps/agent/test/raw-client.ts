// A client that is nothing but messages of `wire`: it sends what a test says, when it says so, and waits for what it names.
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { decodeBackend } from '@sallyport/wire/postgres/decode'
import { encodeFrontend, encodeStartup } from '@sallyport/wire/postgres/encode'
import { FrameSplitter } from '@sallyport/wire/postgres/frames'
import type { BackendMessage, FrontendMessage } from '@sallyport/wire/postgres/messages'
import { backendCaps } from '@sallyport/wire/postgres/names'
import type { DataPath, Shown } from './data-path.ts'

export interface RawClient {
  send(...messages: readonly FrontendMessage[]): void
  /** The next message that fits, with all before it skipped. Rejects when the connection ends first. */
  next<T extends BackendMessage['type']>(type: T): Promise<Extract<BackendMessage, { type: T }>>
  /** Types of all messages since the last call, in short. */
  taken(): string[]
  /** Sends a CancelRequest for this session by another connection. */
  cancel(): Promise<void>
  /** Cuts the connection without a word. */
  destroy(): void
  /** Reads nothing from now on, until `resume`. */
  pause(): void
  resume(): void
  /** Bytes as they are. */
  write(bytes: Buffer): void
  /** Bytes that were sent and that the agent has not taken. */
  readonly unsent: number
  /** Our cancel key, as the agent gave it. */
  readonly key: Buffer
  /** What the agent reported of settings. */
  readonly parameters: ReadonlyMap<string, string>
  readonly closed: Promise<unknown>
}

export interface RawOptions {
  /** Of protocol 3. */
  readonly minor?: number
  readonly startup?: Readonly<Record<string, string>>
}

export async function rawClient(path: DataPath, shown: Shown = {}, options: RawOptions = {}): Promise<RawClient> {
  const plain = connect({ host: '127.0.0.1', port: path.port, noDelay: true })
  await once(plain, 'connect')
  plain.write(encodeStartup({ type: 'sslRequest' }))
  await once(plain, 'readable')
  if (plain.read(1)?.toString() !== 'S') throw new Error('no TLS')
  const socket = connectTls({ socket: plain, ca: path.ca, servername: 'localhost' })
  socket.on('error', () => {})
  const splitter = new FrameSplitter(backendCaps())
  const messages: BackendMessage[] = []
  const waiting = new Set<() => void>()
  const all: string[] = []
  const reported = new Map<string, string>()
  let at = 0
  let isClosed = false
  const wake = () => {
    for (const one of [...waiting]) one()
  }
  socket.on('data', (chunk: Buffer) => {
    for (const frame of splitter.push(chunk)) {
      const message = decodeBackend(frame)
      messages.push(message)
      if (message.type === 'parameterStatus') reported.set(message.name, message.value)
      else all.push(brief(message))
    }
    wake()
  })
  const closed = once(socket, 'close').then(() => {
    isClosed = true
    wake()
  })
  const next = async (type: BackendMessage['type']): Promise<any> => {
    for (;;) {
      const found = messages.findIndex((message, index) => index >= at && message.type === type)
      if (found >= 0) {
        at = found + 1
        return messages[found]
      }
      if (isClosed) throw new Error(`closed; ${all.join(', ')}`)
      await new Promise<void>((resolve) => {
        const one = () => {
          waiting.delete(one)
          resolve()
        }
        waiting.add(one)
      })
    }
  }
  const asked = Object.entries({ user: 'sallyport', database: shown.target ?? 'shop', ...options.startup })
  socket.write(encodeStartup({ type: 'startup', major: 3, minor: options.minor ?? 0, parameters: asked }))
  socket.write(encodeFrontend({ type: 'password', bytes: Buffer.from(`${await path.token(shown)}\0`) }))
  const key = await next('backendKeyData')
  await next('readyForQuery')
  all.length = 0
  return {
    send(...sent) {
      socket.write(Buffer.concat(sent.map((message) => encodeFrontend(message))))
    },
    next,
    taken: () => all.splice(0),
    async cancel() {
      const asking = connect({ host: '127.0.0.1', port: path.port })
      asking.on('error', () => {})
      asking.resume()
      asking.end(encodeStartup({ type: 'cancelRequest', processId: key.processId, key: key.key }))
      await once(asking, 'close')
    },
    destroy: () => plain.destroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    write: (bytes) => void socket.write(bytes),
    get unsent() {
      return socket.writableLength
    },
    key: key.key,
    parameters: reported,
    closed,
  }
}

function brief(message: BackendMessage): string {
  switch (message.type) {
    case 'commandComplete':
      return message.tag
    case 'readyForQuery':
      return `ready ${message.status}`
    case 'errorResponse':
      return `error ${message.fields.find(([code]) => code === 'C')?.[1]}`
    case 'dataRow':
      return `row ${message.values.map((value) => (value === null ? 'null' : Buffer.from(value).toString())).join('|')}`
    default:
      return message.type
  }
}
