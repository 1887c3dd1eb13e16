// What a ticket's command prints: a connection that can be pasted, a line of .pgpass, and the secret nowhere else.
import { expect, test } from 'vitest'
import { loginFile, makeWorld, runIn, storedLogin } from '../test/world.ts'

const ticket = {
  id: 'a'.repeat(32),
  user: `tkt_${'a'.repeat(32)}`,
  state: 'live',
  owner: 'Ann',
  target: 'shop',
  role: 'app_ro',
  sources: [],
  usesMax: null,
  usesLeft: null,
  createdAt: '2026-06-01T12:00:00.000Z',
  expiresAt: '2026-06-01T12:15:00.000Z',
}
const secret = 's'.repeat(43)

/** What was asked, and a world in which the control plane answers so. */
function answering(answer: unknown, status = 201) {
  const asked: { url: string; method: string; body: unknown }[] = []
  const world = makeWorld({
    fetch: async (input, init) => {
      const body = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined
      asked.push({ url: String(input), method: init?.method ?? '', body })
      return new Response(status === 204 ? null : JSON.stringify(answer), { status })
    },
  })
  world.stored.set(loginFile, storedLogin('https://sp.example'))
  return { world, asked }
}
const issued = (host: string) => ({
  ticket,
  secret,
  connection: { host, port: 6432, database: 'shop', user: ticket.user, ca: 'PEM of the authority' },
})

test('a ticket is printed as a URL, as values and as a line of .pgpass', async () => {
  const { world, asked } = answering(issued('agent.example'))
  const parameters = ['ticket', 'shop', '--role', 'app_ro', '--ttl', '15m', '--uses', '3', '--source', '10.0.0.0/8']
  const ran = await runIn(world, ...parameters)
  expect(asked).toEqual([
    {
      url: 'https://sp.example/api/v1/tickets',
      method: 'POST',
      body: { target: 'shop', role: 'app_ro', seconds: 900, uses: 3, sources: ['10.0.0.0/8'] },
    },
  ])
  expect(ran.status).toBe(0)
  const url = ran.stdout.split('\n').find((line) => line.startsWith('postgresql://')) ?? ''
  expect(new URL(url)).toMatchObject({ username: ticket.user, password: secret, host: 'agent.example:6432' })
  expect(new URL(url).searchParams.get('sslmode')).toBe('verify-full')
  expect(world.stored.get(new URL(url).searchParams.get('sslrootcert') ?? '')).toBe('PEM of the authority')
  expect(ran.stdout).toContain(`\nagent.example:6432:shop:${ticket.user}:${secret}\n`)
  expect(ran.stderr).toBe(`good until ${ticket.expiresAt}; the secret is not shown again\n`)
  expect([...world.stored.values()].join()).not.toContain(secret)
})

test('a fast one is asked for by its option', async () => {
  const { world, asked } = answering(issued('agent.example'))
  expect((await runIn(world, 'ticket', 'shop', '--fast')).status).toBe(0)
  expect(asked).toMatchObject([{ body: { target: 'shop', fast: true } }])
})

test('colons of an IPv6 address are quoted in .pgpass and bracketed in the URL', async () => {
  const ran = await runIn(answering(issued('2001:db8::7')).world, 'ticket', 'issue', 'list', '--json')
  const { result } = JSON.parse(ran.stdout)
  expect(result.pgpass).toBe(`2001\\:db8\\:\\:7:6432:shop:${ticket.user}:${secret}`)
  expect(new URL(result.url).host).toBe('[2001:db8::7]:6432')
  expect(result).toMatchObject({ user: ticket.user, password: secret, expiresAt: ticket.expiresAt })
})

test('a ticket is listed, and revoked by its id or its user name', async () => {
  const listed = answering({ items: [ticket], next: null }, 200)
  expect((await runIn(listed.world, 'ticket', 'list')).stdout).toContain(ticket.id)
  expect((await runIn(listed.world, 'ticket', 'list', '--all')).stdout).toContain('Ann')
  expect(listed.asked.map(({ url }) => new URL(url).pathname)).toEqual(['/api/v1/me/tickets', '/api/v1/tickets'])
  const { world, asked } = answering(null, 204)
  for (const wanted of [ticket.id, ticket.user]) await runIn(world, 'ticket', 'revoke', wanted)
  expect(asked.map(({ url }) => new URL(url).pathname)).toEqual(
    Array.from({ length: 2 }, () => `/api/v1/tickets/${ticket.id}/revoke`),
  )
})
