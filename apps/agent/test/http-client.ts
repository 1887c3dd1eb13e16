// A client of HTTP targets for tests: whole requests by Node's own client, and exact bytes over TLS.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:tls'
import type { Shown } from './data-path.ts'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  readonly bytes: Buffer
}

export interface Sending {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
  readonly shown?: Shown
  readonly token?: string | null
}

export interface HttpClient {
  send(url: string, options?: Sending): Promise<Reply>
  /** The answer as it begins; its body is the test's to read. */
  open(url: string, options?: Sending): Promise<IncomingMessage>
  /** Exact bytes over TLS; everything that comes back until the connection ends. `{token}` is a good token. */
  raw(text: string, target?: string): Promise<string>
}

/** Where HTTP is served, and tokens that it takes. */
export interface HttpDoor {
  readonly httpPort: number
  readonly ca: string
  token(shown?: Shown): Promise<string>
}

/** `path` is asked with each request, since tests start theirs before all. */
export function httpClient(path: () => HttpDoor): HttpClient {
  const open: HttpClient['open'] = async (url, options = {}) => {
    const target = url.split('/')[1] ?? ''
    const token = options.token === undefined ? await path().token({ target, ...options.shown }) : options.token
    const request = httpsRequest({
      host: '127.0.0.1',
      port: path().httpPort,
      servername: 'localhost',
      ca: path().ca,
      path: url,
      agent: false,
      method: options.method ?? 'GET',
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...options.headers },
    })
    request.end(options.body)
    const [response] = await once(request, 'response')
    return response
  }
  return {
    open,
    async send(url, options) {
      const response = await open(url, options)
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      return { status: response.statusCode ?? 0, headers: response.headers, body: bytes.toString('utf8'), bytes }
    },
    async raw(text, target = 'crm') {
      const token = await path().token({ target })
      const socket = connect({ host: '127.0.0.1', port: path().httpPort, servername: 'localhost', ca: path().ca })
      await once(socket, 'secureConnect')
      socket.write(Buffer.from(text.replaceAll('{token}', token), 'latin1'))
      const chunks: Buffer[] = []
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
      socket.on('error', () => {})
      await once(socket, 'close')
      return Buffer.concat(chunks).toString('latin1')
    },
  }
}
