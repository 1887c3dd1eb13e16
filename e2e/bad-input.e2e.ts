// The "bad input" list: each wrong thing that people, machines and networks do has a named code, a message that says what
// to do, and a heading in docs/errors.md; and it never reaches the target.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { runCli } from './stack/cli.ts'
import { clientOf } from './stack/people-api.ts'
import { freePort } from './stack/postgres.ts'
import { truth } from './stack/shop.ts'
import { audience, reachable, readLog, root } from './stack/stack.ts'
import { until } from './stack/until.ts'
import { expectExplained, refusalOf, useStack, using } from './stack/use.ts'

const stack = useStack()
const issued = async () => await (await stack().as('ann')).token()

describe('at the PostgreSQL door', () => {
  const nowSeconds = () => Math.floor(Date.now() / 1_000)
  const good = (): Record<string, unknown> => ({
    iss: stack().idp.issuer,
    sub: 'shop-reports',
    client_id: 'shop-reports',
    aud: audience,
    iat: nowSeconds(),
    exp: nowSeconds() + 300,
    jti: `test-${nowSeconds()}-${Math.round(performance.now() * 1_000)}`,
  })
  const signed = (changes: object, options: { foreignKey?: boolean } = {}): Promise<string> =>
    stack().idp.sign({ ...good(), ...changes }, options)

  test('a token that is made like these, but right, is let in', async () => {
    const client = clientOf(await issued(), { password: await signed({}) })
    expect((await using(client, (open) => open.query('SELECT id FROM orders LIMIT 1'))).rows).toHaveLength(1)
  })

  const passwords: readonly (readonly [string, () => Promise<string>, string, string])[] = [
    ['a password that is no token', async () => 'hunter2', '28P01', 'TOKEN_INVALID'],
    ['an empty password', async () => '', '28000', 'TOKEN_MISSING'],
    ['a token with a forged signature', () => signed({}, { foreignKey: true }), '28P01', 'TOKEN_SIGNATURE_WRONG'],
    ['a token without a signature', async () => unsigned(good()), '28P01', 'TOKEN_ALGORITHM_WRONG'],
    ['an expired token', () => signed({ iat: nowSeconds() - 900, exp: nowSeconds() - 120 }), '28P01', 'TOKEN_EXPIRED'],
    ['a token that lives too long', () => signed({ exp: nowSeconds() + 86_000 }), '28P01', 'TOKEN_LIFE_TOO_LONG'],
    [
      'a token of a foreign issuer',
      () => signed({ iss: 'https://elsewhere.example' }),
      '28P01',
      'TOKEN_ISSUER_UNKNOWN',
    ],
    ['a token for somebody else', () => signed({ aud: 'another-service' }), '28P01', 'TOKEN_AUDIENCE_WRONG'],
    ['a token of another client of the issuer', () => signed({ client_id: 'build-bot' }), '28P01', 'TOKEN_CLAIM_WRONG'],
    ['a token of a workload that no rule names', () => signed({ sub: 'stranger' }), '42501', 'POLICY_UNCOVERED'],
  ]
  test.each(passwords)('R-6.2: %s', async (_, makePassword, sqlstate, code) => {
    const password = await makePassword()
    const refused = await refusalOf(async () => using(clientOf(await issued(), { password }), async () => {}))
    expect(refused).toMatchObject({ sqlstate, code })
    expect(refused.hint).not.toBe('')
    if (password !== '') expect(refused.message).not.toContain(password)
    expectExplained(code)
  })

  test('a token for one target does not open another', async () => {
    const { token, ...rest } = await issued()
    const client = clientOf({ token, ...rest }, { database: 'gone' })
    const refused = await refusalOf(() => using(client, async () => {}))
    expect(['TARGET_UNKNOWN', 'TOKEN_AUDIENCE_WRONG']).toContain(refused.code)
  })

  test('an unknown database', async () => {
    const client = clientOf(await issued(), { password: await signed({}), database: 'nowhere' })
    const refused = await refusalOf(() => using(client, async () => {}))
    expect(refused).toMatchObject({ sqlstate: '3D000', code: 'TARGET_UNKNOWN' })
    expect(refused.hint).toMatch(/^\w.* \(TARGET_UNKNOWN, see /)
    expectExplained('TARGET_UNKNOWN')
  })

  test('a connection without TLS is refused before any password is asked for', async () => {
    const refused = await refusalOf(async () => using(clientOf(await issued(), { ssl: false }), async () => {}))
    expect(refused).toMatchObject({ sqlstate: '28000', code: 'TLS_REQUIRED' })
    expectExplained('TLS_REQUIRED')
  })

  test('a statement that is too long is refused, and the session goes on', async () => {
    await using(clientOf(await issued()), async (client) => {
      const refused = await refusalOf(() => client.query(`SELECT '${'x'.repeat(1_048_576)}'`))
      expect(refused).toMatchObject({ sqlstate: '54000', code: 'STATEMENT_TOO_LONG' })
      expect(refused.hint).toMatch(/^send large values /)
      expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    })
    expectExplained('STATEMENT_TOO_LONG')
  })

  test.each([
    ['text that is no SQL', 'SELEC 1', '42601', 'STATEMENT_SYNTAX'],
    ['a table that is not there', 'SELECT * FROM nothing_here', '42P01', 'RELATION_MISSING'],
    ['a function that does more than compute', "SELECT pg_read_file('/etc/passwd')", '42501', ''],
    ['a setting that changes who one is', 'SET ROLE postgres', '42501', ''],
    ['a way to a file', "COPY products TO '/tmp/products'", '42501', ''],
    ['a program', "COPY products FROM PROGRAM 'id'", '42501', ''],
  ])('%s is refused, and the session goes on', async (_, sql, sqlstate, code) => {
    await using(clientOf(await issued()), async (client) => {
      const refused = await refusalOf(() => client.query(sql))
      expect(refused.sqlstate).toBe(sqlstate)
      if (code !== '') expect(refused.code).toBe(code)
      expectExplained(refused.code)
      expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    })
  })

  test('bytes that are no message close the connection', async () => {
    const socket = connect(stack().ports.agent, '127.0.0.1')
    const closed = new Promise<void>((done) => socket.on('close', () => done()))
    socket.on('error', () => {})
    socket.resume()
    socket.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    await closed
    await reachable(stack())
  })

  test('a client that vanishes in mid-statement leaves nothing running at the target, and a closed session', async () => {
    const waiting = async () =>
      await truth<{ pid: number }>(
        stack(),
        "SELECT pid FROM pg_stat_activity WHERE usename = 'app_rw' AND wait_event_type = 'Lock'",
      )
    const locker = new pg.Client({ connectionString: stack().target.url('shop') })
    await locker.connect()
    try {
      await locker.query('BEGIN; LOCK TABLE products IN ACCESS EXCLUSIVE MODE')
      const client = clientOf(await issued(), { application_name: 'vanishing' })
      client.on('error', () => {})
      await client.connect()
      const lost = client.query('SELECT name FROM products').catch(() => 'lost')
      await until('the statement waits for the lock', async () => (await waiting()).length === 1)
      ;(client as any).connection.stream.destroy()
      await lost
      await until('the target has let go of it', async () => (await waiting()).length === 0, 15_000)
    } finally {
      await locker.query('ROLLBACK')
      await locker.end()
    }
    const admin = await stack().as('adam')
    await until('the session is closed', async () => {
      const { body } = await admin.get('/api/v1/sessions?limit=200')
      const items: { applicationName: string; state: string }[] = body.items
      return items.some((item) => item.applicationName === 'vanishing' && item.state === 'closed')
    })
    expect(readLog(stack().logs.agent)).toMatch(
      /"reason":"the client vanished","code":"CLIENT_VANISHED".*"session-closed"/,
    )
    expectExplained('CLIENT_VANISHED')
    await reachable(stack())
  })

  test('a target that is down', async () => {
    const admin = await stack().as('adam')
    const applied = await admin.post('/api/v1/apply', { yaml: await goneTarget() })
    expect(applied.status, applied.text).toBe(200)
    const refused = await until('the agent knows the target', async () => {
      const found = await refusalOf(async () =>
        using(clientOf(await (await stack().as('ann')).token('gone')), async () => {}),
      )
      return found.code === 'TARGET_UNKNOWN' ? null : found
    })
    expect(refused).toMatchObject({ sqlstate: '08006', code: 'UPSTREAM_UNREACHABLE' })
    expect(refused.message).not.toMatch(/ECONNREFUSED|127\.0\.0\.1/)
    expect(refused.hint).toMatch(/^\w.* \(UPSTREAM_UNREACHABLE, see /)
    expectExplained('UPSTREAM_UNREACHABLE')
  })
})

const unsigned = (claims: object): string => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`
}

const goneTarget = async () => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: gone }
spec:
  protocol: postgres
  agents: [shop-agent]
  host: localhost
  port: ${await freePort()}
  database: gone
  tls: { mode: disable }
  roles: [{ name: app_rw, password: { file: "${stack().credentialFile}" } }]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: gone-read }
spec:
  targets: { names: [gone] }
  rules: [{ name: read, effect: allow, callers: { groups: [engineering] }, operations: [select] }]
`

describe('in documents', () => {
  const policy = (rule: string) => `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: broken }
spec:
  targets: { names: [shop] }
  rules:
    - { name: r, effect: deny, ${rule} }
`
  test.each([
    ['malformed YAML', 'kind: [\n', 'YAML_INVALID', 2],
    ['an unknown field', policy('operation: [delete]'), 'DOCUMENT_INVALID', 7],
    ['a value out of range', policy('operations: [destroy]'), 'DOCUMENT_INVALID', 7],
    ['CEL that does not type-check', policy('when: "statement.filtered > 3"'), 'CEL_INVALID', 7],
    ['CEL that does not parse', policy('when: "statement.filtered &&"'), 'CEL_INVALID', 7],
    ['CEL with an unknown name', policy('when: "user.name == caller.subject"'), 'CEL_INVALID', 7],
  ])('%s is refused with its line, by the command line and by the API', async (_, yaml, code, line) => {
    const home = await stack().cliHome('adam')
    const ran = await runCli(['apply', '-f', '-', '--json'], { home, stdin: yaml })
    expect(ran.status, ran.stdout).toBe(2)
    const { error } = JSON.parse(ran.stdout)
    expect(error.code).toBe(code)
    expect(error.problems[0].line).toBeGreaterThanOrEqual(line - 1)
    const answer = await (await stack().as('adam')).post('/api/v1/apply', { yaml })
    expect(answer.body).toMatchObject({ code, requestId: expect.any(String) })
    expect(answer.body.problems[0]).toMatchObject({ code, message: expect.any(String) })
    expect((await (await stack().as('adam')).get('/api/v1/resources/policies/broken')).status).toBe(404)
    expectExplained(code)
  })

  test('someone who is no administrator applies nothing', async () => {
    const home = await stack().cliHome('ann')
    const ran = await runCli(['apply', '-f', '-'], { home, stdin: policy('operations: [delete]') })
    expect(ran.status).toBe(5)
    expect(ran.stderr).toContain('ROLE_MISSING')
    expectExplained('ROLE_MISSING')
  })
})

describe('at the enrolment of an agent', () => {
  /** Runs the agent's program to its end. */
  const runAgent = (command: string, env: Record<string, string>) => {
    const data = mkdtempSync(join(stack().dir, 'agent-test-'))
    try {
      return spawnSync(process.execPath, [join(root, 'apps/agent/dist/main.js'), command], {
        env: { PATH: process.env.PATH ?? '', SALLYPORT_DATA_DIR: data, ...env },
        encoding: 'utf8',
        timeout: 30_000,
      })
    } finally {
      rmSync(data, { recursive: true, force: true })
    }
  }
  const newToken = async (name: string) => {
    const home = await stack().cliHome('adam')
    const ran = await runCli(['agent', 'token', name], { home })
    expect(ran.status, ran.stderr).toBe(0)
    return ran.stdout.trim()
  }

  test('an agent that has not joined', () => {
    const ran = runAgent('run', {})
    expect(ran.status).toBe(7)
    expect(ran.stderr).toContain('AGENT_NOT_ENROLLED')
    expect(ran.stderr).toContain('sallyport agent join')
    expectExplained('AGENT_NOT_ENROLLED')
  })

  test('a join token that is used twice', async () => {
    const token = await newToken('twice')
    expect(runAgent('join', { SALLYPORT_JOIN_TOKEN: token }).status).toBe(0)
    const ran = runAgent('join', { SALLYPORT_JOIN_TOKEN: token })
    expect(ran.status, ran.stderr).toBe(4)
    expect(ran.stderr).toContain('JOIN_TOKEN_USED')
    expect(ran.stderr).toContain('sallyport agent join')
    expect(ran.stderr).not.toContain(token)
    expectExplained('JOIN_TOKEN_USED')
  })

  test('a join token that was cut off while copying, and one with another secret', async () => {
    const token = await newToken('cut')
    const fields = JSON.parse(Buffer.from(token.slice(5), 'base64url').toString())
    const forged = `spj1.${Buffer.from(JSON.stringify({ ...fields, s: 'A'.repeat(43) })).toString('base64url')}`
    for (const wrong of [token.slice(0, -9), forged]) {
      const ran = runAgent('join', { SALLYPORT_JOIN_TOKEN: wrong })
      expect(ran.status, ran.stderr).toBe(4)
      expect(ran.stderr).toContain('JOIN_TOKEN_INVALID')
    }
    expectExplained('JOIN_TOKEN_INVALID')
  })

  test('a control plane with another authority than the token names', async () => {
    const token = await newToken('pinned')
    const fields = JSON.parse(Buffer.from(token.slice(5), 'base64url').toString())
    const forged = `spj1.${Buffer.from(JSON.stringify({ ...fields, k: '0'.repeat(64) })).toString('base64url')}`
    const ran = runAgent('join', { SALLYPORT_JOIN_TOKEN: forged })
    expect(ran.status, ran.stderr).toBe(7)
    expect(ran.stderr).toContain('CA_MISMATCH')
    expectExplained('CA_MISMATCH')
  })

  test('a floor that is not valid stops the start', () => {
    const floor = join(stack().dir, 'floor.yaml')
    writeFileSync(floor, 'apiVersion: sallyport.dev/v1\nkind: Floor\nspec: { rule: [] }\n')
    const ran = runAgent('run', { SALLYPORT_FLOOR: floor })
    expect(ran.status).toBe(2)
    expect(ran.stderr).toContain('FLOOR_INVALID')
    expectExplained('FLOOR_INVALID')
  })

  test('a snapshot with a bad signature is refused, and without a good one the agent denies', async () => {
    await stack().agent.stop()
    await stack().controlPlane.stop()
    const file = join(stack().agentDir, 'snapshot.bin')
    const bytes = readFileSync(file)
    const at = bytes.indexOf('engineers-read')
    expect(at).toBeGreaterThan(0)
    const forged = Buffer.from(bytes)
    forged.write('engineers-free', at)
    writeFileSync(file, forged)
    const before = readLog(stack().logs.agent).length
    // Without its control plane it has nothing but what is on disk, so it never gets ready.
    const starting = stack().startAgent()
    try {
      const { connection } = await offline()
      const refused = await until('the agent listens', async () => {
        const found = await refusalOf(() => using(clientOf(connection), async () => {}))
        return found.code === '' ? null : found
      })
      expect(refused.code).toBe('SNAPSHOT_MISSING')
      expect(refused.sqlstate).toBe('57P03')
      expect(refused.hint).toMatch(/^\w.* \(SNAPSHOT_MISSING, see /)
      expect(readLog(stack().logs.agent).slice(before)).toMatch(/SNAPSHOT_SIGNATURE.*enrol this agent anew/)
      expectExplained('SNAPSHOT_SIGNATURE')
      expectExplained('SNAPSHOT_MISSING')
    } finally {
      await stack().startControlPlane()
      await starting
    }
    await reachable(stack())
  })

  /** The address of the agent while there is no control plane to ask. */
  const offline = async () => ({
    connection: {
      token: await stack().idp.workloadToken(),
      expiresAt: '',
      connection: {
        host: 'localhost',
        port: stack().ports.agent,
        database: 'shop',
        user: 'sallyport',
        ca: readFileSync(join(stack().agentDir, 'ca.pem'), 'utf8'),
        url: null,
        mcp: false,
      },
    },
  })
})
