// A web service with a pool and many users, on the whole stack: tokens of people and of the service are exchanged at the real
// control plane, and each statement runs through the real agent with the rights of both.
import { exchangeGrant, jwtTokenType } from '@sallyport/api/exchange'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shopTarget } from './stack/documents.ts'
import { clientOf } from './stack/people-api.ts'
import { audience } from './stack/stack.ts'
import { until } from './stack/until.ts'
import { expectExplained, refusalOf, useStack } from './stack/use.ts'

const stack = useStack()
const target = 'web'
const more = `  initiator: required
  mayAct:
    - { actors: { groups: [reporting] }, initiators: { groups: [engineering] } }
`
const policy = `---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: web }
spec:
  targets: { names: [${target}] }
  rules:
    - { name: service, effect: allow, callers: { groups: [reporting] }, operations: [select] }
    - { name: people, effect: allow, callers: { groups: [engineering] }, operations: [select], objects: [public.orders] }
`
let pool: pg.Pool

const serviceToken = async (): Promise<string> => {
  const now = Math.floor(Date.now() / 1_000)
  return await stack().idp.sign({
    iss: stack().idp.issuer,
    sub: 'shop-reports',
    client_id: 'shop-reports',
    aud: audience,
    iat: now,
    exp: now + 300,
    jti: `web-${Math.round(performance.now() * 1_000)}`,
  })
}
const personToken = async (login: string) => await (await stack().as(login)).token(target)

async function exchange(login: string, changes: Record<string, string> = {}) {
  const form = {
    grant_type: exchangeGrant,
    subject_token: (await personToken(login)).token,
    subject_token_type: jwtTokenType,
    actor_token: await serviceToken(),
    actor_token_type: jwtTokenType,
    audience: target,
    ...changes,
  }
  const response = await fetch(`${stack().url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })
  return (await response.json()) as { access_token: string; code?: string }
}

beforeAll(async () => {
  const admin = await stack().as('adam')
  const applied = await admin.post('/api/v1/apply', {
    yaml: shopTarget({ name: target, place: 'web', more }, stack().places) + policy,
  })
  expect(applied.status, applied.text).toBe(200)
  const { host, port, database, user, ca } = (await personToken('ann')).connection
  pool = new pg.Pool({ host, port, database, user, ssl: { ca }, password: serviceToken, max: 1 })
  pool.on('error', () => {})
  await until('the agent serves it', async () => (await pool.query('select 1 as one')).rows.length === 1)
})
afterAll(async () => {
  await pool?.end()
})

test('each request runs with the rights of person and service, and the record names both', async () => {
  const { access_token: token } = await exchange('ann')
  const client = await pool.connect()
  try {
    expect((await refusalOf(() => client.query('select id from orders limit 1'))).code).toBe('INITIATOR_REQUIRED')
    await client.query('begin')
    await client.query("select set_config('sallyport.initiator', $1, true)", [token])
    expect((await client.query({ name: 'orders', text: 'select id from orders limit 1' })).rows).toHaveLength(1)
    await client.query('commit')
    const after = await refusalOf(() => client.query({ name: 'orders', text: 'select id from orders limit 1' }))
    expect(after.code).toBe('INITIATOR_REQUIRED')
    const other = await refusalOf(() => client.query(`select id from products limit 1 /*sallyport='${token}'*/`))
    expect(other.code).toBe('POLICY_UNCOVERED')
    expect((await client.query(`select id from orders limit 1 /*sallyport='${token}'*/`)).rows).toHaveLength(1)
  } finally {
    client.release()
  }
  expectExplained('INITIATOR_REQUIRED')
})

test('a token for one use opens once, at whichever agent, and a copy is good for nobody else', async () => {
  const { access_token: once } = await exchange('ann', { single_use: 'true' })
  const person = clientOf(await personToken('ann'))
  await person.connect()
  const text = `select id from orders limit 1 /*sallyport='${once}'*/`
  expect((await refusalOf(() => person.query(text))).code).toBe('INITIATOR_COPIED')
  await person.end()
  expect((await pool.query(text)).rows).toHaveLength(1)
  expect((await refusalOf(() => pool.query(text))).code).toBe('INITIATOR_REPLAYED')
})

test('what nothing lets the service do is not exchanged', async () => {
  expect(await exchange('ann', { audience: 'shop' })).toMatchObject({ code: 'TOKEN_AUDIENCE_WRONG' })
  expect(await exchange('ann', { actor_token: 'forged' })).toMatchObject({ code: 'TOKEN_INVALID' })
})
