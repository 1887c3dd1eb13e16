// What bare names mean while others make, drop and open schemas that a session's search_path names: a schema of the role's own name
// comes before all the rest ("$user"). Names are judged as the target takes them (DESIGN §4, THREATS ).
import { manualClock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { errorOf } from './asking.ts'
import { type DataPath, startDataPath } from './data-path.ts'
import { rawClient } from './raw-client.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

const schema = `
  create table people (id int primary key, ssn text);
  create table products (id int primary key, sku text);
  insert into people values (1, '900-1');
  insert into products values (1, 'plain');
`
const yaml = (port: number): string => `${targetDocument(port)}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { names: [shop] }
  rules:
    - { name: all, effect: allow, callers: { groups: [engineering] } }
  masks:
    - { columns: [public.people.ssn], method: redact }
`
const masking = 'create view app.products as select id, ssn as sku from public.people'

let target: RealTarget
let path: DataPath
let client: pg.Client
const clock = manualClock(Date.now())

beforeAll(async () => {
  target = await startRealTarget({ schema })
  path = await startDataPath({ yaml: yaml(target.server.port), environment: targetEnvironment, clock })
}, 120_000)
afterAll(async () => {
  await path?.stop()
  await target?.stop()
})
beforeEach(async () => {
  client = await path.connect()
  client.on('error', () => {})
  expect(await skus()).toEqual(['plain'])
})
afterEach(async () => {
  await client.end().catch(() => {})
  await target.admin.query('drop schema if exists app cascade')
})

const skus = async (...how: unknown[]): Promise<unknown[]> =>
  (await client.query('select sku from products where id = 1', ...(how as []))).rows.map(({ sku }) => sku)
const prepared = async () =>
  (await client.query({ name: 'kept', text: 'select sku from products where id = 1' })).rows.map(({ sku }) => sku)
/** Done past the agent, and longer ago than a catalog may be old. */
async function elsewhere(sql: string): Promise<void> {
  await target.admin.query(sql)
  clock.advance(limits.catalogAgeMsMax + 1)
}

describe('a schema of the role’s own name', () => {
  it('counts from when it is there, in both protocols and for what was prepared before', async () => {
    expect(await prepared()).toEqual(['plain'])
    await elsewhere(`create schema app authorization app; ${masking}; alter view app.products owner to app;
      grant select on public.people to app`)
    expect(await skus()).toEqual(['[redacted]'])
    expect(await prepared()).toEqual(['[redacted]'])
    expect((await client.query('select sku from products where id = $1', [1])).rows).toEqual([{ sku: '[redacted]' }])
    await elsewhere('drop schema app cascade')
    expect(await skus()).toEqual(['plain'])
    expect(await prepared()).toEqual(['plain'])
  })

  it('counts from when the role may look into it, and no longer than that', async () => {
    await elsewhere(`create schema app; ${masking}; grant select on app.products to app`)
    expect(await skus()).toEqual(['plain'])
    await elsewhere('grant usage on schema app to app')
    expect(await skus()).toEqual(['[redacted]'])
    await elsewhere('revoke usage on schema app from app')
    expect(await skus()).toEqual(['plain'])
  })

  it('is found by a pipeline that begins later', async () => {
    const raw = await rawClient(path)
    await elsewhere(`create schema app authorization app; ${masking}; alter view app.products owner to app`)
    const bind = {
      type: 'bind',
      portal: '',
      statement: '',
      parameterFormats: [],
      parameters: [],
      resultFormats: [],
    } as const
    for (const text of ['select 1', 'select sku from products'])
      raw.send(
        { type: 'parse', name: '', text, parameterTypes: [] },
        bind,
        { type: 'describe', what: 'portal', name: '' },
        { type: 'execute', portal: '', rowsMax: 0 },
      )
    raw.send({ type: 'sync' })
    await raw.next('readyForQuery')
    const seen = raw.taken()
    expect(seen).toContain('row [redacted]')
    expect(seen.at(-1)).toBe('ready I')
    raw.send({ type: 'terminate' })
    await raw.closed
  })

  it('ends what an open transaction may ask: there the target may go on with the path of before', async () => {
    await client.query('begin')
    expect(await skus()).toEqual(['plain'])
    await elsewhere(`create schema app authorization app; ${masking}; alter view app.products owner to app`)
    expect(await errorOf(skus())).toMatchObject({ code: '57P03', message: expect.stringMatching(/search_path/) })
    await client.query('rollback')
    expect(await skus()).toEqual(['[redacted]'])
  })

  it('ends the session when the catalog is not old enough to show it: the target describes what nobody judged', async () => {
    await target.admin.query(`create schema app authorization app; ${masking}; alter view app.products owner to app`)
    expect(await errorOf(skus())).toMatchObject({ severity: 'FATAL', code: '57P03' })
    expect(await errorOf(client.query('select 1'))).toBeDefined()
  })
})

it('a schema that the path names and nobody has made yet counts as well', async () => {
  await client.query('set search_path = later, "$user", public')
  expect(await skus()).toEqual(['plain'])
  try {
    await elsewhere(`create schema later; create view later.products as select id, ssn as sku from public.people;
      grant usage on schema later to app; grant select on later.products to app`)
    expect(await skus()).toEqual(['[redacted]'])
  } finally {
    await target.admin.query('drop schema if exists later cascade')
  }
})
