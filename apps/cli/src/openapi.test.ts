// Routes of an OpenAPI description on a terminal: what is printed stands in a Target as it is.
import { parseDocuments } from '@sallyport/policy/parse'
import { expect, test } from 'vitest'
import { makeWorld, runIn } from '../test/world.ts'

const description = `
openapi: 3.1.0
paths:
  /v1/orders:
    get: { operationId: listOrders }
  /v1/orders/{id}:
    delete: { summary: gone }
  "/v1/x?y": { get: {} }
`
const ran = async (text: string, ...more: string[]) => {
  const world = makeWorld({})
  world.stored.set('crm.yaml', text)
  return await runIn(world, 'openapi', 'crm.yaml', ...more)
}

test('routes come as a part of a target', async () => {
  const { status, stdout, stderr } = await ran(description)
  expect(status).toBe(0)
  expect(stderr).toContain('left out: "/v1/x?y" holds a query')
  const target = `apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: crm }
spec:
  protocol: http
  agents: [a]
  url: https://crm.example
  credential: none
${stdout}`
  const { documents, problems } = parseDocuments(target)
  expect(problems).toEqual([])
  expect(documents[0]).toMatchObject({
    spec: {
      routes: {
        unknown: 'deny',
        list: [
          { name: 'listOrders', methods: ['GET'], path: '/v1/orders' },
          { name: 'delete-v1-orders-id', methods: ['DELETE'], path: '/v1/orders/{id}' },
        ],
      },
    },
  })
})

test('for programs as well', async () => {
  const { stdout } = await ran(description, '--json')
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, result: { routes: [{ name: 'listOrders' }, {}] } })
})

test.each([
  ['what is no OpenAPI', 'a: 1', 'DOCUMENT_INVALID'],
  ['what is no YAML', '{', 'YAML_INVALID'],
  ['aliases', 'a: &x [1]\npaths: *x', 'YAML_INVALID'],
])('%s is refused', async (_, text, code) => {
  const { status, stdout } = await ran(text, '--json')
  expect(status).not.toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code } })
})
