// What programs rely on: exit statuses, one envelope on stdout with --json, messages on stderr, and no bearer elsewhere.
import { readFileSync } from 'node:fs'
import { errorCodes } from '@sallyport/base/errors'
import { expect, test } from 'vitest'
import { loginFile, makeWorld, runIn, storedLogin } from '../test/world.ts'
import { version } from './version.ts'

test('the version is that of the package', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect(version).toBe(manifest.version)
})

test.each([
  [
    'an unknown command, with what was probably meant',
    ['whoam'],
    2,
    /unknown command 'whoam' \(Did you mean whoami\?\)/,
  ],
  ['an unknown option', ['whoami', '--verbos'], 2, /unknown option '--verbos'/],
  ['a missing argument', ['token'], 2, /missing required argument 'target'/],
  ['no address of the control plane', ['whoami'], 2, /address of the control plane is not known/],
  ['an address that is none', ['whoami', '--url', 'shop'], 2, /"shop" is no address/],
  ['plain http to another machine', ['whoami', '--url', 'http://example.com'], 2, /is not https/],
  ['no login', ['whoami', '--url', 'https://sp.example'], 4, /not logged in at "https:\/\/sp.example"/],
  ['a file that is not there', ['audit', 'verify', 'nowhere.jsonl'], 3, /no file "nowhere.jsonl"/],
  ['a fingerprint that is none', ['audit', 'verify', 'x', '--key', 'abc'], 2, /is no fingerprint/],
  ['neither SQL nor a file', ['query', 'shop', '--url', 'https://sp.example'], 2, /one of them/],
  ['a number of rows that is none', ['query', 'shop', 'select 1', '--rows', '0'], 2, /no number of rows/],
  ['a life of a token that is none', ['agent', 'token', 'eu-1', '--expires', '3w'], 2, /no life of a join token/],
  ['a life of a ticket that is none', ['ticket', 'shop', '--ttl', '2d'], 2, /no life of a ticket/],
  [
    'a life of a grant that is none',
    ['request', 'shop', 'a/b', '--for', '8d', '--url', 'https://sp.example'],
    2,
    /no life of a grant/,
  ],
  ['a number of logins that is none', ['ticket', 'shop', '--uses', '0'], 2, /no number of logins/],
  ['a missing argument of a default command', ['ticket'], 2, /missing required argument 'target'/],
  ['an agent name that is none', ['agent', 'token', 'EU 1'], 2, /no name of an agent/],
])('%s', async (_, parameters, status, message) => {
  const ran = await runIn(makeWorld(), ...parameters)
  expect(ran.status).toBe(status)
  expect(ran.stdout).toBe('')
  expect(ran.stderr).toMatch(message)
  expect(ran.stderr).toMatch(/\n {2}fix: .+\n {2}see: https:/)
})

test('a program without a command shows the help as a message', async () => {
  const ran = await runIn(makeWorld())
  expect(ran).toMatchObject({ status: 2, stdout: '' })
  expect(ran.stderr).toContain('Usage: sallyport')
})

test('--help and --version are results', async () => {
  const help = await runIn(makeWorld(), 'query', '--help')
  expect(help).toMatchObject({ status: 0, stderr: '' })
  expect(help.stdout).toContain('Examples:')
  expect(await runIn(makeWorld(), '--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
})

test('with --json a failure is one envelope on stdout', async () => {
  for (const parameters of [
    ['whoam', '--json'],
    ['--json', 'whoami'],
    ['token', '--json'],
  ]) {
    const ran = await runIn(makeWorld(), ...parameters)
    expect(ran.stderr).toBe('')
    expect(JSON.parse(ran.stdout)).toMatchObject({
      v: 1,
      ok: false,
      error: { code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String), hint: expect.any(String) },
    })
  }
})

test('the bearer goes to the origin that it came from, and a login that is over is not used', async () => {
  const calls: string[] = []
  const world = makeWorld({
    fetch: async (input) => {
      calls.push(String(input))
      return new Response('{}')
    },
  })
  world.stored.set(loginFile, storedLogin('https://sp.example'))
  expect((await runIn(world, 'whoami', '--url', 'https://other.example')).status).toBe(4)
  expect(calls).toEqual([])
  world.stored.set(loginFile, storedLogin('https://sp.example', '2026-06-01T11:59:59.000Z'))
  expect((await runIn(world, 'whoami')).stderr).toContain('your login has ended')
  expect(calls).toEqual([])
})

const tokenAnswer = {
  token: 'the.jwt.itself',
  expiresAt: '2026-06-01T13:00:00.000Z',
  connection: { host: 'agent.example', port: 6432, database: 'shop', user: 'sallyport', ca: 'PEM', url: null },
}

function loggedIn(changes: Parameters<typeof makeWorld>[0] = {}) {
  const world = makeWorld({ fetch: async () => Response.json(tokenAnswer), ...changes })
  world.stored.set(loginFile, storedLogin('https://sp.example'))
  return world
}

test('token prints the token and nothing else', async () => {
  expect(await runIn(loggedIn(), 'token', 'shop')).toEqual({ status: 0, stdout: 'the.jwt.itself\n', stderr: '' })
})

test('connect gives the client its environment, verified in full, and passes its exit status on', async () => {
  const world = loggedIn({
    env: {
      HOME: '/home/ann',
      PGHOSTADDR: '10.0.0.1',
      PGSERVICE: 'other',
      PGOPTIONS: '-c x=1',
      PGSSLMODE: 'disable',
      LANG: 'C',
    },
  })
  const ran = await runIn(world, 'connect', 'shop', '--', 'psql', '--json', '-c', 'select 1')
  expect(ran).toEqual({ status: 3, stdout: '', stderr: '' })
  expect(world.started).toEqual([
    {
      command: 'psql',
      parameters: ['--json', '-c', 'select 1'],
      env: {
        HOME: '/home/ann',
        LANG: 'C',
        PGHOST: 'agent.example',
        PGPORT: '6432',
        PGUSER: 'sallyport',
        PGDATABASE: 'shop',
        PGPASSWORD: 'the.jwt.itself',
        PGSSLMODE: 'verify-full',
        PGSSLROOTCERT: expect.stringMatching(/^\/home\/ann\/\.config\/sallyport\/authority-[0-9a-f]{16}\.pem$/),
        PGGSSENCMODE: 'disable',
      },
    },
  ])
  expect(world.stored.get(world.started[0]?.env['PGSSLROOTCERT'] ?? '')).toBe('PEM')
})

test('connect without a command shows a connection string without the token', async () => {
  const ran = await runIn(loggedIn(), 'connect', 'shop')
  expect(ran.status).toBe(0)
  expect(ran.stdout).toMatch(/postgresql:\/\/sallyport@agent\.example:6432\/shop\?sslmode=verify-full&sslrootcert=/)
  expect(ran.stdout).not.toContain('the.jwt.itself')
})

test('apply finds mistakes of every file before anything is sent', async () => {
  const calls: string[] = []
  const world = loggedIn({
    fetch: async (input) => {
      calls.push(String(input))
      return Response.json({})
    },
  })
  world.stored.set(
    'p/a.yaml',
    'apiVersion: sallyport.dev/v1\nkind: Role\nmetadata: { name: admins }\nspec: { role: boss, groups: [x] }\n',
  )
  world.stored.set('p/b.yaml', 'kind: [\n')
  world.stored.set('p/notes.txt', 'no document')
  const ran = await runIn(world, 'apply', '-f', 'p')
  expect(ran.status).toBe(2)
  expect(calls).toEqual([])
  expect(ran.stderr).toMatch(/p\/a\.yaml:\d+: Role\/admins/)
  expect(ran.stderr).toMatch(/p\/b\.yaml:\d+: /)
})

/** Every command that does something, with its arguments, from the help itself. */
async function leaves(path: readonly string[] = []): Promise<{ path: readonly string[]; usage: string }[]> {
  const { stdout } = await runIn(makeWorld(), ...path, '--help')
  const usage = /^Usage: (.*)$/m.exec(stdout)?.[1] ?? ''
  const below = stdout.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? ''
  const names = [...below.matchAll(/^ {2}([a-z][a-z-]*)(?= |$)/gm)].map(([, name = '']) => name)
  if (names.length === 0) return [{ path, usage }]
  return (await Promise.all(names.filter((name) => name !== 'help').map((name) => leaves([...path, name])))).flat()
}

test('every command stands in docs/cli.md, and answers a failure with one envelope and a documented status', async () => {
  const manual = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
  const documented = [...manual.matchAll(/^\| (\d+) \|/gm)].map(([, status]) => Number(status))
  expect(documented).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 130])
  for (const { exit } of Object.values(errorCodes)) expect(documented).toContain(exit)
  const found = await leaves()
  expect(found.length).toBeGreaterThan(30)
  for (const { path, usage } of found) {
    const name = path.join(' ')
    expect(manual, name).toMatch(new RegExp(`sallyport ${name.replace(' issue', '')}\\b`))
    // Its stdout is a protocol.
    if (name === 'mcp') continue
    const values = [...usage.matchAll(/[<](\w+)/g)].map(([, what]) => String(what))
    const ran = await runIn(makeWorld(), ...path, ...values, '--json')
    expect(JSON.parse(ran.stdout), name).toMatchObject({ v: 1, ok: expect.any(Boolean) })
    expect(documented, name).toContain(ran.status)
  }
})
