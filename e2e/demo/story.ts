// The story of the demo, played against a running stack: each step does what it says and is checked, or the story stops.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { runCli } from '../stack/cli.ts'
import { cliLogin } from '../stack/login.ts'
import { clientOf, type PersonApi } from '../stack/people-api.ts'
import { dumpOf, filesOf, type Haystack, proveSearch, recordBytes, search } from '../stack/secrecy.ts'
import type { ShopServices } from '../stack/services.ts'
import { truth } from '../stack/shop.ts'
import { root, type Stack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'
import { annAsksTheApi, assistantWorks, modelLeaks } from './services-story.ts'

export interface Step {
  readonly title: string
  /** Returns what was seen, in a few words. Throws when a step did not do what it says. */
  run(told: Told): Promise<string>
}

/** What the story gathers on its way. */
export interface Told {
  readonly stack: Stack
  /** All bytes that any caller received. */
  readonly received: Haystack[]
  readonly annHome: string
  readonly services: ShopServices
  /** What was stopped on its way out: nothing keeps it. */
  readonly stopped: string[]
}

const people = 'SELECT id, name, email, ssn, phone FROM public.customers ORDER BY id LIMIT 3'

interface Row {
  readonly id: number
  readonly name: string
  readonly email: string
  readonly ssn: string
  readonly phone: string
}

/** Runs statements through the agent; every received byte is kept. */
async function through<T>(
  told: Told,
  name: string,
  client: pg.Client,
  run: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const bytes = recordBytes(client)
  client.on('error', () => {})
  client.on('notice', () => {})
  try {
    await client.connect()
    return await run(client)
  } finally {
    await client.end().catch(() => {})
    told.received.push({ name, bytes: bytes() })
  }
}

function assertMasked(seen: readonly Row[], real: readonly Row[]): void {
  assert.equal(seen.length, real.length)
  for (const [index, row] of seen.entries()) {
    const same = real[index]
    assert(same !== undefined)
    assert.equal(row.name, same.name)
    assert.notEqual(row.email, same.email)
    assert.notEqual(row.ssn, same.ssn)
    assert.notEqual(row.phone, same.phone)
    assert.equal(row.ssn.slice(-4), same.ssn.slice(-4))
    assert(!row.email.includes(same.email.split('@')[0] ?? ''), 'the mailbox shows')
    assert(!row.ssn.includes(same.ssn.slice(0, 6)), 'the number shows')
  }
}

/** An error of PostgreSQL's protocol with this SQLSTATE, or the step fails. */
async function refused(run: Promise<unknown>, sqlstate: string): Promise<pg.DatabaseError> {
  const thrown: unknown = await run.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert(thrown instanceof pg.DatabaseError, `expected an error ${sqlstate}, got ${String(thrown)}`)
  assert.equal(thrown.code, sqlstate, thrown.message)
  return thrown
}

const keep = (told: Told, name: string, ran: { stdout: string; stderr: string }) =>
  told.received.push({ name, bytes: Buffer.from(ran.stdout + ran.stderr) })

const logIn: Step = {
  title: 'ann logs in with the device flow, by the command line and the identity provider',
  async run(told) {
    const done = await cliLogin(told.stack, 'ann', told.annHome)
    assert.equal(done.status, 0, done.stderr)
    const who = await runCli(['whoami', '--json'], { home: told.annHome })
    assert.equal(who.status, 0, who.stderr)
    const me = JSON.parse(who.stdout).result
    assert.equal(me.subject, 'ann')
    assert.deepEqual(me.groups, ['engineering'])
    return `logged in as ${me.display}, group engineering`
  },
}

const annReads: Step = {
  title: 'ann reads customers with node-postgres over verified TLS: personal data comes masked',
  async run(told) {
    const client = await (await told.stack.as('ann')).client()
    const { rows } = await through(told, 'ann', client, (open) => open.query<Row>(people))
    const real = await truth<Row>(told.stack, people)
    assertMasked(rows, real)
    const table = await runCli(['query', 'shop', people], { home: told.annHome })
    assert.equal(table.status, 0, table.stderr)
    keep(told, 'ann, command line', table)
    assert(table.stdout.includes(rows[0]?.email ?? '?'), 'the command line shows something else')
    assert(!table.stdout.includes(real[0]?.ssn ?? '?'), 'the command line shows an unmasked value')
    return `${rows[0]?.name}: ${rows[0]?.email}, ${rows[0]?.ssn}`
  },
}

const functionReads: Step = {
  title: 'a function reads with the token of its platform, and no credential: masked likewise',
  async run(told) {
    const { stack } = told
    const issued = await (await stack.as('ann')).token()
    const client = clientOf(issued, { password: await stack.idp.workloadToken() })
    const { rows } = await through(told, 'function', client, (open) => open.query<Row>(people))
    assertMasked(rows, await truth<Row>(stack, people))
    return `shop-reports read ${rows.length} customers, masked`
  },
}

const caraReads: Step = {
  title: 'cara is in pii-readers: the same statement shows the data itself',
  async run(told) {
    const client = await (await told.stack.as('cara')).client()
    const { rows } = await through(told, 'cara', client, (open) => open.query<Row>(people))
    assert.deepEqual(rows, await truth<Row>(told.stack, people))
    return `${rows[0]?.name}: ${rows[0]?.email}`
  },
}

const countOrders = "SELECT count(*)::int AS n FROM orders WHERE status = 'placed'"
const shipOne =
  "UPDATE public.orders SET status = 'shipped' WHERE id = (SELECT min(id) FROM public.orders WHERE status = 'placed')"

const annWrites: Step = {
  title: 'ann tries to write: denied, with the rule and what to do, and nothing changes',
  async run(told) {
    const before = await truth(told.stack, countOrders)
    const client = await (await told.stack.as('ann')).client()
    const error = await through(told, 'ann writes', client, (open) => refused(open.query(shipOne), '42501'))
    assert.match(error.hint ?? '', /"shop-access\/writes-are-for-dba"/)
    assert.deepEqual(await truth(told.stack, countOrders), before)
    const line = await runCli(['query', 'shop', shipOne], { home: told.annHome })
    keep(told, 'ann writes, command line', line)
    assert.equal(line.status, 5, line.stderr)
    return `${error.message} (${error.hint?.split(';')[0]})`
  },
}

const bobWrites: Step = {
  title: 'bob is in dba: his write passes, and one without WHERE does not',
  async run(told) {
    const [before] = await truth<{ n: number }>(told.stack, countOrders)
    const client = await (await told.stack.as('bob')).client()
    const rowCount = await through(told, 'bob', client, async (open) => {
      const changed = await open.query(shipOne)
      await refused(open.query('DELETE FROM public.payments'), '42501')
      return changed.rowCount
    })
    assert.equal(rowCount, 1)
    assert.deepEqual(await truth(told.stack, countOrders), [{ n: (before?.n ?? 0) - 1 }])
    return 'one order shipped; DELETE without WHERE denied'
  },
}

/** What the function sends, and sends again: one payment, by number. */
const forgetPayment = (id: number) => `DELETE FROM public.payments WHERE id = ${id}`
const paymentsWith = (id: number) => `SELECT count(*)::int AS n FROM payments WHERE id = ${id}`

const functionAsks: Step = {
  title:
    'a function deletes: held for a person; bob approves in the console API, and exactly that statement runs, once',
  async run(told) {
    const { stack } = told
    const bob = await stack.as('bob')
    const client = clientOf(await (await stack.as('ann')).token(), { password: await stack.idp.workloadToken() })
    const notices: string[] = []
    client.on('notice', (notice) => notices.push(`${notice.message} ${notice.hint ?? ''}`))
    const { rowCount, asked } = await through(told, 'function asks', client, async (open) => {
      const running = open.query(forgetPayment(7))
      const request = await Promise.race([pendingOf(bob, 'payments'), running.then(() => null)])
      assert(request !== null, 'the statement ran without a person')
      assert.deepEqual(await truth(stack, paymentsWith(7)), [{ n: 1 }])
      const given = await decide(bob, request.id, 'approved', 'a double booking')
      assert.equal(given.status, 200, given.text)
      return { rowCount: (await running).rowCount, asked: request.id }
    })
    assert.equal(rowCount, 1)
    assert.deepEqual(await truth(stack, paymentsWith(7)), [{ n: 0 }])
    assert(
      notices.some((text) => text.includes(`${stack.url}/approvals/${asked}`)),
      'the caller was not told where',
    )
    const { body } = await bob.get(`/api/v1/approvals/${asked}`)
    assert.equal(body.state, 'run')
    return `replay it at ${stack.url}/sessions/${body.sessionId}`
  },
}

const refusedByDora: Step = {
  title: 'dora, the other reviewer, refuses the next one: the function is told why, and nothing is deleted',
  async run(told) {
    const { stack } = told
    const dora = await stack.as('dora')
    const client = clientOf(await (await stack.as('ann')).token(), { password: await stack.idp.workloadToken() })
    const error = await through(told, 'function is refused', client, async (open) => {
      const running = refused(open.query(forgetPayment(8)), 'SPH03')
      const request = await pendingOf(dora, 'payments')
      const given = await decide(dora, request.id, 'denied', 'the books of May are closed')
      assert.equal(given.status, 200, given.text)
      return await running
    })
    assert.match(`${error.message} ${error.detail ?? ''}`, /the books of May are closed/)
    assert.deepEqual(await truth(stack, paymentsWith(8)), [{ n: 1 }])
    return error.message
  },
}

const priceOf = 'SELECT price::text FROM products WHERE id = 1'
const mend = 'UPDATE public.products SET price = 12.75 WHERE id = 1'

const annIsGranted: Step = {
  title: 'ann asks for access for a time; bob grants it, she writes, bob ends it: her open session is refused again',
  async run(told) {
    const { stack, annHome } = told
    const client = await (await stack.as('ann')).client()
    return await through(told, 'ann is granted', client, async (open) => {
      const statement = { name: 'mend', text: mend }
      const before = await refused(open.query(statement), '42501')
      assert.match(before.hint ?? '', /sallyport request shop shop-access\/mend-products/)
      const asking = ['request', 'shop', 'shop-access/mend-products', '--for', '1h', '--reason', 'a wrong price']
      const asked = await runCli([...asking, '--json'], { home: annHome })
      assert.equal(asked.status, 0, asked.stderr)
      const { id } = JSON.parse(asked.stdout).result
      const bob = await stack.as('bob')
      const given = await bob.post(`/api/v1/grants/${id}/verdict`, { verdict: 'approved', reason: 'go ahead' })
      assert.equal(given.body.state, 'approved', given.text)
      await until('the grant has reached the agent', () => open.query(statement).then(() => true))
      assert.deepEqual(await truth(stack, priceOf), [{ price: '12.75' }])
      assert.equal((await bob.post(`/api/v1/grants/${id}/end`, {})).body.state, 'ended')
      await until('its end has reached the agent', () =>
        open.query(statement).then(
          () => null,
          (error: pg.DatabaseError) => error.code === '42501',
        ),
      )
      return `look at it at ${stack.url}/grants/${id}`
    })
  },
}

/** The request that waits for this reviewer and touches the table. */
async function pendingOf(reviewer: PersonApi, table: string): Promise<{ id: string; approvalDigest: string }> {
  return await until('a request that waits', async () => {
    const { body } = await reviewer.get('/api/v1/approvals')
    const items: { id: string; approvalDigest: string; objects: string[] }[] = body.items
    return items.find((item) => item.objects.includes(`public.${table}`)) ?? null
  })
}

/** As the console does it: what is shown, and its digest sent back. */
async function decide(reviewer: PersonApi, id: string, verdict: 'approved' | 'denied', reason: string) {
  const { body } = await reviewer.get(`/api/v1/approvals/${id}`)
  return await reviewer.post(`/api/v1/approvals/${id}/verdict`, {
    verdict,
    reason,
    approvalDigest: body.approvalDigest,
  })
}

const exported: Step = {
  title: 'an administrator exports the record; it verifies offline with the key that the agent names',
  async run(told) {
    const { stack } = told
    const home = await stack.cliHome('adam')
    const sessions = await until('the sessions are recorded as closed', () => closedSessions(stack, 8))
    const file = join(stack.dir, 'people', 'record.jsonl')
    const made = await runCli(['sessions', 'export', '-o', file], { home })
    assert.equal(made.status, 0, made.stderr)
    const printed = fingerprintOf(stack)
    const verified = await runCli(['audit', 'verify', file, '--key', printed, '--json'], { home })
    assert.equal(verified.status, 0, verified.stdout)
    const report = JSON.parse(verified.stdout).result
    assert.equal(report.ok, true)
    assert(report.sessions.length >= sessions, `${report.sessions.length} sessions in the export, ${sessions} recorded`)
    assert(report.agents.every((agent: { pinned: boolean }) => agent.pinned))
    const denied = report.sessions.reduce((sum: number, session: { denied: number }) => sum + session.denied, 0)
    assert(denied >= 3, `${denied} denied statements are recorded`)
    return `${report.sessions.length} sessions, ${report.entries} entries, ${report.heads} signed heads`
  },
}

const tampered: Step = {
  title: 'a copy of the record with one word changed does not verify',
  async run(told) {
    const home = await told.stack.cliHome('adam')
    const text = readFileSync(join(told.stack.dir, 'people', 'record.jsonl'), 'utf8')
    const changed = text.replace('writes-are-for-dba', 'writes-are-for-all')
    assert.notEqual(changed, text)
    const file = join(told.stack.dir, 'people', 'changed.jsonl')
    writeFileSync(file, changed)
    const ran = await runCli(['audit', 'verify', file, '--json'], { home })
    assert.equal(ran.status, 8, ran.stdout)
    const { problems } = JSON.parse(ran.stdout).result
    assert(problems.length > 0)
    return `found at line ${problems[0].line}: ${problems[0].reason}`
  },
}

const nowhere: Step = {
  title: 'no credential of a target, and nothing that was stopped, is anywhere: callers, store, logs, spool, exports',
  async run(told) {
    const { stack } = told
    const haystacks = [
      ...told.received,
      ...(await dumpOf('store', stack.store.url('sallyport'))),
      ...filesOf('store files', join(stack.dir, 'store')),
      ...filesOf('logs', join(stack.dir, 'logs')),
      ...filesOf('agent', stack.agentDir),
      ...filesOf('people', join(stack.dir, 'people')),
    ]
    const bytes = haystacks.reduce((sum, haystack) => sum + haystack.bytes.length, 0)
    const [sample] = haystacks.filter((haystack) => haystack.bytes.length > 1_000)
    assert(sample !== undefined)
    proveSearch(sample, stack.credential)
    // The search is about the real one: the agent did log in with it.
    assert.equal(readFileSync(stack.credentialFile, 'utf8'), stack.credential)
    for (const secret of [stack.credential, ...told.services.credentials, ...told.stopped])
      assert.deepEqual(search(haystacks, secret), [])
    return `${haystacks.length} places, ${Math.round(bytes / 1_048_576)} MiB; planted copies are found in every form`
  },
}

/** In order. */
export const steps: readonly Step[] = [
  logIn,
  annReads,
  functionReads,
  caraReads,
  annWrites,
  bobWrites,
  functionAsks,
  refusedByDora,
  annIsGranted,
  annAsksTheApi,
  assistantWorks,
  modelLeaks,
  exported,
  tampered,
  nowhere,
]

export async function closedSessions(stack: Stack, atLeast: number): Promise<number | null> {
  const admin = await stack.as('adam')
  const { body } = await admin.get('/api/v1/sessions?limit=200')
  const items: { state: string }[] = body.items
  return items.length >= atLeast && items.every((item) => item.state === 'closed') ? items.length : null
}

/** What the agent itself prints: an auditor takes it from there and not from the control plane. */
export function fingerprintOf(stack: Stack): string {
  const ran = spawnSync(process.execPath, [join(root, 'apps/agent/dist/main.js'), 'fingerprint'], {
    env: { PATH: process.env.PATH ?? '', SALLYPORT_DATA_DIR: stack.agentDir },
    encoding: 'utf8',
  })
  assert.equal(ran.status, 0, ran.stderr)
  return ran.stdout.trim()
}

/** Plays all of it. The first step that fails stops it with its error. */
export async function play(stack: Stack, services: ShopServices, say: (line: string) => void): Promise<void> {
  const told: Told = { stack, services, received: [], stopped: [], annHome: join(stack.dir, 'people', 'ann-cli') }
  for (const [index, step] of steps.entries()) {
    const start = performance.now()
    const seen = await step.run(told)
    say(`${index + 1}. ${step.title}\n   ok: ${seen} (${Math.round(performance.now() - start)} ms)`)
  }
}
