// A server of MCP for tests, by bytes: it keeps what it was sent and answers as the test says, as JSON or as events.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Heard {
  readonly method: string
  readonly headers: IncomingMessage['headers']
  /** Parsed; null without a body. */
  readonly message: any
}

export interface McpTestServer {
  readonly port: number
  readonly heard: Heard[]
  /** Messages of one method, in order. */
  of(method: string): any[]
  /** Settles when such a message has come. */
  seen(fits: (heard: Heard) => boolean): Promise<Heard>
  /** What `tools/list` says. */
  tools: readonly object[]
  /** Answers what is none of the handshake; by default with what `results` has for the method. */
  answer: (message: any, response: ServerResponse, request: IncomingMessage) => void
  results: Record<string, unknown>
  stop(): Promise<void>
}

export const events = (response: ServerResponse, ...messages: readonly (object | string)[]): void => {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const message of messages)
    response.write(typeof message === 'string' ? message : `event: message\ndata: ${JSON.stringify(message)}\n\n`)
}

export const json = (response: ServerResponse, message: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(message))
}

export const resultOf = (message: { id: unknown }, result: unknown): object => ({
  jsonrpc: '2.0',
  id: message.id,
  result,
})

export async function startMcpServer(): Promise<McpTestServer> {
  const heard: Heard[] = []
  const waiting: { fits: (one: Heard) => boolean; settle: (one: Heard) => void }[] = []
  const http = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8')
      const message = text === '' ? null : JSON.parse(text)
      const one = { method: request.method ?? '', headers: request.headers, message }
      heard.push(one)
      for (const each of [...waiting]) if (each.fits(one)) each.settle(one)
      if (message?.method === 'initialize') {
        response.setHeader('mcp-session-id', 'server-session-1')
        json(
          response,
          resultOf(message, {
            protocolVersion: message.params.protocolVersion,
            capabilities: { tools: { listChanged: true }, resources: {}, prompts: {}, tasks: {} },
            serverInfo: { name: 'test', version: '1' },
          }),
        )
      } else if (message !== null && message.id === undefined) response.writeHead(202).end()
      else if (message?.method === 'tools/list') json(response, resultOf(message, { tools: server.tools }))
      else server.answer(message, response, request)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const server: McpTestServer = {
    port: (http.address() as AddressInfo).port,
    heard,
    of: (method) => heard.map(({ message }) => message).filter((message) => message?.method === method),
    seen(fits) {
      const known = heard.find(fits)
      return known === undefined ? new Promise((settle) => waiting.push({ fits, settle })) : Promise.resolve(known)
    },
    tools: [],
    results: {},
    answer(message, response) {
      if (message === null) response.writeHead(405).end()
      else json(response, resultOf(message, server.results[message.method] ?? {}))
    },
    async stop() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  return server
}
