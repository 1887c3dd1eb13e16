// A dynamic role of Vault's database engine in front of a real PostgreSQL: a stand-in of Vault that makes users there, as the engine does
// by its statements of creation and revocation.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@sallyport/base/clock'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { dynamicPathsOf } from '../src/secrets/dynamic-paths.ts'
import { AgentSources, loadSealingKey } from '../src/secrets/sealed.ts'
import { type VaultReader, vaultReader } from '../src/secrets/vault.ts'
import { VaultSettings } from '../src/secrets/vault-settings.ts'
import { type DataPath, startDataPath } from './data-path.ts'
import { type RealTarget, startRealTarget, targetDocument } from './real-target.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-dynamic-'))
let real: RealTarget
let path: DataPath
let vault: VaultReader
let made = 0
const revoked: string[] = []
let settle = (): void => {}
/** The next lease that is given back. */
const nextRevocation = (): Promise<void> =>
  new Promise((resolve) => {
    settle = resolve
  })

const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => {
    body += String(chunk)
  })
  request.on('end', () => {
    void answer(request.url ?? '', body).then(([status, json]) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
    })
  })
})

async function answer(url: string, body: string): Promise<[number, unknown]> {
  if (url === '/v1/sys/leases/revoke') {
    const { lease_id } = JSON.parse(body)
    revoked.push(lease_id)
    const name = `v-app-${lease_id.split('/').pop()}`
    await real.rows(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${name}'`)
    await real.rows(`drop role "${name}"`)
    settle()
    return [204, null]
  }
  if (url !== '/v1/database/creds/app') return [404, { errors: [] }]
  const number = ++made
  await real.rows(`create role "v-app-${number}" login password 'dynamic-${number}' in role app`)
  const data = { username: `v-app-${number}`, password: `dynamic-${number}` }
  return [200, { lease_id: `database/creds/app/${number}`, lease_duration: 3_600, renewable: true, data }]
}

beforeAll(async () => {
  real = await startRealTarget({ schema: 'create table orders (id int); insert into orders values (1)' })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  writeFileSync(join(folder, 'token'), 'hvs.agent')
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const settings = VaultSettings.parse({ address, auth: { tokenFile: join(folder, 'token') } })
  vault = vaultReader({ settings, clock: systemClock, environment: {} })
  const key = await loadSealingKey(folder, '0'.repeat(32))
  const document = targetDocument(real.server.port, '  pool: { mode: transaction }\n').replace(
    '{ env: APP_PASSWORD }',
    '{ vault: { path: database/creds/app, dynamic: true } }',
  )
  path = await startDataPath({
    yaml: `${document}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: all }
spec:
  targets: { any: true }
  rules: [{ name: all, effect: allow, callers: { groups: [engineering] } }]
`,
    environment: new AgentSources({}, key, { vault, aws: null }),
  })
}, 120_000)

afterAll(async () => {
  await path?.stop()
  await real?.stop()
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

it('R-6.17: sessions run as one user that Vault made, by the name of the role; after the lease is given back, as another', async () => {
  const [one, two] = [await path.connect(), await path.connect()]
  const user = async (client: typeof one) => (await client.query('select current_user as name')).rows[0].name
  expect(await Promise.all([user(one), user(two)])).toEqual(['v-app-1', 'v-app-1'])
  expect((await one.query('select id from orders')).rows).toEqual([{ id: 1 }])
  expect(path.recorder.of('session-opened').at(-1)).toMatchObject({ upstreamRole: 'app' })
  expect(made).toBe(1)
  await one.end()
  await two.end()
  await vault.close()
  expect(revoked).toEqual(['database/creds/app/1'])
  const three = await path.connect()
  expect(await user(three)).toBe('v-app-2')
  await three.end()
})

it('R-6.17: a target that is removed gives its lease back at once, and its user is gone', async () => {
  const stop = path.snapshots.onChange((snapshot) => vault.keep(dynamicPathsOf(snapshot)))
  const before = path.snapshots.current()
  const client = await path.connect()
  client.on('error', () => {})
  const { name } = (await client.query('select current_user as name')).rows[0]
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()))
  const revocation = nextRevocation()
  path.snapshots.publish({ ...before, targets: new Map() })
  await ended
  await revocation
  expect(revoked).toContain(`database/creds/app/${name.split('-').pop()}`)
  expect(vault.leased()).toEqual([])
  path.snapshots.publish(before)
  const again = await path.connect()
  expect((await again.query('select current_user as name')).rows[0].name).not.toBe(name)
  await again.end()
  stop()
})
