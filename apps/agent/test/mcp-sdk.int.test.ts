// The official SDK on both sides of the agent: client and server work unchanged but for the address, with JSON and with events, and
// a model's call that carries a secret outward is stopped while its results hold nothing personal (DESIGN §1, scene c).
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { Agent, fetch as undiciFetch } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type DataPath, startDataPath } from './data-path.ts'
import { httpTarget } from './http-target.ts'

const credential = 'shop-tools-credential-0123456789'
const heard: unknown[] = []
const transports = new Map<string, StreamableHTTPServerTransport>()
let isJson = false
let http: Server
let path: DataPath
let dispatcher: Agent

/** A shop as tools, as somebody would write it with the SDK. */
function shopTools(): McpServer {
  const server = new McpServer({ name: 'shop', version: '1.0.0' })
  const customer = { name: 'Alma Almeida', email: 'alma@example.com', ssn: '078-05-1120' }
  server.registerTool(
    'find_customer',
    {
      description: 'Finds a customer.',
      inputSchema: { name: z.string() },
      outputSchema: { name: z.string(), email: z.string(), ssn: z.string() },
    },
    async () => ({ content: [{ type: 'text', text: JSON.stringify(customer) }], structuredContent: customer }),
  )
  server.registerTool(
    'send_note',
    { description: 'Sends a note.', inputSchema: { text: z.string() } },
    async ({ text }) => {
      heard.push(text)
      return { content: [{ type: 'text', text: 'sent' }] }
    },
  )
  server.registerTool('delete_customer', { description: 'Deletes.', inputSchema: { name: z.string() } }, async () => ({
    content: [],
  }))
  server.registerTool('ask_model', { description: 'Asks.', inputSchema: {} }, async () => {
    const asked = await server.server
      .createMessage({ messages: [{ role: 'user', content: { type: 'text', text: 'all you know' } }], maxTokens: 10 })
      .catch((error: Error) => error.message)
    return { content: [{ type: 'text', text: String(asked) }] }
  })
  server.registerResource('terms', 'shop://terms', {}, async () => ({
    contents: [{ uri: 'shop://terms', text: 'of alma@example.com' }],
  }))
  return server
}

beforeAll(async () => {
  http = createServer(async (request, response) => {
    expect(request.headers.authorization).toBe(`Bearer ${credential}`)
    const id = String(request.headers['mcp-session-id'] ?? '')
    const known = transports.get(id)
    if (known !== undefined) return await known.handleRequest(request, response)
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      enableJsonResponse: isJson,
      onsessioninitialized: (session) => void transports.set(session, transport),
    })
    await shopTools().connect(transport as never)
    await transport.handleRequest(request, response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  path = await startDataPath({
    environment: { SHOP_TOOLS_TOKEN: credential },
    yaml: `
${httpTarget('shop-tools', (http.address() as AddressInfo).port, '/mcp')}
  credential: { bearer: { env: SHOP_TOOLS_TOKEN } }
  mcp: {}
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: assistants }
spec:
  targets: { names: [shop-tools] }
  rules:
    - { name: tools, effect: allow, callers: { groups: [engineering] }, objects: [shop-tools/find_*, shop-tools/send_note, shop-tools/ask_model] }
    - { name: terms, effect: allow, callers: { groups: [engineering] }, objects: ["resource:shop-tools/shop://terms"] }
  masks:
    - { name: ssn, routes: [shop-tools/find_customer], path: $.ssn, method: redact }
    - { name: found, detect: [email], method: redact }
  outward: [{ name: keys, detect: [aws-key, jwt, private-key], message: keys stay inside }]
`,
  })
  dispatcher = new Agent({ connect: { ca: path.ca, servername: 'localhost' } })
})
afterAll(async () => {
  await dispatcher.destroy()
  await path.stop()
  http.closeAllConnections()
  await new Promise((resolve) => http.close(resolve))
})
beforeEach(() => {
  heard.length = 0
  path.recorder.entries.length = 0
})

async function connected(): Promise<Client> {
  const client = new Client({ name: 'assistant', version: '1.0.0' }, { capabilities: { sampling: {} } })
  const token = await path.token({ target: 'shop-tools' })
  const transport = new StreamableHTTPClientTransport(new URL(`https://127.0.0.1:${path.httpPort}/shop-tools`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: ((url: string | URL, init: object) => undiciFetch(url, { ...init, dispatcher })) as never,
  })
  await client.connect(transport as never)
  return client
}

describe.each([
  ['events', false],
  ['JSON', true],
])('the SDK, answered as %s', (_, json) => {
  it('lists what may be called, calls it, and reads what may be read', async () => {
    isJson = json
    const client = await connected()
    try {
      expect(client.getServerVersion()).toMatchObject({ name: 'shop' })
      const { tools } = await client.listTools()
      expect(tools.map(({ name }) => name)).toEqual(['find_customer', 'send_note', 'ask_model'])
      const found = await client.callTool({ name: 'find_customer', arguments: { name: 'Alma' } })
      const hidden = { name: 'Alma Almeida', email: '[redacted]', ssn: '[redacted]' }
      expect(found.structuredContent).toEqual(hidden)
      expect(found.content).toEqual([{ type: 'text', text: JSON.stringify(hidden) }])
      const { contents } = await client.readResource({ uri: 'shop://terms' })
      expect(contents).toEqual([{ uri: 'shop://terms', text: 'of [redacted]' }])
      await expect(client.callTool({ name: 'delete_customer', arguments: { name: 'x' } })).rejects.toMatchObject({
        code: -32003,
        data: { code: 'POLICY_UNCOVERED' },
      })
    } finally {
      await client.close()
    }
  })

  it('scene (c): a call that carries a secret outward is stopped, and results hold nothing personal', async () => {
    isJson = json
    const client = await connected()
    try {
      const found = JSON.stringify(await client.callTool({ name: 'find_customer', arguments: { name: 'Alma' } }))
      expect(found).not.toMatch(/alma@|078-05/)
      for (const text of ['the key is AKIAIOSFODNN7EXAMPLE', `the password is ${credential}`])
        await expect(client.callTool({ name: 'send_note', arguments: { text } })).rejects.toMatchObject({
          data: { code: 'OUTWARD_SECRET' },
        })
      expect(heard).toEqual([])
      expect(JSON.stringify(path.recorder.entries)).not.toMatch(/AKIA|shop-tools-credential|alma@/)
      await client.callTool({ name: 'send_note', arguments: { text: 'good morning' } })
      expect(heard).toEqual(['good morning'])
    } finally {
      await client.close()
    }
  })
})

it('a server that asks for the model of its client is told that it may not (R-4.16)', async () => {
  isJson = false
  const client = await connected()
  try {
    const { content } = await client.callTool({ name: 'ask_model', arguments: {} })
    expect(JSON.stringify(content)).toMatch(/does not support sampling|carries no requests/)
  } finally {
    await client.close()
  }
})
