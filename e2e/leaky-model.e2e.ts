// Scene (c), the leaky model: an assistant works with the shop's MCP server through the gateway. Its call that carries a secret
// outward is stopped, its results hold nothing personal, and the record says what happened without repeating it.
import { request } from 'node:https'
import { Readable } from 'node:stream'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { truth } from './demo/story.ts'
import { type ShopTools, startShopTools } from './stack/shop-tools.ts'
import { until } from './stack/until.ts'
import { expectExplained, useStack } from './stack/use.ts'

const credential = 'shop-tools-credential-4711-of-the-agent'
const stack = useStack({ agentEnv: { SHOP_TOOLS_TOKEN: credential } })
let tools: ShopTools

beforeAll(async () => {
  tools = await startShopTools(stack().target.url('shop'), credential)
  const admin = await stack().as('adam')
  const applied = await admin.post('/api/v1/apply', { yaml: documents(tools.port) })
  expect(applied.status, applied.text).toBe(200)
})
afterAll(async () => await tools?.stop())

const documents = (port: number): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop-tools, description: Tools of the shop for assistants }
spec:
  protocol: http
  agents: [shop-agent]
  url: http://127.0.0.1:${port}/mcp
  network: loopback
  credential: { bearer: { env: SHOP_TOOLS_TOKEN } }
  mcp: {}
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: assistants }
spec:
  targets: { names: [shop-tools] }
  rules:
    - { name: work, effect: allow, callers: { groups: [engineering] }, objects: [shop-tools/find_*, shop-tools/send_note] }
  masks:
    - { name: people, routes: [shop-tools/find_customer], path: [$.customers.email, $.customers.phone, $.customers.ssn], method: redact }
    - { name: found, detect: [email, phone, us-ssn], method: redact }
  outward: [{ name: keys, detect: [aws-key, jwt, private-key], message: keys stay inside }]
`

/** fetch with the installation's own authority, which Node's takes from its environment alone. */
const fetchBy =
  (ca: string) =>
  (url: string | URL, init: RequestInit = {}): Promise<Response> =>
    new Promise((resolve, reject) => {
      const headers = Object.fromEntries(new Headers(init.headers))
      const asked = request(
        url,
        { method: init.method ?? 'GET', headers, ca, signal: init.signal ?? undefined },
        (answer) => {
          const status = answer.statusCode ?? 0
          const body = status === 202 || status === 204 ? null : (Readable.toWeb(answer) as ReadableStream)
          resolve(
            new Response(body, {
              status,
              headers: new Headers(Object.entries(answer.headers).map(([name, value]) => [name, String(value)])),
            }),
          )
        },
      )
      asked.on('error', reject)
      asked.end(init.body ?? undefined)
    })

async function assistant(): Promise<Client> {
  const { token, connection } = (await (await stack().as('ann')).post('/api/v1/tokens', { target: 'shop-tools' })).body
  const client = new Client({ name: 'assistant', version: '1.0.0' })
  const transport = new StreamableHTTPClientTransport(new URL(connection.url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: fetchBy(connection.ca),
  })
  await client.connect(transport as Parameters<Client['connect']>[0])
  return client
}

test('a model that works with the shop sees no person in it, and sends no secret out', async () => {
  const client = await until('the agent serves it', () => assistant().catch(() => null))
  try {
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['find_customer', 'send_note'])
    const [alma] = await truth<{ email: string; phone: string; ssn: string }>(
      stack(),
      "SELECT email, phone, ssn FROM customers WHERE name LIKE 'Alma%'",
    )
    const found = JSON.stringify(await client.callTool({ name: 'find_customer', arguments: { name: 'Alma' } }))
    expect(found).toContain('Alma Almeida')
    for (const value of Object.values(alma ?? { none: '' })) expect(found).not.toContain(value)
    for (const text of ['our key is AKIAIOSFODNN7EXAMPLE', `sign in with ${credential}`]) {
      const refused = await client.callTool({ name: 'send_note', arguments: { text } }).catch((error: unknown) => error)
      expect(refused).toMatchObject({
        data: { code: 'OUTWARD_SECRET', type: expect.stringContaining('outward_secret') },
      })
    }
    expectExplained('OUTWARD_SECRET')
    expectExplained('TOOL_QUARANTINED')
    expect(tools.notes).toEqual([])
    await client.callTool({ name: 'send_note', arguments: { text: 'three lamps, please' } })
    expect(tools.notes).toEqual(['three lamps, please'])
  } finally {
    await client.close()
  }
})

test('the record says which tools were called, and repeats neither secret nor person', async () => {
  const auditor = await stack().as('adam')
  const texts = await until('its entries are there', async () => {
    const { body } = await auditor.get('/api/v1/sessions?target=shop-tools&limit=100')
    const all: string[] = []
    for (const { id } of body.items) all.push((await auditor.get(`/api/v1/sessions/${id}/entries?limit=500`)).text)
    return all.join('\n').includes('three lamps') ? all.join('\n') : null
  })
  expect(texts).toContain('tools/call find_customer')
  expect(texts).toContain('tool:shop-tools/send_note')
  expect(texts).toContain('OUTWARD_SECRET')
  expect(texts).not.toMatch(/AKIA|shop-tools-credential|alma\.almeida@/)
})
