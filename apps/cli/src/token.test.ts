// A token for a function that acts for the person: what is exchanged for what, and what is printed.
import { errorDocsUrl } from '@sallyport/base/errors'
import { expect, test } from 'vitest'
import { loginFile, makeWorld, nowMs, runIn, storedLogin } from '../test/world.ts'

const connection = { host: 'agent.example', port: 6432, database: 'shop', user: 'sallyport', ca: 'PEM', url: null }
const own = { token: 'own-token', expiresAt: '2026-06-01T13:00:00.000Z', connection }

function answering(exchanged: object, status = 200) {
  const asked: { path: string; type: string; body: string }[] = []
  const world = makeWorld({
    fetch: async (input, init) => {
      const path = new URL(String(input)).pathname
      asked.push({ path, type: new Headers(init?.headers).get('content-type') ?? '', body: String(init?.body) })
      const isExchange = path === '/oauth2/token'
      return new Response(JSON.stringify(isExchange ? exchanged : own), { status: isExchange ? status : 200 })
    },
  })
  world.stored.set(loginFile, storedLogin('https://sp.example'))
  world.stored.set('/run/function', 'function-token\n')
  return { world, asked }
}
const jwt = 'urn:ietf:params:oauth:token-type:jwt'
const given = { access_token: 'delegated', issued_token_type: jwt, token_type: 'N_A', expires_in: 300 }

test('a token alone is the person’s own', async () => {
  const { world, asked } = answering(given)
  expect(await runIn(world, 'token', 'shop')).toMatchObject({ status: 0, stdout: 'own-token\n' })
  expect(asked).toHaveLength(1)
})

test('with the token of a function, both are exchanged for one', async () => {
  const { world, asked } = answering(given)
  const ran = await runIn(world, 'token', 'shop', '--actor-file', '/run/function', '--single-use', '--json')
  expect(ran.status).toBe(0)
  expect(JSON.parse(ran.stdout).result).toEqual({
    token: 'delegated',
    expiresAt: new Date(nowMs + 300_000).toISOString(),
    target: 'shop',
  })
  expect(asked[1]?.type).toBe('application/x-www-form-urlencoded')
  expect(Object.fromEntries(new URLSearchParams(asked[1]?.body))).toEqual({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: 'own-token',
    subject_token_type: jwt,
    actor_token: 'function-token',
    actor_token_type: jwt,
    audience: 'shop',
    single_use: 'true',
  })
})

test('a refusal of the exchange has its code and status', async () => {
  const refusal = {
    type: errorDocsUrl('ACTOR_FORBIDDEN'),
    title: 'actor forbidden',
    status: 400,
    code: 'ACTOR_FORBIDDEN',
    detail: 'nothing lets this actor act',
    requestId: 'r1',
    error: 'invalid_target',
    error_description: 'nothing lets this actor act',
    error_uri: errorDocsUrl('ACTOR_FORBIDDEN'),
  }
  const { world } = answering(refusal, 400)
  const ran = await runIn(world, 'token', 'shop', '--actor-file', '/run/function')
  expect(ran).toMatchObject({ status: 5, stdout: '' })
  expect(ran.stderr).toContain('ACTOR_FORBIDDEN')
})

test.each([
  [['--single-use'], 2],
  [['--actor-file', '/nowhere'], 3],
])('%j is refused before anything is sent to the exchange', async (parameters, status) => {
  const { world, asked } = answering(given)
  expect((await runIn(world, 'token', 'shop', ...parameters)).status).toBe(status)
  expect(asked.some(({ path }) => path === '/oauth2/token')).toBe(false)
})
