// A target that is told for whom a connection is (`initiatorSetting`), over pooled connections to a real PostgreSQL with row
// security: in whatever order people come, and whatever they try, each sees the own rows and no others (THREATS ).
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

let target: RealTarget
let path: DataPath
const more = `  initiatorSetting: app.initiator
  pool: { mode: session, share: everyone, idle: 2 }
  mayAct:
    - { actors: { groups: [functions] }, initiators: { groups: [customers] } }
`
const rules = `
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { names: [shop] }
  rules: [{ name: all, effect: allow, callers: { groups: [functions, customers] } }]
`
beforeAll(async () => {
  target = await startRealTarget({
    settings: { fsync: 'off' },
    schema: `
      create table notes (owner text); insert into notes values ('ann'), ('bob'), ('web');
      alter table notes enable row level security;
      create policy own on notes using (owner = split_part(current_setting('app.initiator', true), ' ', 2));
    `,
  })
  path = await startDataPath({ yaml: targetDocument(target.server.port, more) + rules, environment: targetEnvironment })
}, 120_000)
afterAll(async () => {
  await path.stop()
  await target.stop()
})

const people = {
  ann: { subject: 'ann', groups: ['customers'], actors: ['web'] },
  bob: { subject: 'bob', groups: ['customers'], actors: ['web'] },
  web: { subject: 'web', groups: ['functions'], kind: 'workload' },
} as const
type Who = keyof typeof people
const other = (who: Who): string => `https://idp.test ${who === 'ann' ? 'bob' : 'ann'}`
/** What somebody tries before they read. */
const tries: Readonly<Record<string, (who: Who) => readonly string[]>> = {
  nothing: () => [],
  set: (who) => [`set app.initiator = '${other(who)}'`],
  'set in capitals': (who) => [`SET "APP"."INITIATOR" TO '${other(who)}'`, `SET App.Initiator TO '${other(who)}'`],
  'set for a transaction': (who) => ['begin', `set local app.initiator = '${other(who)}'`, 'rollback'],
  set_config: (who) => [`select set_config('app.initiator', '${other(who)}', false)`],
  'set_config of a name that is put together': (who) => [
    `select set_config('app.' || 'initiator', '${other(who)}', false)`,
    `select set_config(n, '${other(who)}', false) from (values ('app.initiator')) as v (n)`,
  ],
  'in pg_settings': (who) => [`update pg_settings set setting = '${other(who)}' where name = 'app.initiator'`],
  'reset all': () => ['reset all'],
  'discard all': () => ['discard all'],
  'a block': (who) => [`do $$ begin perform set_config('app.initiator', '${other(who)}', false); end $$`],
  'for the role': (who) => [`alter role current_user set app.initiator = '${other(who)}'`],
}

it('each sees the own rows, in every order and after every attempt', async () => {
  const step = fc.record({
    who: fc.constantFrom(...(Object.keys(people) as Who[])),
    by: fc.constantFrom(...Object.keys(tries)),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
      for (const { who, by } of steps) {
        const client = await path.connect(people[who])
        client.on('error', () => {})
        for (const text of tries[by]?.(who) ?? []) await client.query(text).catch(() => {})
        await client.query('rollback').catch(() => {})
        const { rows } = await client.query('select owner from notes')
        expect(rows, `${who} after ${by}`).toEqual([{ owner: who }])
        await client.end()
      }
    }),
    { numRuns: process.env['SALLYPORT_TEST'] === 'full' ? 200 : 8 },
  )
}, 120_000)

it('a caller is told why, and no statement has another initiator', async () => {
  const client = await path.connect(people.web)
  await expect(client.query("set app.initiator = 'x'")).rejects.toMatchObject({
    hint: expect.stringContaining('SETTING_FORBIDDEN'),
  })
  const token = await path.token(people.ann)
  for (const text of [`select owner from notes /*sallyport='${token}'*/`, "select 1 /*sallyport='claimed:ann'*/"])
    await expect(client.query(text)).rejects.toMatchObject({ hint: expect.stringContaining('INITIATOR_CONFLICT') })
  await client.end()
})
