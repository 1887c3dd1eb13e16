// What happens now, across replicas: hints over Redis and over the store, a Redis and a replica that die, event streams that
// carry only what their person may read, and sessions that are ended from the other side.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { LiveEvent } from '@sallyport/api/live'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bus, openBus } from '../src/live/bus.ts'
import { createStreams, streamsPerPersonMax } from '../src/live/streams.ts'
import { findActor } from '../src/signin/session.ts'
import { isSnapshot, type TestAgent } from './grpc-stack.ts'
import {
  type AgentLink,
  ask,
  decide,
  eventually,
  evidenceOf,
  type HoldStack,
  newId,
  type Replica,
  startHoldStack,
  startRedis,
} from './hold-stack.ts'
import { allowPolicy, makePerson, type SignedIn, testIssuer } from './make.ts'
import { stopServer } from './stack.ts'

afterAll(stopServer)

/** An open event stream of a person. */
async function listen(replica: { url: string }, person: SignedIn) {
  const closing = new AbortController()
  const response = await fetch(`${replica.url}/api/v1/live`, { headers: person.headers, signal: closing.signal })
  const events: LiveEvent[] = []
  let hellos = 0
  let isOver = false
  const read = async (): Promise<void> => {
    let text = ''
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        if (block.includes('event: hello')) hellos++
        const line = /^event: change\ndata: (.*)$/m.exec(block)?.[1]
        if (line !== undefined) events.push(LiveEvent.strict().parse(JSON.parse(line)))
      }
    }
  }
  const over = read()
    .catch(() => undefined)
    .finally(() => {
      isOver = true
    })
  await eventually(
    async () => hellos,
    (count) => count > 0 || isOver,
  )
  return {
    response,
    events,
    over,
    hellos: () => hellos,
    about: async (kind: LiveEvent['kind'], id: string) =>
      await eventually(
        async () => events,
        (all) => all.some((event) => event.kind === kind && event.id === id),
      ),
    close: () => closing.abort(),
  }
}

/** Everything that replicas say over Redis, as a stranger hears it. */
async function overhearRedis(url: string) {
  const heard: string[] = []
  const redis = new Redis(url, { retryStrategy: () => null })
  redis.on('error', () => undefined)
  redis.on('message', (_channel, message) => heard.push(message))
  await redis.subscribe('sallyport:test:hints')
  return { heard, close: () => redis.disconnect() }
}

async function overhearStore(url: string) {
  const heard: string[] = []
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  client.on('notification', ({ payload }) => heard.push(payload ?? ''))
  await client.query('LISTEN sallyport_hints')
  return { heard, close: async () => await client.end() }
}

async function makeSession(stack: HoldStack, agent: TestAgent, closedAt: Date | null = null): Promise<string> {
  const id = newId()
  await stack.db.recordedSession.create({
    data: {
      id,
      agentId: agent.id,
      agentName: agent.name,
      target: 'orders',
      upstreamRole: 'app_rw',
      initiator: {},
      actors: [],
      initiatorKey: 'k',
      initiatorName: 'ann',
      clientAddress: '',
      applicationName: '',
      openedAt: new Date(stack.clock.nowMs()),
      closedAt,
      tipSeq: 0,
      tipHash: '',
    },
  })
  return id
}

const isKillOf = (session: string) => (message: Parameters<typeof isSnapshot>[0]) =>
  message.body.case === 'killSession' && message.body.value.session === session

/** A reviewer on one replica decides for an agent on the other, end to end. */
async function approveAcross(reviewer: SignedIn, at: Replica, link: AgentLink): Promise<string> {
  const evidence = evidenceOf(link.agent)
  const state = await link.held(evidence)
  expect((await decide(at, reviewer, state.request, 'approved')).status).toBe(200)
  const approved = await link.state(state.call, 'approved')
  expect(await link.claim(approved, evidence.statementDigest)).toBe(true)
  return state.request
}

describe('two replicas with Redis', () => {
  it('work over it, over the store when it dies, over it again when it is back, and without the other replica', async () => {
    let redis = await startRedis()
    const stack = await startHoldStack({ replicas: 2, redisUrl: redis.url })
    const [a, b] = [stack.replicas[0]!, stack.replicas[1]!]
    const dba = await stack.person('reviewer', 'dba')
    const link = await stack.link(await stack.join('eu-1'), b)
    const ears = { redis: await overhearRedis(redis.url), store: await overhearStore(stack.databaseUrl) }
    const says = (heard: string[], id: string) => heard.some((message) => message.endsWith(` approval ${id}`))
    try {
      const first = await approveAcross(dba, a, link)
      await eventually(
        async () => ears.redis.heard,
        (heard) => says(heard, first),
      )
      expect(says(ears.store.heard, first)).toBe(false)

      await redis.kill()
      const second = await approveAcross(dba, a, link)
      await eventually(
        async () => ears.store.heard,
        (heard) => says(heard, second),
      )
      expect(stack.logged().match(/"event":"hints-down"/g)).toHaveLength(2)

      redis = await startRedis(redis.port)
      await eventually(
        async () => stack.logged(),
        (text) => text.match(/"event":"hints-back"/g)?.length === 2,
      )
      ears.redis.close()
      ears.redis = await overhearRedis(redis.url)
      const third = await approveAcross(dba, a, link)
      await eventually(
        async () => ears.redis.heard,
        (heard) => says(heard, third),
      )
      expect(says(ears.store.heard, third)).toBe(false)

      await a.running.stop()
      await approveAcross(dba, b, link)
    } finally {
      ears.redis.close()
      await ears.store.close()
      link.close()
      await stack.stop()
      await redis.kill()
    }
  })
})

// Without that, what a browser opened ahead of a request lasts for a minute.
it('a control plane stops at once, whoever is connected, and says to readers of its stream that it is over', async () => {
  const stack = await startHoldStack()
  const stream = await listen(stack.replicas[0]!, await stack.person())
  const silent = connect(Number(new URL(stack.replicas[0]!.url).port), '127.0.0.1')
  await once(silent, 'connect')
  const ended = once(silent, 'close')
  silent.resume()
  await Promise.all([stack.stop(), stream.over, ended])
}, 30_000)

describe('two replicas without Redis', () => {
  let stack: HoldStack
  let agent: TestAgent
  let link: AgentLink
  let admin: SignedIn
  let auditor: SignedIn
  let dba: SignedIn
  let security: SignedIn
  let member: SignedIn
  beforeAll(async () => {
    stack = await startHoldStack({ replicas: 2 })
    agent = await stack.join('eu-1')
    link = await stack.link(agent, b())
    admin = await stack.person('admin')
    auditor = await stack.person('auditor')
    dba = await stack.person('reviewer', 'dba')
    security = await stack.person('reviewer', 'security')
    member = await stack.person()
  })
  afterAll(async () => {
    link.close()
    await stack.stop()
  })
  const a = () => stack.replicas[0]!
  const b = () => stack.replicas[1]!
  const by = (person: SignedIn) => ({
    ...evidenceOf(agent).initiator,
    kind: 'user' as const,
    issuer: testIssuer,
    subject: person.subject,
  })

  it('pass a verdict on from one to the other', async () => {
    const store = await overhearStore(stack.databaseUrl)
    const request = await approveAcross(dba, a(), link)
    expect(store.heard.some((message) => message.endsWith(` approval ${request}`))).toBe(true)
    expect(store.heard.every((message) => /^[0-9a-f]{16} [a-z]+ [\x21-\x7e]+$/.test(message))).toBe(true)
    await store.close()
  })

  it('send a policy that was applied on one to an agent on the other', async () => {
    const before = link.stream.received.length
    const yaml = JSON.stringify(allowPolicy(`p-${newId().slice(0, 8)}`, 'orders', 'dba'))
    const applied = await ask(a(), admin, 'POST', '/api/v1/apply', { yaml })
    expect([applied.status, applied.body.changes?.[0]?.change]).toEqual([200, 'created'])
    await link.stream.until((message) => isSnapshot(message) && link.stream.received.indexOf(message) >= before)
  })

  it('cut off an agent on one that was revoked on the other', async () => {
    const doomed = await stack.join('eu-2')
    const other = await stack.link(doomed, b())
    expect((await ask(a(), admin, 'POST', `/api/v1/agents/${doomed.id}/revoke`)).status).toBe(204)
    expect(await other.stream.ended).toBe('AGENT_REVOKED')
  })

  describe('the event stream', () => {
    it('greets, is not kept or gathered on the way, and refuses who is not signed in', async () => {
      const stream = await listen(a(), member)
      expect(stream.response.status).toBe(200)
      expect(Object.fromEntries(stream.response.headers)).toMatchObject({
        'content-type': 'text/event-stream',
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
      })
      expect(stream.hellos()).toBe(1)
      stream.close()
      expect((await fetch(`${a().url}/api/v1/live`)).status).toBe(401)
    })

    it('tells of a request those who may read it, on every replica, and nobody else (R-6.10)', async () => {
      const streams = {
        admin: await listen(a(), admin),
        dba: await listen(a(), dba),
        security: await listen(a(), security),
        member: await listen(b(), member),
      }
      const hidden = await link.held(evidenceOf(agent))
      await streams.admin.about('approval', hidden.request)
      await streams.dba.about('approval', hidden.request)
      const forSecurity = await link.held(evidenceOf(agent, { quorum: [{ group: 'security', count: 1 }] }))
      const ofMember = await link.held(evidenceOf(agent, { initiator: by(member) }))
      await streams.security.about('approval', forSecurity.request)
      await streams.member.about('approval', ofMember.request)
      // Events come in order: had the hidden one been sent, it would have come first.
      for (const name of ['security', 'member'] as const)
        expect(streams[name].events.map((event) => event.id)).not.toContain(hidden.request)
      expect(streams.dba.events.map((event) => event.id)).not.toContain(forSecurity.request)
      expect(JSON.stringify(Object.values(streams).map((stream) => stream.events))).not.toContain('plaintext-of')
      for (const stream of Object.values(streams)) stream.close()
    })

    it('tells of documents, agents and sessions administrators and auditors only', async () => {
      const streams = { auditor: await listen(b(), auditor), dba: await listen(b(), dba) }
      const policy = `p-${newId().slice(0, 8)}`
      const yaml = JSON.stringify(allowPolicy(policy, 'orders', 'dba'))
      await ask(a(), admin, 'POST', '/api/v1/apply', { yaml })
      await streams.auditor.about('resource', `Policy/${policy}`)
      link.close()
      link = await stack.link(agent, b())
      await streams.auditor.about('agent', agent.id)
      const session = await makeSession(stack, agent)
      await ask(a(), admin, 'POST', `/api/v1/sessions/${session}/kill`, { reason: 'seen enough' })
      await streams.auditor.about('session', session)
      const own = await link.held(evidenceOf(agent))
      await streams.dba.about('approval', own.request)
      expect(new Set(streams.dba.events.map((event) => event.kind))).toEqual(new Set(['approval']))
      for (const stream of Object.values(streams)) stream.close()
    })

    it('is refused past the number that one person may hold, and is free again when one is closed', async () => {
      const many = await stack.person()
      const streams = []
      for (let count = 0; count < streamsPerPersonMax; count++) streams.push(await listen(a(), many))
      const refused = await fetch(`${a().url}/api/v1/live`, { headers: many.headers })
      expect(refused.status).toBe(429)
      expect(((await refused.json()) as { code: string }).code).toBe('TOO_MANY_REQUESTS')
      streams[0]!.close()
      await eventually(
        async () => (await listen(a(), many)).response.status,
        (status) => status === 200,
      )
      for (const stream of streams) stream.close()
    })
  })

  describe('ending a session', () => {
    it('reaches the agent on the other replica with the reason, is audited and told outside', async () => {
      const session = await makeSession(stack, agent)
      const answer = await ask(a(), admin, 'POST', `/api/v1/sessions/${session}/kill`, { reason: 'a leak' })
      expect(answer).toEqual({ status: 202, body: {} })
      const { body } = await link.stream.until(isKillOf(session))
      expect(body.value).toMatchObject({ session, reason: 'a leak' })
      const actions = await stack.db.adminAction.findMany({ where: { object: `Session/${session}` } })
      expect(actions).toMatchObject([
        { action: 'kill-session', actor: `${testIssuer} ${admin.subject}`, detail: { reason: 'a leak' } },
      ])
      const events = await stack.db.outboxEvent.findMany({ where: { subject: session } })
      expect(events.map((event) => event.event)).toEqual(['session.killed'])
    })

    it('waits for an agent that is away', async () => {
      const session = await makeSession(stack, agent)
      link.close()
      await ask(a(), admin, 'POST', `/api/v1/sessions/${session}/kill`, { reason: 'later' })
      link = await stack.link(agent, b())
      await link.stream.until(isKillOf(session))
    })

    it('is refused for a session that is over, and for one that is not there', async () => {
      const over = await makeSession(stack, agent, new Date(stack.clock.nowMs()))
      const kill = async (id: string, who = admin) =>
        (await ask(a(), who, 'POST', `/api/v1/sessions/${id}/kill`, { reason: 'x' })).body.code
      expect(await kill(over)).toBe('CONFLICT')
      expect(await kill(newId())).toBe('NOT_FOUND')
      expect(await kill('nothing')).toBe('NOT_FOUND')
      expect(await kill(over, auditor)).toBe('ROLE_MISSING')
      expect(await stack.db.adminAction.count({ where: { object: `Session/${over}` } })).toBe(0)
    })

    it('believes no hint: without a wish in the store nothing is ended (R-6.19)', async () => {
      const [innocent, guilty] = [await makeSession(stack, agent), await makeSession(stack, agent)]
      const client = new pg.Client({ connectionString: stack.databaseUrl })
      await client.connect()
      await client.query(`SELECT pg_notify('sallyport_hints', $1)`, [`${'ab'.repeat(8)} kill ${innocent}`])
      await client.end()
      await ask(b(), admin, 'POST', `/api/v1/sessions/${guilty}/kill`, { reason: 'x' })
      await link.stream.until(isKillOf(guilty))
      expect(link.stream.received.some(isKillOf(innocent))).toBe(false)
    })
  })

  describe('an open stream', () => {
    const served = async (bus: Bus, beatMs = 20) => {
      const log = { info: () => undefined, warn: () => undefined, error: () => undefined } as never
      const streams = createStreams({ db: stack.db, clock: stack.clock, bus, log }, beatMs)
      const server = createServer((request, response) => {
        const token = String(request.headers.authorization).slice('Bearer '.length)
        void findActor(stack.made.deps, 'cli', token).then((actor) => {
          response.writeHead(200)
          streams.add(actor!, response)
        })
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
      return { streams, server, url }
    }
    const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

    it.each<[string, (person: SignedIn) => Promise<unknown>]>([
      [
        'is revoked',
        (who) => stack.db.login.updateMany({ where: { personId: who.personId }, data: { revokedAt: new Date() } }),
      ],
      [
        'has expired',
        (who) => stack.db.login.updateMany({ where: { personId: who.personId }, data: { expiresAt: new Date(0) } }),
      ],
      [
        'is not used',
        (who) => stack.db.login.updateMany({ where: { personId: who.personId }, data: { lastUsedAt: new Date(0) } }),
      ],
      [
        'is of a disabled person',
        (who) => stack.db.person.update({ where: { id: who.personId }, data: { disabledAt: new Date() } }),
      ],
    ])('ends when its login %s', async (_why, change) => {
      const bus = await openBus({ log: silent, randomBytes }, [])
      const { streams, server, url } = await served(bus)
      const person = await makePerson(stack.made, [])
      const [stream, other] = [await listen({ url }, person), await listen({ url }, member)]
      await change(person)
      await stream.over
      bus.publish({ kind: 'approval', id: (await link.held(evidenceOf(agent, { initiator: by(member) }))).request })
      await eventually(
        async () => other.events.length,
        (count) => count > 0,
      )
      other.close()
      streams.stop()
      server.close()
    })

    it('R-6.3: ends with the news that its person was closed out, and waits for no beat', async () => {
      const bus = await openBus({ log: silent, randomBytes }, [])
      const { streams, server, url } = await served(bus, 3_600_000)
      const person = await makePerson(stack.made, [])
      const stream = await listen({ url }, person)
      await stack.db.person.update({ where: { id: person.personId }, data: { disabledAt: new Date() } })
      bus.publish({ kind: 'resource', id: `Person/${person.personId}` })
      await stream.over
      streams.stop()
      server.close()
    })

    it('loses the rights that its person loses', async () => {
      const bus = await openBus({ log: silent, randomBytes }, [])
      const { streams, server, url } = await served(bus)
      const person = await makePerson(stack.made, ['auditor'])
      const stream = await listen({ url }, person)
      await stack.db.person.update({ where: { id: person.personId }, data: { groupClaims: [] } })
      const own = await link.held(evidenceOf(agent, { initiator: by(person) }))
      // Once the rights of now are known, a session is no longer told, and what is its own still is.
      await eventually(
        async () => {
          const seen = stream.events.length
          bus.publish({ kind: 'session', id: newId() })
          bus.publish({ kind: 'approval', id: own.request })
          const all = await eventually(
            async () => stream.events,
            (events) => events.slice(seen).some((event) => event.kind === 'approval'),
          )
          return all.slice(seen).map((event) => event.kind)
        },
        (kinds) => !kinds.includes('session'),
      )
      stream.close()
      streams.stop()
      server.close()
    })

    it('is dropped when nobody reads it, and never held in memory', async () => {
      const bus = await openBus({ log: silent, randomBytes }, [])
      const { streams, server, url } = await served(bus)
      const stream = await listen({ url }, auditor)
      for (let count = 0; count < 20_000; count++) bus.publish({ kind: 'session', id: newId() })
      await stream.over
      expect(stream.events.length).toBeLessThan(20_000)
      streams.stop()
      server.close()
    })

    it('asks for everything again after hints were lost, and ends with the server', async () => {
      let lose: () => void = () => {}
      const bus = await openBus({ log: silent, randomBytes }, [
        async (events) => {
          lose = () => {
            events.down(new Error('gone'))
            events.up()
          }
          return { name: 'test', isUp: () => true, send: async () => undefined, stop: async () => undefined }
        },
      ])
      const { streams, server, url } = await served(bus)
      const stream = await listen({ url }, member)
      lose()
      await eventually(
        async () => stream.hellos(),
        (count) => count === 2,
      )
      streams.stop()
      await stream.over
      server.close()
    })
  })
})
