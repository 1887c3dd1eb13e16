// Asks HTTP targets and MCP servers as a person's program does: the URL and the authority come with the token, and nothing else is
// known. Connections end with the caller, so that its sessions close.
import { Agent, request } from 'node:https'
import { Readable } from 'node:stream'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { PersonApi } from './people-api.ts'

export interface HttpCaller {
  fetch(url: string | URL, init?: RequestInit): Promise<Response>
  /** Below the target. */
  get(path: string, init?: RequestInit): Promise<Response>
  /** A client of the target's MCP server, connected. */
  mcp(): Promise<Client>
  close(): void
}

/** fetch with the installation's own authority, which Node's takes from its environment alone. */
export async function httpCaller(person: PersonApi, target: string): Promise<HttpCaller> {
  const { token, connection } = await person.token(target)
  const url = connection.url ?? ''
  const agent = new Agent({ ca: connection.ca, keepAlive: true })
  const headers = { authorization: `Bearer ${token}` }
  const fetch = (to: string | URL, init: RequestInit = {}) => fetchBy(agent, to, init)
  return {
    fetch,
    get: (path, init = {}) => fetch(`${url}${path}`, { ...init, headers: { ...headers, ...init.headers } }),
    async mcp() {
      const client = new Client({ name: 'assistant', version: '1.0.0' })
      const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, fetch })
      await client.connect(transport as Parameters<Client['connect']>[0])
      return client
    },
    close: () => agent.destroy(),
  }
}

const fetchBy = (agent: Agent, url: string | URL, init: RequestInit): Promise<Response> =>
  new Promise((resolve, reject) => {
    const headers = Object.fromEntries(new Headers(init.headers))
    const signal = init.signal ?? undefined
    const asked = request(url, { method: init.method ?? 'GET', headers, agent, signal }, (answer) => {
      const status = answer.statusCode ?? 0
      const isEmpty = status === 202 || status === 204
      if (isEmpty) answer.resume()
      const fields = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)])
      const body = isEmpty ? null : (Readable.toWeb(answer) as ReadableStream)
      resolve(new Response(body, { status, headers: new Headers(fields) }))
    })
    asked.on('error', reject)
    asked.end(init.body ?? undefined)
  })
