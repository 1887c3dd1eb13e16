// Against a real HTTP server: every error code of the API becomes its exit status, and what is no control plane of ours is
// said to be none. Bearers do not follow redirects.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { errorCodes, errorDocsUrl } from '@sallyport/base/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loginFile, makeWorld, runIn, storedLogin } from './world.ts'

let answer: (request: IncomingMessage, response: ServerResponse) => void = () => {}
let url = ''
const server = createServer((request, response) => answer(request, response))

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

function world() {
  const made = makeWorld({ fetch: globalThis.fetch })
  made.stored.set(loginFile, storedLogin(url))
  return made
}

const problem = (code: keyof typeof errorCodes, more: object = {}) => ({
  type: errorDocsUrl(code),
  title: 'x',
  status: errorCodes[code].http,
  code,
  detail: `what "${code}" says`,
  requestId: 'r1',
  ...more,
})

test.each(Object.keys(errorCodes) as (keyof typeof errorCodes)[])('%s of the API has its exit status', async (code) => {
  answer = (_, response) => {
    response.writeHead(errorCodes[code].http, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify(problem(code, { hint: 'do this' })))
  }
  const ran = await runIn(world(), 'whoami')
  expect(ran.status).toBe(errorCodes[code].exit)
  expect(ran.stdout).toBe('')
  expect(ran.stderr).toBe(
    `error: what "${code}" says\n  fix: do this\n  see: ${errorDocsUrl(code)} (${code}, request r1)\n`,
  )
})

test('problems of documents show with their places', async () => {
  const problems = [{ code: 'CEL_INVALID', line: 12, path: 'Policy/shop spec.rules[0].when', message: 'no such name' }]
  answer = (_, response) => response.writeHead(422).end(JSON.stringify(problem('CEL_INVALID', { problems })))
  const ran = await runIn(world(), 'whoami')
  expect(ran.stderr).toContain('  12: Policy/shop spec.rules[0].when: no such name (CEL_INVALID)\n')
  expect(JSON.parse((await runIn(world(), 'whoami', '--json')).stdout).error.problems).toEqual(problems)
})

test.each([
  ['a page of HTML', 200, '<html>'],
  ['another API', 200, '{"hello":1}'],
  ['an error of a proxy', 502, 'Bad Gateway'],
  ['a problem with a code that we do not know', 400, JSON.stringify({ ...problem('INTERNAL'), code: 'NEW_CODE' })],
])('%s is no control plane', async (_, status, body) => {
  answer = (_request, response) => response.writeHead(status).end(body)
  const ran = await runIn(world(), 'whoami')
  expect(ran.status).toBe(7)
  expect(ran.stderr).toContain('does not answer like a control plane')
})

test('a redirect is not followed, so the bearer stays', async () => {
  let calls = 0
  answer = (_, response) => {
    calls++
    response.writeHead(302, { location: `${url}/elsewhere` }).end()
  }
  expect((await runIn(world(), 'whoami')).status).toBe(7)
  expect(calls).toBe(1)
})

test('a connection that is cut off is unreachable, with the reason', async () => {
  answer = (request) => request.socket.destroy()
  const ran = await runIn(world(), 'whoami')
  expect(ran.status).toBe(7)
  expect(ran.stderr).toMatch(/cannot reach "http:\/\/127\.0\.0\.1:\d+" \([A-Z_]+\)/)
})

test('an export is written as it comes', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.write('{"a":1}\n')
    response.end('{"b":2}\n')
  }
  const used = world()
  const ran = await runIn(used, 'sessions', 'export', 'f'.repeat(32), '-o', 'out.jsonl')
  expect(ran.status).toBe(0)
  expect(used.stored.get('out.jsonl')).toBe('{"a":1}\n{"b":2}\n')
  expect((await runIn(used, 'sessions', 'export', 'f'.repeat(32))).stdout).toBe('{"a":1}\n{"b":2}\n')
})

test('an export that is cut off leaves no file', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{"a":1}\n')
    setImmediate(() => response.destroy())
  }
  const used = world()
  const ran = await runIn(used, 'sessions', 'export', 'f'.repeat(32), '-o', 'out.jsonl')
  expect(ran.status).toBe(7)
  expect(used.stored.has('out.jsonl')).toBe(false)
})
