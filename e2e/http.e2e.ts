// An HTTP API behind the real agent, asked by real clients with a token and nothing else: curl and fetch. The credential is
// injected, rules are about routes, and every request stands in a record that verifies.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateClient } from './http/generated.ts'
import { runCli } from './stack/cli.ts'
import { decide } from './stack/holds.ts'
import { cliScript } from './stack/stack.ts'
import { until } from './stack/until.ts'
import { expectExplained, useStack } from './stack/use.ts'

const stack = useStack({ agentEnv: { CRM_TOKEN: 'crm-credential-4711-of-the-agent' } })
const hasCurl = spawnSync('curl', ['--version']).status === 0
let api: Server
const seen: { readonly url: string; readonly authorization: string }[] = []

beforeAll(async () => {
  api = createServer((request, response) => {
    seen.push({ url: request.url ?? '', authorization: request.headers.authorization ?? '' })
    response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'session=1' })
    const isPersonal = /people|refunds/.test(request.url ?? '')
    const owner = isPersonal ? { owner: 'olga.private@example.com' } : {}
    response.end(JSON.stringify({ method: request.method, url: request.url, ...owner }))
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  const { port } = api.address() as AddressInfo
  const admin = await stack().as('adam')
  const applied = await admin.post('/api/v1/apply', { yaml: documents(port) })
  expect(applied.status, applied.text).toBe(200)
  await until('the agent serves it', async () => (await ask('/v1/ping', 'ann')).status !== 404)
  seen.length = 0
})
afterAll(async () => {
  api?.closeAllConnections()
  await new Promise((resolve) => api?.close(resolve))
})

const documents = (port: number): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: crm, description: Customers over HTTP }
spec:
  protocol: http
  agents: [shop-agent]
  url: http://127.0.0.1:${port}/api
  network: loopback
  credential: { bearer: { env: CRM_TOKEN } }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: crm-access }
spec:
  targets: { names: [crm] }
  rules:
    - { name: read, effect: allow, callers: { groups: [engineering] }, operations: [http.GET, http.HEAD], objects: ["/v1/**"] }
    - name: changes-need-a-person
      effect: hold
      callers: { groups: [engineering] }
      operations: [http.POST]
      objects: ["/v1/**"]
      when: http.body.amount <= 100
      approval: { reviewers: [{ group: dba }], wait: 60s }
    - { name: no-exports, effect: deny, objects: ["/v1/exports/**"], message: exports leave by the warehouse only }
  masks: [{ name: owner, routes: ["/v1/people/**", "/v1/refunds"], path: $.owner, method: email }]
  outward: [{ name: no-keys, detect: [aws-key], message: keys stay inside }]
  limits: [{ name: reads, per: initiator, requests: 1000, every: 1h }]
`

/** As a person would with a token from the console: the URL and the authority come with it. */
async function ask(path: string, login: string, method = 'GET', body: string | null = null) {
  const person = await stack().as(login)
  const { token, connection } = (await person.post('/api/v1/tokens', { target: 'crm' })).body
  const ca = join(stack().dir, 'people', 'http-authority.pem')
  writeFileSync(ca, connection.ca)
  // Another process: the authority is a matter of its environment.
  const script = `const [, url, method, token, body] = process.argv
    fetch(url, { method, body, headers: { authorization: 'Bearer ' + token, ...(body ? { 'content-type': 'application/json' } : {}) } })
    .then(async (r) => console.log(JSON.stringify({ status: r.status, headers: Object.fromEntries(r.headers), body: await r.text() })))`
  const child = spawn(
    process.execPath,
    ['-e', script, `${connection.url}${path}`, method, token, ...(body === null ? [] : [body])],
    {
      env: { PATH: process.env.PATH ?? '', NODE_EXTRA_CA_CERTS: ca },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  await once(child, 'close')
  return JSON.parse(text) as { status: number; headers: Record<string, string>; body: string }
}

test('fetch asks with a token: the API sees the agent’s credential, the caller sees the answer and no cookie', async () => {
  const reply = await ask('/v1/orders?page=2', 'ann')
  expect(reply.status).toBe(200)
  expect(JSON.parse(reply.body)).toEqual({ method: 'GET', url: '/api/v1/orders?page=2' })
  expect(reply.headers['set-cookie']).toBeUndefined()
  expect(seen.at(-1)?.authorization).toBe('Bearer crm-credential-4711-of-the-agent')
  expect(JSON.stringify(reply)).not.toContain('crm-credential')
})

test('what no rule allows, and what a rule denies, does not reach the API', async () => {
  const before = seen.length
  for (const [path, method, code] of [
    ['/v1/orders/7', 'DELETE', 'POLICY_UNCOVERED'],
    ['/v1/exports/all', 'GET', 'POLICY_DENIED'],
    ['/v1/Exports/all', 'GET', 'POLICY_DENIED'],
  ] as const) {
    const reply = await ask(path, 'ann', method)
    expect(reply.status).toBe(403)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(reply.body)).toMatchObject({ code })
    expectExplained(code)
  }
  expect(seen.length).toBe(before)
})

test('answers come masked, and secrets do not leave', async () => {
  const masked = await ask('/v1/people/7', 'ann')
  expect(JSON.parse(masked.body)).toMatchObject({ owner: '***@example.com', url: '/api/v1/people/7' })
  expect(masked.headers['cache-control']).toBe('no-store')
  expect(masked.headers['ratelimit']).toMatch(/^"crm-access\/reads";r=[0-9]+;t=[0-9]+$/)
  const before = seen.length
  const stopped = await ask('/v1/people?key=AKIAIOSFODNN7EXAMPLE', 'ann')
  expect(JSON.parse(stopped.body)).toMatchObject({ code: 'OUTWARD_SECRET', hint: 'keys stay inside' })
  expectExplained('OUTWARD_SECRET')
  expect(seen.length).toBe(before)
})

test('a held request is shown to a person, and runs once when it is sent again after the approval', async () => {
  const before = seen.length
  const refund = '{"amount":7,"note":"once"}'
  const held = await ask('/v1/refunds', 'ann', 'POST', refund)
  expect(held.status).toBe(403)
  expect(held.headers['retry-after']).toBe('5')
  const { code, approvalUrl } = JSON.parse(held.body)
  expect(code).toBe('HOLD_PENDING')
  const id = String(approvalUrl).split('/').at(-1) ?? ''
  const bob = await stack().as('bob')
  const card = await bob.get(`/api/v1/approvals/${id}`)
  expect(card.body).toMatchObject({ verbs: ['POST'], objects: ['/v1/refunds'], target: 'crm' })
  expect(card.body.statement.text).toContain(refund)
  expect((await decide(bob, id, 'approved')).status).toBe(200)
  const run = await ask('/v1/refunds', 'ann', 'POST', refund)
  expect(run.status, run.body).toBe(200)
  expect(JSON.parse(run.body)).toMatchObject({ method: 'POST', owner: '***@example.com' })
  expect(JSON.parse((await ask('/v1/refunds', 'ann', 'POST', refund)).body)).toMatchObject({ code: 'HOLD_PENDING' })
  // Another amount is another rule's business: none allows it.
  expect(JSON.parse((await ask('/v1/refunds', 'ann', 'POST', '{"amount":101}')).body)).toMatchObject({
    code: 'POLICY_UNCOVERED',
  })
  expect(seen.length).toBe(before + 1)
  await until('the run is reported', async () => (await bob.get(`/api/v1/approvals/${id}`)).body.state === 'run')
})

test.skipIf(!hasCurl)('curl works in the environment that the command line makes', async () => {
  const home = await stack().cliHome('ann')
  const line = 'curl -sS -H "Authorization: Bearer $SALLYPORT_TOKEN" "$SALLYPORT_URL/v1/customers"'
  const ran = await runCli(['connect', 'crm', '--', 'sh', '-c', line], { home })
  expect(ran.stderr).toBe('')
  expect(JSON.parse(ran.stdout)).toEqual({ method: 'GET', url: '/api/v1/customers' })
  const shown = await runCli(['connect', 'crm'], { home })
  expect(shown.stdout).toContain(`https://localhost:${stack().ports.agentHttp}/crm`)
  expect((await runCli(['targets'], { home })).stdout).toMatch(/crm\s+http\s+localhost:/)
})

test('a client that is generated from the OpenAPI description works with another base URL and a token', async () => {
  const client = await generateClient(stack().dir)
  const { port } = api.address() as AddressInfo
  const direct = await client.ask(`http://127.0.0.1:${port}/api`, 'crm-credential-4711-of-the-agent')
  const { token, connection } = (await (await stack().as('ann')).post('/api/v1/tokens', { target: 'crm' })).body
  const authority = join(stack().dir, 'people', 'generated-authority.pem')
  writeFileSync(authority, connection.ca)
  const through = await client.ask(connection.url, token, authority)
  expect(direct).toEqual({
    orders: '/api/v1/orders?page=2',
    owner: 'olga.private@example.com',
    exports: 'GET',
    refund: 'POST',
  })
  expect(through).toEqual({
    orders: '/api/v1/orders?page=2',
    owner: '***@example.com',
    exports: 'POLICY_DENIED',
    refund: 'HOLD_PENDING',
  })
})

test('the command line says what an HTTP API is not for, and doctor reaches its agent', async () => {
  const home = await stack().cliHome('ann')
  const asked = await runCli(['query', 'crm', 'SELECT 1'], { home })
  expect(asked.status).toBe(2)
  expect(asked.stderr).toContain('"crm" is an HTTP API; it takes no SQL')
  expect(asked.stderr).toContain('sallyport connect crm')
  const ticket = await runCli(['ticket', 'crm'], { home })
  expect(ticket.stderr).toContain('sallyport token crm')
  const doctor = await runCli(['doctor', 'crm', '--json'], { home })
  expect(doctor.status, doctor.stdout).toBe(0)
})

test('its record shows the requests, holds neither token nor credential, and verifies', async () => {
  const auditor = await stack().as('adam')
  const found = await until('the sessions are recorded', async () => {
    const { body } = await auditor.get('/api/v1/sessions?target=crm&limit=100')
    return body.items.length > 0 && body.items.every((item: { state: string }) => item.state === 'closed')
      ? body.items
      : null
  })
  const texts: string[] = []
  for (const { id } of found) {
    const { text, body } = await auditor.get(`/api/v1/sessions/${id}/entries?limit=500`)
    expect(text).not.toContain('crm-credential')
    expect(text).not.toContain('Bearer')
    expect(text).not.toMatch(/olga|AKIA|once/)
    for (const entry of body.items) if (entry.kind === 'intent') texts.push(entry.text)
  }
  expect(texts).toContain('GET /v1/orders?page=2')
  const file = join(stack().dir, 'people', 'http-session.jsonl')
  writeFileSync(file, (await auditor.get(`/api/v1/sessions/${found[0].id}/export`)).text)
  const verified = await runCli(['audit', 'verify', file, '--json'], { home: await stack().cliHome('adam') })
  expect(verified.status, verified.stderr + verified.stdout).toBe(0)
})

/** A client of the official SDK, with the command line as its server: its whole environment is a login. */
async function door(login: string, ...parameters: string[]) {
  const home = await stack().cliHome(login)
  const client = new Client({ name: 'model', version: '1' })
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [cliScript, 'mcp', ...parameters],
    env: { PATH: process.env.PATH ?? '', HOME: home, XDG_CONFIG_HOME: home },
    stderr: 'pipe',
  })
  await client.connect(transport)
  const heard: string[] = []
  const call = async (name: string, given: Record<string, unknown> = {}) => {
    const onprogress = ({ message }: { message?: string | undefined }) => void heard.push(message ?? '')
    const answer = await client.callTool({ name, arguments: given }, undefined, { onprogress })
    const [content] = answer.content as { type: string; text: string }[]
    return { isError: answer.isError === true, value: JSON.parse(content?.text ?? 'null') }
  }
  return { client, call, heard, pid: transport.pid }
}

test('a model works through "sallyport mcp" with no credential: targets, masked columns by name, rows, refusals', async () => {
  const { client, call } = await door('ann')
  try {
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual([
      'list_targets',
      'describe_schema',
      'approval_requests',
      'query',
      'http_request',
    ])
    const { value: list } = await call('list_targets')
    expect(list.targets.map(({ name }: { name: string }) => name)).toEqual(['crm', 'shop'])
    const { value: schema } = await call('describe_schema', { target: 'shop', match: 'customers' })
    expect(schema.relations).toHaveLength(1)
    expect(schema.relations[0]).toMatchObject({ name: 'public.customers', may: expect.arrayContaining(['select']) })
    expect(schema.relations[0].columns).toContain('email text not null MASKED (email)')
    const read = await call('query', { target: 'shop', sql: 'SELECT name, email FROM customers ORDER BY id', rows: 2 })
    expect(read.value.results[0]).toMatchObject({ columns: ['name', 'email'], cut: expect.stringContaining('2 of ') })
    expect(read.value.results[0].rows).toHaveLength(2)
    for (const [, email] of read.value.results[0].rows) expect(email).toMatch(/^\*\*\*@/)
    const denied = await call('query', { target: 'shop', sql: "UPDATE customers SET name = 'x' WHERE id = 1" })
    expect(denied).toMatchObject({ isError: true, value: { error: { code: 'POLICY_DENIED' } } })
    expectExplained(denied.value.error.code)
    const person = await call('http_request', { target: 'crm', method: 'GET', path: '/v1/people/7' })
    expect(person.value.status).toBe(200)
    expect(JSON.parse(person.value.text).owner).toMatch(/^\*\*\*@/)
    const unknown = await call('query', { target: 'payroll', sql: 'SELECT 1' })
    expect(unknown).toMatchObject({ isError: true, value: { error: { code: 'TARGET_UNKNOWN' } } })
    expect(JSON.stringify([list, schema, read, denied, person])).not.toMatch(/eyJ|crm-credential/)
  } finally {
    await client.close()
  }
})

test('what needs a person is pending with its URL, at once, and runs when the very same call comes again', async () => {
  const bob = await stack().as('bob')
  const { client, call, heard } = await door('ann', '--target', 'shop', 'crm')
  try {
    const erase = { target: 'shop', sql: 'DELETE FROM payments WHERE id = 21', waitSeconds: 0 }
    const first = await call('query', erase)
    expect(first).toMatchObject({ isError: false, value: { status: 'pending', url: expect.any(String) } })
    expect(heard.join()).toContain(first.value.url)
    const id = first.value.url.split('/').at(-1)
    expect(first.value.url).toBe(`${stack().url}/approvals/${id}`)
    expect((await call('approval_requests')).value.requests[0]).toMatchObject({
      url: first.value.url,
      state: 'pending',
    })
    expect((await call('query', erase)).value.url).toBe(first.value.url)
    expect((await decide(bob, id, 'approved')).status).toBe(200)
    expect((await call('query', erase)).value.results).toMatchObject([{ command: 'DELETE', rowCount: 1 }])
    const refund = { target: 'crm', method: 'POST', path: '/v1/refunds', body: '{"amount":7}', waitSeconds: 0 }
    const held = await call('http_request', refund)
    expect(held.value).toMatchObject({ status: 'pending', url: expect.stringContaining('/approvals/') })
    expect((await decide(bob, held.value.url.split('/').at(-1), 'approved')).status).toBe(200)
    expect((await call('http_request', refund)).value).toMatchObject({ status: 200 })
  } finally {
    await client.close()
  }
})

test('the server of "sallyport mcp" serves what it was told to, and says when the login is over', async () => {
  const { client, call } = await door('bob', '--target', 'shop')
  try {
    expect((await call('http_request', { target: 'crm', method: 'GET', path: '/v1/ping' })).value.error.code).toBe(
      'TARGET_UNKNOWN',
    )
    const home = await stack().cliHome('bob')
    const file = join(home, 'sallyport', 'login.json')
    const login = readFileSync(file, 'utf8')
    writeFileSync(file, JSON.stringify({ ...JSON.parse(login), expiresAt: '2020-01-01T00:00:00Z' }))
    const over = await call('query', { target: 'shop', sql: 'SELECT 1' })
    writeFileSync(file, login)
    expect(over.value.error).toMatchObject({ code: 'LOGIN_REQUIRED', hint: expect.stringContaining('sallyport login') })
  } finally {
    await client.close()
  }
})
