// Held statements end to end, through real agent, control plane and PostgreSQL: what a function, psql and the command
// line see while a person decides, and that exactly one run comes of one approval (DESIGN §5, THREATS R-6.6 to R-6.8).
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { runCli } from './stack/cli.ts'
import { readDocuments } from './stack/documents.ts'
import { decide, nextPending, pendingOf, withHold } from './stack/holds.ts'
import { clientOf } from './stack/people-api.ts'
import { truth } from './stack/shop.ts'
import { until } from './stack/until.ts'
import { hasPsql, refusalOf, useStack, using } from './stack/use.ts'

const isFull = process.env.SALLYPORT_TEST === 'full'
const stack = useStack()
const as = (login: string) => stack().as(login)
const clientAs = async (login: string) => await (await as(login)).client()
/** A connection of the function, with its platform's token. */
const functionClient = async () =>
  clientOf(await (await as('ann')).token(), { password: await stack().idp.workloadToken() })

const left = async (id: number) =>
  (await truth<{ n: number }>(stack(), `SELECT count(*)::int AS n FROM payments WHERE id = ${id}`))[0]?.n

const snapshotOf = async (): Promise<number> =>
  (await (await as('adam')).get('/api/v1/agents')).body.items[0].snapshotVersion

/** Applies these documents, and waits until the agent has them. */
async function apply(yaml: string): Promise<void> {
  const before = await snapshotOf()
  const applied = await (await as('adam')).post('/api/v1/apply', { yaml })
  expect(applied.status, applied.text).toBe(200)
  if (applied.body.changes.every(({ change }: { change: string }) => change === 'unchanged')) return
  await until('the agent has the new policy', async () => (await snapshotOf()) > before)
}
const applyHold = (changes: Parameters<typeof withHold>[1]) =>
  apply(withHold(readDocuments('shop.yaml', stack().places), changes))

function noticesOf(client: pg.Client): string[] {
  const notices: string[] = []
  client.on('notice', (notice) => notices.push(`${notice.message}\n${notice.detail ?? ''}\n${notice.hint ?? ''}`))
  return notices
}

// What a test leaves undecided would be the next one's.
afterEach(async () => {
  for (const login of ['dora', 'bob'])
    for (const { id } of await pendingOf(await as(login))) await decide(await as(login), id, 'denied', 'left by a test')
})

test('node-postgres waits with a parameter, is told where, and gets its rows once a person has approved', async () => {
  const bob = await as('bob')
  const client = await clientAs('ann')
  const notices = noticesOf(client)
  await using(client, async () => {
    const running = client.query('DELETE FROM payments WHERE id = $1 RETURNING id, amount', [11])
    const request = await nextPending(bob)
    expect(await left(11)).toBe(1)
    const shown = (await bob.get(`/api/v1/approvals/${request.id}`)).body
    expect(shown).toMatchObject({
      state: 'pending',
      waiting: 1,
      initiator: { subject: 'ann', assurance: 'verified' },
      verbs: ['delete'],
      objects: ['public.payments'],
      filtered: true,
      rule: { policy: 'shop-access', rule: 'deletes-need-a-human' },
      statement: { text: 'DELETE FROM payments WHERE id = $1 RETURNING id, amount', parameters: ['11'] },
      mayDecide: { ok: true },
      history: { firstTime: true },
    })
    expect(shown.estimate.kind === 'rows' || shown.estimate.reason !== '').toBe(true)
    expect((await decide(bob, request.id, 'approved')).status).toBe(200)
    expect((await running).rows).toEqual([{ id: 11, amount: expect.any(String) }])
    expect(notices.join()).toContain(`${stack().url}/approvals/${request.id}`)
    expect(notices.join()).toContain('"dba"')
  })
  expect(await left(11)).toBe(0)
})

test('a function goes on working while its request is pending, and runs it once when it asks again (R-6.8)', async () => {
  await applyHold({ wait: '1s' })
  const bob = await as('bob')
  await using(await functionClient(), async (client) => {
    const erase = () => client.query('DELETE FROM payments WHERE id = 12')
    const first = await refusalOf(erase)
    expect(first).toMatchObject({ sqlstate: 'SPH02', code: 'HOLD_PENDING' })
    const request = await nextPending(bob)
    expect(`${first.message} ${first.hint}`).toContain(`${stack().url}/approvals/${request.id}`)
    // Non-blocking: the same connection does other work.
    expect((await client.query('SELECT count(*)::int AS n FROM orders')).rows[0].n).toBeGreaterThan(0)
    expect((await refusalOf(erase)).sqlstate).toBe('SPH02')
    expect(await pendingOf(bob)).toHaveLength(1)
    expect((await decide(bob, request.id, 'approved')).status).toBe(200)
    expect(await left(12)).toBe(1)
    expect((await erase()).rowCount).toBe(1)
    expect(await left(12)).toBe(0)
    // One approval, one run: the next one asks anew.
    expect((await refusalOf(erase)).sqlstate).toBe('SPH02')
    const again = await nextPending(bob)
    expect(again.id).not.toBe(request.id)
    await decide(bob, again.id, 'denied', 'it is gone already')
    const denied = await refusalOf(erase)
    expect(denied).toMatchObject({ sqlstate: 'SPH03', code: 'HOLD_DENIED' })
    expect(denied.message).toContain('it is gone already')
  })
})

test('of many executions that race for one approval exactly one runs (R-6.8)', async () => {
  await applyHold({ wait: '20s' })
  const bob = await as('bob')
  const count = async () => (await truth<{ n: number }>(stack(), 'SELECT count(*)::int AS n FROM payments'))[0]?.n ?? 0
  const before = await count()
  const clients = await Promise.all(Array.from({ length: isFull ? 16 : 6 }, () => clientAs('ann')))
  try {
    await Promise.all(clients.map((client) => client.connect()))
    const settled: string[] = []
    const running = clients.map((client) => {
      client.on('error', () => {})
      return client.query('DELETE FROM payments WHERE id = (SELECT max(id) FROM payments)').then(
        ({ rowCount }) => settled.push(`ran ${rowCount}`),
        (error) => settled.push(error.code),
      )
    })
    const request = await until('all of them wait for one request', async () => {
      const [only, ...others] = await pendingOf(bob)
      return only !== undefined && others.length === 0 && only.waiting === clients.length ? only : null
    })
    expect((await decide(bob, request.id, 'approved')).status).toBe(200)
    // The losers ask anew, together.
    const next = await nextPending(bob, new Set([request.id]))
    await until('one of them has run', () => settled.length === 1)
    expect(settled).toEqual(['ran 1'])
    expect(await count()).toBe(before - 1)
    await decide(bob, next.id, 'denied', 'one is enough')
    await Promise.all(running)
    expect(settled.filter((word) => word === 'SPH03')).toHaveLength(clients.length - 1)
    expect(await count()).toBe(before - 1)
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {})))
  }
})

test('nobody decides what they asked for themselves, and a second person is asked where the rule wants two (R-6.6)', async () => {
  const yaml = withHold(readDocuments('shop.yaml', stack().places), { wait: '20s', count: 2 }).replace(
    'callers: { groups: [engineering, reporting] }\n      operations: [delete]',
    'callers: { groups: [engineering, reporting, dba] }\n      operations: [delete]',
  )
  await apply(yaml)
  const bob = await as('bob')
  const dora = await as('dora')
  await using(await clientAs('bob'), async (client) => {
    const running = client.query('DELETE FROM payments WHERE id = 13')
    running.catch(() => {})
    const request = await nextPending(dora)
    const own = await decide(bob, request.id, 'approved')
    expect(own.status).toBe(403)
    expect(own.body.code).toBe('VERDICT_FORBIDDEN')
    expect((await decide(dora, request.id, 'approved')).status).toBe(200)
    expect((await decide(dora, request.id, 'approved')).status).not.toBe(200)
    expect((await dora.get(`/api/v1/approvals/${request.id}`)).body.state).toBe('pending')
    expect(await left(13)).toBe(1)
    expect((await decide(dora, request.id, 'denied', 'x')).status).not.toBe(200)
    const withdrawn = await bob.post(`/api/v1/approvals/${request.id}/cancel`, {})
    expect(withdrawn.status, withdrawn.text).toBe(200)
    await expect(running).rejects.toMatchObject({ code: expect.stringMatching(/^SPH0[13]$/) })
  })
  expect(await left(13)).toBe(1)
  await applyHold({})
})

test('inside a transaction nothing waits: the request is opened, the transaction fails, a retry attaches', async () => {
  await applyHold({ wait: '20s' })
  const bob = await as('bob')
  await using(await clientAs('ann'), async (client) => {
    await client.query('BEGIN')
    expect((await refusalOf(() => client.query('DELETE FROM payments WHERE id = 14'))).sqlstate).toBe('SPH02')
    expect((await refusalOf(() => client.query('SELECT 1'))).sqlstate).toBe('25P02')
    await client.query('ROLLBACK')
    const request = await nextPending(bob)
    await decide(bob, request.id, 'approved')
    await client.query('BEGIN')
    expect((await client.query('DELETE FROM payments WHERE id = 14')).rowCount).toBe(1)
    await client.query('COMMIT')
  })
  expect(await left(14)).toBe(0)
})

test('a caller who cancels or vanishes while it waits runs nothing, and its request stays to be decided', async () => {
  const bob = await as('bob')
  const client = await clientAs('ann')
  client.on('error', () => {})
  await client.connect()
  const cancelled = client.query('DELETE FROM payments WHERE id = 15')
  cancelled.catch(() => {})
  const request = await nextPending(bob)
  const vanishing = (client as any).connection.stream
  vanishing.destroy()
  await expect(cancelled).rejects.toThrow()
  await until('nobody waits', async () => {
    const { body } = await bob.get(`/api/v1/approvals/${request.id}`)
    return body.waiting === 0
  })
  expect((await decide(bob, request.id, 'denied', 'nobody waits')).status).toBe(200)
  expect(await left(15)).toBe(1)
})

test('without the control plane a held statement is refused at once and can be tried again; reads go on', async () => {
  await using(await clientAs('ann'), async (client) => {
    await client.query('SELECT 1')
    await stack().controlPlane.stop()
    try {
      await until('the agent has noticed', async () => {
        const refused = await refusalOf(() => client.query('DELETE FROM payments WHERE id = 16'))
        return refused.code === 'HOLD_UNAVAILABLE' && refused.sqlstate === '57P03'
      })
      expect((await client.query('SELECT count(*)::int AS n FROM orders')).rows[0].n).toBeGreaterThan(0)
    } finally {
      const restartedAt = Date.now()
      await stack().startControlPlane()
      // "online" alone may still be the link of before.
      await until('the agent is linked again', async () => {
        const { body } = await (await as('adam')).get('/api/v1/agents')
        return Date.parse(body.items[0].lastSeenAt) > restartedAt
      })
    }
  })
  expect(await left(16)).toBe(1)
})

test('the command line waits with the address on stderr, and its exit status tells what became of it', async () => {
  const bob = await as('bob')
  const home = await stack().cliHome('ann')
  const bobsHome = await stack().cliHome('bob')
  const known = new Set((await pendingOf(bob)).map(({ id }) => id))
  const first = runCli(['query', 'shop', 'DELETE FROM payments WHERE id = 17'], { home })
  const request = await nextPending(bob, known)
  const shown = await runCli(['approvals', 'show', request.id], { home: bobsHome })
  expect(shown.stdout).toContain('  | DELETE FROM payments WHERE id = 17')
  const approved = await runCli(['approvals', 'approve', request.id], { home: bobsHome })
  expect(approved.status, approved.stderr).toBe(0)
  const ran = await first
  expect(ran).toMatchObject({ status: 0, stdout: 'DELETE 1\n' })
  expect(ran.stderr).toContain(`${stack().url}/approvals/${request.id}`)
  const second = runCli(['query', 'shop', 'DELETE FROM payments WHERE id = 18'], { home })
  const other = await nextPending(bob, known)
  expect((await runCli(['approvals', 'deny', other.id, '--reason', 'not today'], { home: bobsHome })).status).toBe(0)
  const refused = await second
  expect(refused.status).toBe(5)
  expect(refused.stderr).toContain('not today')
  expect(refused.stderr).toContain('HOLD_DENIED')
  expect((await runCli(['approvals', 'mine'], { home })).stdout).toContain(other.id)
})

test.skipIf(!hasPsql)('psql shows the notice while it waits, and runs when it is approved', async () => {
  const bob = await as('bob')
  const { token, connection } = await (await as('ann')).token()
  const ca = join(stack().dir, 'people', 'authority.pem')
  writeFileSync(ca, connection.ca)
  const conninfo = `host=${connection.host} port=${connection.port} dbname=shop user=${connection.user} sslmode=verify-full sslrootcert=${ca}`
  const child = spawn('psql', ['-X', conninfo, '-c', 'DELETE FROM payments WHERE id = 19'], {
    env: { PATH: process.env.PATH ?? '', HOME: stack().dir, PGPASSWORD: token, LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text.out += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    text.err += piece
  })
  const closed = once(child, 'close')
  // It is there before anybody has decided.
  await until('the notice', () => /NOTICE:.*held for approval/.test(text.err))
  const request = await nextPending(bob)
  expect(text.err).toContain(`HINT:  ${stack().url}/approvals/${request.id}`)
  await decide(bob, request.id, 'approved')
  const [status] = await closed
  expect({ status, out: text.out }).toEqual({ status: 0, out: 'DELETE 1\n' })
})

test('the record of a held statement verifies, with who asked, who decided and what came of it', async () => {
  const home = await stack().cliHome('adam')
  const file = join(stack().dir, 'people', 'held.jsonl')
  await until('the sessions are closed', async () => {
    const { body } = await (await as('adam')).get('/api/v1/sessions?limit=200')
    return body.items.every((item: { state: string }) => item.state !== 'live')
  })
  expect((await runCli(['sessions', 'export', '-o', file], { home })).status).toBe(0)
  const verified = await runCli(['audit', 'verify', file, '--json'], { home })
  expect(verified.status, verified.stdout).toBe(0)
  const { body } = await (await as('adam')).get('/api/v1/sessions?decision=held&limit=200')
  expect(body.items.length).toBeGreaterThan(4)
  const kinds = new Set<string>()
  for (const { id } of body.items) {
    const { body: page } = await (await as('adam')).get(`/api/v1/sessions/${id}/entries?limit=200`)
    for (const entry of page.items) kinds.add(entry.kind === 'hold-ended' ? `hold-ended ${entry.result}` : entry.kind)
  }
  for (const kind of ['held', 'hold-ended approved', 'hold-ended denied', 'hold-ended pending', 'hold-ended cancelled'])
    expect([...kinds]).toContain(kind)
})
