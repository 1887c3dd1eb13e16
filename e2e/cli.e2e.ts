// The command line from login to logout against the whole product: what each command prints, where, and how it ends.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { type TicketPlace, ticketClients } from './clients/ticket.ts'
import { fingerprintOf } from './demo/story.ts'
import { Browser } from './stack/browser.ts'
import { type Ran, runCli } from './stack/cli.ts'
import { readDocuments } from './stack/documents.ts'
import { cliLogin } from './stack/login.ts'
import { demoPassword } from './stack/people.ts'
import { until } from './stack/until.ts'
import { hasPsql, useStack } from './stack/use.ts'

// Tickets may do without TLS here; tokens may not.
const stack = useStack({ agentEnv: { SALLYPORT_LISTEN_TLS: 'optional' } })

/** A command as this person; logged in by the stack. */
const run = async (login: string, ...parameters: string[]): Promise<Ran> =>
  await runCli(parameters, { home: await stack().cliHome(login) })

/** The result of a command that must succeed with --json. */
async function result(login: string, ...parameters: string[]): Promise<any> {
  const ran = await run(login, ...parameters, '--json')
  expect(ran.status, ran.stdout + ran.stderr).toBe(0)
  const envelope = JSON.parse(ran.stdout)
  expect(envelope).toMatchObject({ v: 1, ok: true })
  return envelope.result
}

test('login, whoami and logout: the bearer is in one private file, and gone afterwards', async () => {
  const home = join(stack().dir, 'people', 'login-test')
  mkdirSync(home)
  const before = await runCli(['whoami', '--url', stack().url], { home })
  expect(before.status).toBe(4)
  expect(before.stderr).toContain('sallyport login')
  const done = await cliLogin(stack(), 'bob', home)
  expect(done).toMatchObject({ status: 0, stdout: '' })
  expect(done.stderr).toMatch(/^open {2}http:\/\/localhost:\d+\/device\?user_code=/m)
  expect(done.stderr).toContain('as Bob Baker')
  const file = join(home, 'sallyport', 'login.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(join(home, 'sallyport')).mode & 0o777).toBe(0o700)
  const bearer: string = JSON.parse(readFileSync(file, 'utf8')).accessToken
  const who = await runCli(['whoami'], { home })
  expect(who).toMatchObject({ status: 0, stderr: '' })
  expect(who.stdout).toMatch(/name +Bob Baker\n[\s\S]*groups +dba\nroles +member, reviewer\n/)
  expect((await runCli(['logout'], { home })).status).toBe(0)
  expect(existsSync(file)).toBe(false)
  const old = await fetch(`${stack().url}/api/v1/me`, { headers: { authorization: `Bearer ${bearer}` } })
  expect(old.status).toBe(401)
})

test('a login that the person refuses ends with 4 and says so', async () => {
  const home = join(stack().dir, 'people', 'refused-test')
  mkdirSync(home)
  let refusing: Promise<unknown> | undefined
  const ran = await runCli(['login', '--url', stack().url, '--json'], {
    home,
    onStderr(soFar) {
      const address = /^open {2}(\S+)$/m.exec(soFar)?.[1]
      if (address === undefined || refusing !== undefined) return
      const browser = new Browser()
      refusing = browser
        .get(address)
        .then((page) => browser.submit(page))
        .then((page) => browser.submit(page, { abort: 'yes' }))
    },
  })
  await refusing
  expect(ran.status).toBe(4)
  expect(JSON.parse(ran.stdout)).toMatchObject({ ok: false, error: { code: 'LOGIN_FAILED' } })
})

test('a browser signs in with the code flow, and its changes need the CSRF token', async () => {
  const browser = new Browser()
  const page = await browser.get(`${stack().url}/auth/login`)
  const wrong = await browser.submit(page, { login: 'adam', password: 'guess' })
  expect(wrong.status).toBe(403)
  const back = await browser.submit(wrong, { login: 'adam', password: demoPassword })
  expect(new URL(back.url).origin).toBe(stack().url)
  const me = JSON.parse((await browser.get(`${stack().url}/api/v1/me`)).body)
  expect(me).toMatchObject({ subject: 'adam', roles: expect.arrayContaining(['admin']) })
  const change = async (headers: Record<string, string>) => {
    const response = await fetch(`${stack().url}/api/v1/apply`, {
      method: 'POST',
      headers: {
        cookie: browser.cookieHeader(stack().url),
        'content-type': 'application/json',
        origin: stack().url,
        ...headers,
      },
      body: JSON.stringify({ yaml: readDocuments('shop.yaml', stack().places), dryRun: true }),
    })
    return response.status
  }
  expect(await change({})).toBe(403)
  expect(await change({ 'x-sallyport-csrf': me.csrfToken })).toBe(200)
  expect(await change({ 'x-sallyport-csrf': me.csrfToken, origin: 'https://evil.example' })).toBe(403)
})

test('token prints a token alone; a target that is not open is not found', async () => {
  const ran = await run('ann', 'token', 'shop')
  expect(ran).toMatchObject({ status: 0, stderr: '' })
  expect(ran.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  const none = await run('ann', 'token', 'nowhere')
  expect(none.status).toBe(3)
  expect(none.stdout).toBe('')
  expect(none.stderr).toContain('sallyport targets')
})

test('connect runs a client with its environment and passes its exit status on', async () => {
  const show =
    'console.log(process.env.PGDATABASE, process.env.PGSSLMODE, process.env.PGPASSWORD.length > 100); process.exit(9)'
  const ran = await run('ann', 'connect', 'shop', '--', process.execPath, '-e', show)
  expect(ran).toMatchObject({ status: 9, stdout: 'shop verify-full true\n' })
  const missing = await run('ann', 'connect', 'shop', '--', 'no-such-client-here')
  expect(missing.status).toBe(3)
  expect(missing.stderr).toContain('sallyport query')
})

test.skipIf(!hasPsql)('connect TARGET -- psql works as it stands', async () => {
  const ran = await run(
    'ann',
    'connect',
    'shop',
    '--',
    'psql',
    '-X',
    '-At',
    '-c',
    'SELECT email FROM customers LIMIT 1',
  )
  expect(ran).toMatchObject({ status: 0, stdout: '***@example.test\n' })
})

test('connect --certificate: a key of this machine is the whole login, and its revocation ends the session', async () => {
  const { url, sslcert, sslkey, certificate, ...place } = await result('ann', 'connect', 'shop', '--certificate')
  expect(url).toContain(encodeURIComponent(sslkey))
  expect(readFileSync(sslkey, 'utf8')).toContain('PRIVATE KEY')
  expect(statSync(sslkey).mode & 0o777).toBe(0o600)
  if (hasPsql) {
    const ran = await run('ann', 'connect', 'shop', '--certificate', '--', 'psql', '-XAtw', '-c', 'SELECT 1')
    expect(ran).toMatchObject({ status: 0, stdout: '1\n' })
  }
  const { host, port, database, user } = place
  const [ca, cert, key] = [place.sslrootcert, sslcert, sslkey].map((path: string) => readFileSync(path, 'utf8'))
  const client = new pg.Client({ host, port, database, user, ssl: { ca, cert, key } as any })
  const ended = new Promise<unknown>((resolve) => client.on('error', resolve))
  await client.connect()
  const prepared = { name: 'before', text: 'SELECT email FROM customers LIMIT 1' }
  expect((await client.query(prepared)).rows).toEqual([{ email: '***@example.test' }])
  await result('adam', 'revoke', '--token', certificate)
  expect(await ended).toMatchObject({ code: '57P01' })
  await client.end().catch(() => {})
})

/** A new ticket of Ann's, as the command prints it. */
async function newTicket(
  ...parameters: string[]
): Promise<TicketPlace & { readonly id: string; readonly url: string }> {
  const made = await result('ann', 'ticket', 'shop', ...parameters)
  return { ...made, ca: readFileSync(made.sslrootcert, 'utf8') }
}

describe.each(ticketClients)('$name logs in with a ticket', ({ isThere, binds, run: runClient }) => {
  test.skipIf(!isThere).each([true, false])('over TLS: %s', async (tls) => {
    const ticket = await newTicket()
    expect(await runClient(ticket, tls, 'SELECT email FROM customers LIMIT 1')).toBe('***@example.test\n')
    const admin = await stack().as('adam')
    const { id, ...opened } = await until('the session is recorded', async () => {
      const { items } = (await admin.get('/api/v1/sessions?limit=5')).body
      for (const { id } of items) {
        const [first] = (await admin.get(`/api/v1/sessions/${id}/entries?limit=1`)).body.items
        if (first?.tokenIds?.includes(ticket.id)) return { ...first, id }
      }
      return null
    })
    expect(opened).toMatchObject({ tls, initiator: { subject: 'ann' } })
    const bound = !tls ? '' : binds ? '-plus' : '(-plus)?'
    expect(opened.authentication).toMatch(new RegExp(`^ticket-scram-sha-256${bound}$`))
    const { authentication } = opened
    expect((await admin.get(`/api/v1/sessions/${id}`)).body).toMatchObject({ authentication, tls })
    if (tls) return
    const wrong = runClient({ ...ticket, password: `${ticket.password}x` }, tls, 'SELECT 1')
    await expect(wrong).rejects.toThrow(/the ticket or its secret is not valid/)
  })
})

describe.each(ticketClients)('$name with a fast ticket', ({ name, isThere, run: runClient }) => {
  test.skipIf(!isThere).each([true, false])('over TLS: %s', async (tls) => {
    const ran = runClient(await newTicket('--fast'), tls, 'SELECT email FROM customers LIMIT 1')
    // RFC 7677 has 4,096 rounds at least, and pgjdbc keeps to it.
    if (name === 'pgjdbc') await expect(ran).rejects.toThrow(/iteration/i)
    else expect(await ran).toBe('***@example.test\n')
  })
})

test('a ticket is listed, and revoking it ends the session that it opened', async () => {
  const ticket = await newTicket('--ttl', '5m', '--uses', '9')
  expect(ticket.url).toContain('sslmode=verify-full')
  const { host, port, database, user, password, ca } = ticket
  const client = new pg.Client({ host, port, database, user, password, ssl: { ca } })
  const ended = new Promise<unknown>((resolve) => client.on('error', resolve))
  await client.connect()
  await client.query('SELECT id FROM customers LIMIT 1')
  const listed = await result('ann', 'ticket', 'list')
  expect(listed.find(({ id }: { id: string }) => id === ticket.id)).toMatchObject({ state: 'live', usesLeft: 8 })
  expect((await run('bob', 'ticket', 'revoke', ticket.id)).status).toBe(3)
  await result('ann', 'ticket', 'revoke', ticket.user)
  expect(await ended).toMatchObject({ code: '57P01' })
  await client.end().catch(() => {})
  const all = await result('adam', 'ticket', 'list', '--all')
  expect(all.find(({ id }: { id: string }) => id === ticket.id)).toMatchObject({
    state: 'revoked',
    owner: 'Ann Abel',
  })
  const again = new pg.Client({ host, port, database, user, password, ssl: { ca } })
  again.on('error', () => {})
  await expect(again.connect()).rejects.toMatchObject({ code: '28P01' })
})

test('R-1.2: a token is refused without TLS, also where tickets may do without', async () => {
  const { token, connection } = await (await stack().as('ann')).token('shop')
  const { host, port, database, user } = connection
  const client = new pg.Client({ host, port, database, user, password: token, ssl: false })
  client.on('error', () => {})
  await expect(client.connect()).rejects.toMatchObject({ code: '28000' })
})

test('query shows rows, several results, and nothing that steers a terminal', async () => {
  const rows = await run(
    'ann',
    'query',
    'shop',
    'SELECT id, name, note FROM customers JOIN orders USING (id) ORDER BY id LIMIT 2',
  )
  expect(rows.stdout).toBe('id\tname\tnote\n1\tAlma Almeida\tleave at the neighbour\n2\tBruno Dubois\tNULL\n')
  const two = await result('ann', 'query', 'shop', 'SELECT 1 AS a; SELECT name FROM products ORDER BY id LIMIT 1')
  expect(two).toMatchObject([
    { command: 'SELECT', rowCount: 1, rows: [['1']], columns: [{ name: 'a' }] },
    { rows: [['Enamel mug']] },
  ])
  await run('bob', 'query', 'shop', "UPDATE orders SET note = E'\\x1b[31m\u202ered' WHERE id = 3")
  const shown = await run('bob', 'query', 'shop', 'SELECT note FROM orders WHERE id = 3')
  expect(shown.stdout).toBe('note\n\\x1b[31m\\u{202e}red\n')
})

test('query keeps as many rows as it is told, and says that there are more', async () => {
  const ran = await run('ann', 'query', 'shop', 'SELECT id FROM orders ORDER BY id', '--rows', '3')
  expect(ran.stdout).toBe('id\n1\n2\n3\n')
  expect(ran.stderr).toContain('3 of 70 rows are shown')
})

test('query reads its SQL from stdin', async () => {
  const ran = await runCli(['query', 'shop', '-f', '-'], { home: await stack().cliHome('ann'), stdin: 'SELECT 7 AS n' })
  expect(ran.stdout).toBe('n\n7\n')
})

test.each([
  ['denied by policy', "UPDATE orders SET status = 'lost' WHERE id = 1", 5, 'POLICY_DENIED'],
  ['a mask that cannot be kept', "SELECT id FROM customers WHERE ssn LIKE '9%'", 5, 'MASK_UNPROVABLE'],
  ['no SQL', 'SELEC 1', 2, 'STATEMENT_SYNTAX'],
  ['an error of the target', 'SELECT 1/0', 1, 'STATEMENT_FAILED'],
])('query ends with the exit status of its failure: %s', async (_, sql, status, code) => {
  const ran = await run('ann', 'query', 'shop', sql, '--json')
  expect(ran.status, ran.stdout).toBe(status)
  expect(JSON.parse(ran.stdout)).toMatchObject({ v: 1, ok: false, error: { code } })
})

test('apply says what changed, and with --dry-run changes nothing', async () => {
  const file = join(stack().dir, 'people', 'label.yaml')
  writeFileSync(
    file,
    'apiVersion: sallyport.dev/v1\nkind: Label\nmetadata: { name: pii.city }\nspec: { columns: [{ pattern: public.customers.city }] }\n',
  )
  const dry = await result('adam', 'apply', '-f', file, '--dry-run')
  expect(dry).toMatchObject({ dryRun: true, changes: [{ kind: 'Label', name: 'pii.city', change: 'created' }] })
  const seen = join(stack().dir, 'people', 'seen.json')
  writeFileSync(seen, JSON.stringify({ v: 1, ok: true, result: dry }))
  expect((await result('adam', 'apply', '-f', file, '--seen', seen)).changes[0].change).toBe('created')
  const late = await run('adam', 'apply', '-f', file, '--seen', seen)
  expect(late.status).toBe(1)
  expect(late.stderr).toContain('Label "pii.city" is there already; you have seen that there is none')
  const again = await run('adam', 'apply', '-f', file)
  expect(again.stdout).toBe('kind\tname\tchange\tversion\nLabel\tpii.city\tunchanged\t1\n')
})

test('policy explain says the same as the data path, for a draft, too', async () => {
  const home = await stack().cliHome('adam')
  const explain = async (...more: string[]) =>
    (
      await result(
        'adam',
        'policy',
        'explain',
        'shop',
        'SELECT email FROM customers',
        '--groups',
        'engineering',
        ...more,
      )
    ).statements[0]
  expect(await explain()).toMatchObject({
    decision: 'allow',
    rule: 'engineers-read',
    output: [{ name: 'email', mask: 'email' }],
  })
  const draft = join(stack().dir, 'people', 'draft.yaml')
  writeFileSync(draft, readDocuments('shop.yaml', stack().places).replace('groups: [engineering]', 'groups: [dba]'))
  expect(await explain('-f', draft)).toMatchObject({ decision: 'deny' })
  const text = await runCli(['policy', 'explain', 'shop', 'DELETE FROM orders'], { home })
  expect(text.stdout).toMatch(/^DELETE FROM orders\ndeny/)
  expect((await run('ann', 'policy', 'explain', 'shop', 'SELECT 1')).status).toBe(5)
})

test('sessions are listed, shown and exported, and the export verifies', async () => {
  await run('ann', 'query', 'shop', 'SELECT email FROM customers LIMIT 2')
  const list = () => result('adam', 'sessions', 'list', '--decision', 'masked', '--state', 'closed')
  const [session] = await until(
    'a masked session is recorded',
    async () => ((await list()) as any[]).length > 0 && list(),
  )
  expect(session).toMatchObject({ target: 'shop', initiator: { display: 'Ann Abel' }, agentName: 'shop-agent' })
  const shown = await run('adam', 'sessions', 'show', session.id)
  expect(shown.stdout).toMatch(/caller +Ann Abel/)
  expect(shown.stdout).toMatch(/intent +#\d+ SELECT email FROM customers LIMIT/)
  const file = join(stack().dir, 'people', 'session.jsonl')
  const exported = await run('adam', 'sessions', 'export', session.id, '-o', file)
  expect(exported).toMatchObject({ status: 0, stdout: '' })
  const home = join(stack().dir, 'people', 'offline')
  mkdirSync(home)
  const key = fingerprintOf(stack())
  const good = await runCli(['audit', 'verify', file, '--key', key], { home })
  expect(good.status, good.stdout).toBe(0)
  expect(good.stdout).toMatch(/^verified: 1 sessions, \d+ entries/)
  const foreign = await runCli(['audit', 'verify', file, '--key', 'a'.repeat(64)], { home })
  expect(foreign.status).toBe(8)
  expect(foreign.stdout).toContain('key-not-pinned')
  expect((await run('adam', 'sessions', 'show', 'f'.repeat(32))).status).toBe(3)
  expect((await run('ann', 'sessions', 'list')).status).toBe(5)
})

test('every way to change an export is found, with its place', async () => {
  const file = join(stack().dir, 'people', 'session.jsonl')
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const entries = lines.flatMap((line, index) => (line.startsWith('{"entry"') ? [index] : []))
  const [first = 0, second = 0] = entries
  const variants: Record<string, string[]> = {
    'an entry left out': lines.filter((_, index) => index !== second),
    'two entries swapped': lines.map((line, index) =>
      index === first ? lines[second] : index === second ? lines[first] : line,
    ) as string[],
    'an entry doubled': lines.flatMap((line, index) => (index === second ? [line, line] : [line])),
    'a value changed': lines.map((line, index) => (index === second ? line.replace('SELECT', 'DELETE') : line)),
    'the end cut off': lines.slice(0, -2),
    'a head left out': lines.filter((line) => !line.startsWith('{"head"')),
    'nothing at all': [],
  }
  const home = await stack().cliHome('ann')
  for (const [name, changed] of Object.entries(variants)) {
    const other = join(stack().dir, 'people', 'changed.jsonl')
    writeFileSync(other, changed.length === 0 ? '' : `${changed.join('\n')}\n`)
    const ran = await runCli(['audit', 'verify', other, '--json'], { home })
    expect(ran.status, name).toBe(8)
    expect(JSON.parse(ran.stdout).result.problems[0], name).toMatchObject({
      line: expect.any(Number),
      reason: expect.any(String),
    })
  }
})

test('agent join prints what to run, agent list shows the key, and a revoked agent is cut off', async () => {
  const join1 = await run('adam', 'agent', 'join', 'eu-1', '--expires', '60s')
  expect(join1.stdout).toMatch(/^SALLYPORT_JOIN_TOKEN='spj1\.[\w-]+'/)
  expect(join1.stderr).toContain('good once')
  const agents = await result('adam', 'agent', 'list')
  expect(agents).toMatchObject([{ name: 'shop-agent', state: 'online', recordKeyFingerprint: fingerprintOf(stack()) }])
  expect((await run('adam', 'agent', 'revoke', 'nobody')).status).toBe(3)
  expect((await run('ann', 'agent', 'list')).status).toBe(5)
})

test('doctor passes each step, and fails with a fix when the agent is down', async () => {
  const well = await result('ann', 'doctor', 'shop')
  expect(well.healthy).toBe(true)
  expect(well.checks.map((check: { name: string }) => check.name)).toEqual([
    'address',
    'control plane',
    'tls',
    'clock',
    'store',
    'login',
    'targets',
    'agent of shop',
  ])
  const unknown = await run('ann', 'doctor', 'nowhere')
  expect(unknown.status).toBe(7)
  await stack().agent.stop()
  const ill = await run('ann', 'doctor')
  expect(ill.status).toBe(7)
  expect(ill.stdout).toMatch(/fail {2}agent of shop: .*ECONNREFUSED\)\n +fix: /)
  await stack().startAgent()
})

test('revoking the agent ends its sessions and its service for good', async () => {
  expect((await run('adam', 'agent', 'revoke', 'shop-agent')).status).toBe(0)
  await until('the agent has ended by itself', () => !stack().agent.isRunning, 15_000)
  expect((await run('ann', 'query', 'shop', 'SELECT 1')).status).toBe(7)
})
