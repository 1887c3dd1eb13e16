// Against a stand-in that answers as Vault's HTTP API is documented: logins with leases, KV 1 and 2, static database roles.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock } from '@sallyport/base/clock'
import { CredentialReference } from '@sallyport/policy/credential'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { vaultReader } from './vault.ts'
import { VaultSettings } from './vault-settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-vault-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const fileWith = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const state = {
  tokens: new Set<string>(),
  logins: 0,
  reads: 0,
  password: 'first-password',
  leaseSeconds: 60,
  big: false,
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text === '' ? {} : JSON.parse(text)
}

/** developer.hashicorp.com/vault/api-docs: auth/approle, auth/kubernetes, secret/kv, secret/databases. */
async function answer(request: IncomingMessage): Promise<[number, unknown]> {
  const [, path = ''] = (request.url ?? '').split('/v1/')
  if (request.method === 'POST') {
    const body = await bodyOf(request)
    const good =
      (path === 'auth/approle/login' && body['role_id'] === 'role' && body['secret_id'] === 'secret') ||
      (path === 'auth/k8s/login' && body['role'] === 'agent' && body['jwt'] === 'service-account')
    if (!good) return [400, { errors: ['invalid role or secret ID'] }]
    const token = `hvs.${++state.logins}`
    state.tokens.add(token)
    return [200, { auth: { client_token: token, lease_duration: state.leaseSeconds, renewable: true } }]
  }
  if (!state.tokens.has(String(request.headers['x-vault-token']))) return [403, { errors: ['permission denied'] }]
  state.reads++
  const { password } = state
  if (path === 'secret/data/forbidden') return [403, { errors: ['permission denied'] }]
  // auth/token, lookup a token (self).
  if (path.endsWith('auth/token/lookup-self')) return [200, { data: { id: request.headers['x-vault-token'] } }]
  if (state.big) return [200, { data: { password: 'x'.repeat(70_000) } }]
  const found: Record<string, object> = {
    'secret/data/orders': {
      lease_id: '',
      data: { data: { password, port: 5432 }, metadata: { version: 3, destroyed: false } },
    },
    'kv/orders': { lease_id: '', lease_duration: 2_764_800, data: { password } },
    'database/static-creds/orders': { lease_id: '', data: { username: 'app_rw', password, ttl: 3_600 } },
    'database/creds/orders': {
      lease_id: 'database/creds/orders/1',
      lease_duration: 3_600,
      data: { username: 'v-1', password },
    },
  }
  return found[path] === undefined ? [404, { errors: [] }] : [200, found[path]]
}

const server = createServer((request, response) => {
  void answer(request).then(([status, json]) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  })
})
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  Object.assign(state, {
    tokens: new Set(),
    logins: 0,
    reads: 0,
    password: 'first-password',
    leaseSeconds: 60,
    big: false,
  })
})

const appRole = () => ({
  appRole: { roleIdFile: fileWith('role', 'role\n'), secretIdFile: fileWith('secret', 'secret\n') },
})
function reader(auth: unknown = appRole()) {
  const clock = manualClock(1_000_000)
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { clock, vault: vaultReader({ settings: VaultSettings.parse({ address, auth }), clock, environment: {} }) }
}
const unavailable = { code: 'CREDENTIAL_UNAVAILABLE' }

test.each([
  ['KV version 2', 'secret/data/orders'],
  ['KV version 1', 'kv/orders'],
  ['a static role of the database engine', 'database/static-creds/orders'],
])('a password is read from %s', async (_what, path) => {
  expect((await reader().vault.read(path, 'password')).reveal()).toBe('first-password')
})

test('a field that is a number is read as it is written, and one that is not there is refused', async () => {
  const { vault } = reader()
  expect((await vault.read('secret/data/orders', 'port')).reveal()).toBe('5432')
  await expect(vault.read('secret/data/orders', 'metadata')).rejects.toMatchObject(unavailable)
})

test('many logins at a target are one login at Vault and one read, and a rotated password counts soon after', async () => {
  const { vault, clock } = reader()
  const once = async () => (await vault.read('kv/orders', 'password')).reveal()
  await Promise.all([once(), once(), once()])
  expect([state.logins, state.reads]).toEqual([1, 1])
  state.password = 'second-password'
  expect(await once()).toBe('first-password')
  clock.advance(5_001)
  expect(await once()).toBe('second-password')
})

test('the login is made anew before its lease ends, and when Vault has revoked it', async () => {
  const { vault, clock } = reader()
  await vault.read('kv/orders', 'password')
  clock.advance(30_000)
  await vault.read('kv/orders', 'password')
  expect(state.logins).toBe(1)
  clock.advance(10_001)
  await vault.read('kv/orders', 'password')
  expect(state.logins).toBe(2)
  state.tokens.clear()
  clock.advance(5_001)
  expect((await vault.read('kv/orders', 'password')).reveal()).toBe('first-password')
  expect(state.logins).toBe(3)
})

test('a service account of Kubernetes and a file that somebody else renews log in as well', async () => {
  const kubernetes = { kubernetes: { role: 'agent', mount: 'k8s', tokenFile: fileWith('jwt', 'service-account') } }
  expect((await reader(kubernetes).vault.read('kv/orders', 'password')).reveal()).toBe('first-password')
  const { vault, clock } = reader({ tokenFile: fileWith('token', 'one') })
  state.tokens.add('one')
  await vault.read('kv/orders', 'password')
  state.tokens = new Set(['two'])
  fileWith('token', 'two\n')
  clock.advance(5_001)
  expect((await vault.read('kv/orders', 'password')).reveal()).toBe('first-password')
})

test('what cannot be had is refused, by its path and without a value, and asked for again', async () => {
  const { vault } = reader()
  await expect(vault.read('kv/nothing', 'password')).rejects.toMatchObject({
    ...unavailable,
    message: /404.*kv\/nothing/,
  })
  await expect(vault.read('database/creds/orders', 'password')).rejects.toThrow(/static role/)
  state.big = true
  await expect(vault.read('kv/orders', 'password')).rejects.toMatchObject(unavailable)
  state.big = false
  expect((await vault.read('kv/orders', 'password')).reveal()).toBe('first-password')
  const wrong = reader({ appRole: { roleIdFile: fileWith('r', 'x'), secretIdFile: fileWith('s', 'hunter2') } })
  const refusal = await wrong.vault.read('kv/orders', 'password').catch((thrown: Error) => thrown)
  expect(refusal).toMatchObject({ ...unavailable, message: /refused the agent's login/ })
  expect(JSON.stringify(refusal)).not.toContain('hunter2')
})

test('R-6.17: the login of the agent is not read as a credential, in a namespace neither', async () => {
  for (const path of ['auth/token/lookup-self', 'team/auth/token/lookup-self'])
    await expect(reader().vault.read(path, 'id')).rejects.toMatchObject(unavailable)
  const vaultAt = (path: string) => CredentialReference.safeParse({ vault: { path } }).success
  for (const path of ['auth/token/lookup-self', 'sys/config/state', 'cubbyhole/a', 'identity/oidc/token/a', 'Auth/a/b'])
    expect(vaultAt(path)).toBe(false)
  expect(['secret/data/auth/orders', 'authors/orders'].map(vaultAt)).toEqual([true, true])
})

test('R-6.20: a path that is forbidden does not use up the login, however often it is asked for', async () => {
  const { vault, clock } = reader()
  const refused = async () =>
    await vault.read('secret/data/forbidden', 'password').catch((thrown: Error) => thrown.message)
  for (let count = 0; count < 5; count++) expect(await refused()).toMatch(/403/)
  expect(state.logins).toBe(1)
  clock.advance(5_001)
  for (let count = 0; count < 5; count++) await refused()
  expect(state.logins).toBe(2)
})

test('a Vault elsewhere is reached by https alone', () => {
  const auth = { tokenFile: '/x' }
  expect(VaultSettings.safeParse({ address: 'http://vault.internal:8200', auth }).success).toBe(false)
  expect(VaultSettings.safeParse({ address: 'https://vault.internal:8200', auth }).success).toBe(true)
  expect(VaultSettings.safeParse({ address: 'https://vault.internal:8200/x', auth }).success).toBe(false)
})
