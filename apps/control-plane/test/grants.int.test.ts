// Grants over HTTP: who may ask for what, who decides, what agents are told, and how they end (DESIGN §5; THREATS ).
import { fromBinary } from '@bufbuild/protobuf'
import { LiveEvent } from '@sallyport/api/live'
import { type Snapshot, SnapshotSchema } from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countChanges } from '../src/live/store.ts'
import { isSnapshot, type TestAgent } from './grpc-stack.ts'
import { type AgentLink, ask, eventually, type HoldStack, startHoldStack } from './hold-stack.ts'
import { groupDocument, makeDocuments, type SignedIn } from './make.ts'
import { stopServer } from './stack.ts'

let stack: HoldStack
let agent: TestAgent
let ana: SignedIn
let dba: SignedIn
let admin: SignedIn
const policy = (operations = ['update'], name = 'on-call', count = 1) => ({
  apiVersion: 'sallyport.dev/v1',
  kind: 'Policy',
  metadata: { name },
  spec: {
    targets: { names: ['orders'] },
    rules: [
      {
        name: 'repair',
        effect: 'grant',
        callers: { groups: ['engineering'] },
        operations,
        objects: ['public.orders'],
        approval: { reviewers: [{ group: 'dba', count }], expires: '1h', reason: 'required' },
        longest: '4h',
      },
    ],
  },
})
beforeAll(async () => {
  stack = await startHoldStack()
  await makeDocuments(stack.made, [groupDocument('engineering', 'eng'), policy()])
  ana = await stack.person('eng')
  dba = await stack.person('reviewer', 'dba', 'eng')
  admin = await stack.person('admin')
  agent = await stack.join('eu-1')
})
afterAll(async () => {
  await stack.stop()
  await stopServer()
})

const at = () => stack.replicas[0]!
const post = async (who: SignedIn, path: string, body: object = {}) =>
  await ask(at(), who, 'POST', `/api/v1${path}`, body)
const get = async (who: SignedIn, path: string) => await ask(at(), who, 'GET', `/api/v1${path}`)
const wanted = { target: 'orders', policy: 'on-call', rule: 'repair', seconds: 3_600, reason: 'incident 42' }
const asked = async (who = ana, changes: object = {}) => await post(who, '/grants', { ...wanted, ...changes })
const granted = async (): Promise<string> => {
  const { id } = (await asked()).body
  expect((await post(dba, `/grants/${id}/verdict`, { verdict: 'approved' })).body.state).toBe('approved')
  return id
}
const grantsOf = (message: Parameters<typeof isSnapshot>[0]): Snapshot['grants'] =>
  message.body.case === 'snapshot' ? fromBinary(SnapshotSchema, message.body.value.payload).grants : []
/** What the agent is told with the first snapshot after a change that has so many. */
async function told(link: AgentLink, change: () => Promise<string>, count: number) {
  const before = link.stream.received.length
  const id = await change()
  const isIt = (message: Parameters<typeof isSnapshot>[0]) =>
    isSnapshot(message) && link.stream.received.indexOf(message) >= before && grantsOf(message).length === count
  return { id, grants: grantsOf(await link.stream.until(isIt)) }
}

describe('asking', () => {
  it('R-6.10: is for whom the rule is about, for as long as it says, with a reason where it wants one', async () => {
    expect((await get(ana, '/me/grantable')).body.items).toEqual([
      {
        ...{
          target: 'orders',
          targetLabels: { env: 'test' },
          roles: ['app_rw', 'app_ro'],
          policy: 'on-call',
          rule: 'repair',
        },
        ...{ operations: ['update'], objects: ['public.orders'], when: null, during: null, message: '' },
        ...{ longestSeconds: 14_400, reviewers: [{ group: 'dba', count: 1 }], reason: 'required' },
      },
    ])
    const stranger = await stack.person('sales')
    expect((await get(stranger, '/me/grantable')).body.items).toEqual([])
    expect(await asked(stranger)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    expect(await asked(ana, { rule: 'other' })).toMatchObject({ status: 404 })
    expect(await asked(ana, { target: 'payroll' })).toMatchObject({ status: 404 })
    expect(await asked(ana, { seconds: 14_401 })).toMatchObject({ status: 400 })
    expect(await asked(ana, { reason: ' ' })).toMatchObject({ status: 400 })
    const made = await asked()
    expect(made).toMatchObject({ status: 201, body: { state: 'pending', mayEnd: true, mayDecide: { ok: false } } })
    // For others it is not there.
    expect((await get(stranger, `/grants/${made.body.id}`)).status).toBe(404)
    expect((await post(stranger, `/grants/${made.body.id}/end`)).status).toBe(404)
    expect((await get(stranger, '/grants?view=all')).body.items).toEqual([])
    expect((await post(ana, `/grants/${made.body.id}/end`)).body.state).toBe('cancelled')
  })
})

describe('deciding', () => {
  it('opens the target to whom it was granted, tells agents until when, and nothing more', async () => {
    expect((await post(ana, '/tokens', { target: 'orders' })).body.code).toBe('TARGET_UNKNOWN')
    const nowMs = stack.clock.nowMs()
    const link = await stack.link(agent)
    const { id, grants } = await told(link, granted, 1)
    const [grant] = grants
    expect(grant).toMatchObject({ target: 'orders', policy: 'on-call', rule: 'repair' })
    expect(Number(grant?.untilMs)).toBe(nowMs + 3_600_000)
    expect((await get(ana, '/me/targets')).body.items.map(({ name }: { name: string }) => name)).toEqual(['orders'])
    expect((await get(dba, '/me/targets')).body.items).toEqual([])
    const end = async (): Promise<string> => {
      expect((await post(ana, `/grants/${id}/end`)).body).toMatchObject({ state: 'ended', mayEnd: false })
      return id
    }
    await told(link, end, 0)
    link.close()
    expect((await post(ana, '/tokens', { target: 'orders' })).body.code).toBe('TARGET_UNKNOWN')
  })

  it('takes four eyes, the group of now, and is over once', async () => {
    const own = (await asked(dba)).body
    expect(await post(dba, `/grants/${own.id}/verdict`, { verdict: 'approved' })).toMatchObject({ status: 403 })
    const { id } = (await asked()).body
    const other = await stack.person('reviewer', 'security')
    expect((await post(other, `/grants/${id}/verdict`, { verdict: 'approved' })).status).toBe(404)
    expect((await post(dba, `/grants/${id}/verdict`, { verdict: 'denied' })).status).toBe(400)
    expect((await post(dba, `/grants/${id}/verdict`, { verdict: 'denied', reason: 'no' })).body.state).toBe('denied')
    expect((await post(dba, `/grants/${id}/verdict`, { verdict: 'approved' })).status).toBe(409)
    const late = (await asked()).body.id
    stack.clock.advance(3_600_001)
    expect((await get(ana, `/grants/${late}`)).body.state).toBe('expired')
    expect((await post(dba, `/grants/${late}/verdict`, { verdict: 'approved' })).status).toBe(409)
  })
})

describe('webhooks', () => {
  const events = async (id: string) =>
    (await stack.db.outboxEvent.findMany({ where: { subject: id }, orderBy: { createdAt: 'asc' } })).map(
      ({ event, payload }) => [event, payload],
    )

  it('are told what was asked for, decided and ended, in facts and not in the words of who asks', async () => {
    const { id, expiresAt } = (await asked()).body
    const facts = {
      ...{ grant: id, url: expect.stringMatching(`/grants/${id}$`), target: 'orders', callerAssurance: 'verified' },
      ...{ verbs: ['update'], objects: ['public.orders'], objectsInAll: 1, seconds: 3_600, expiresAt },
      rule: { policy: 'on-call', rule: 'repair' },
    }
    stack.clock.advance(1_000)
    const { until } = (await post(dba, `/grants/${id}/verdict`, { verdict: 'approved' })).body
    stack.clock.advance(1_000)
    await post(ana, `/grants/${id}/end`)
    const told = await events(id)
    expect(told).toMatchObject([
      ['grant.requested', { ...facts, until: null, decidedBy: [] }],
      ['grant.approved', { ...facts, until, decidedBy: [expect.any(String)] }],
      ['grant.ended', { ...facts, until: new Date(stack.clock.nowMs()).toISOString(), by: expect.any(String) }],
    ])
    expect(JSON.stringify(told)).not.toContain('incident 42')
  })

  it('are told of a denial; what is withdrawn tells nothing more', async () => {
    const denied = (await asked()).body.id
    stack.clock.advance(1_000)
    await post(dba, `/grants/${denied}/verdict`, { verdict: 'denied', reason: 'the books are closed' })
    const told = await events(denied)
    expect(told.map(([event]) => event)).toEqual(['grant.requested', 'grant.denied'])
    expect(JSON.stringify(told)).not.toContain('the books are closed')
    const withdrawn = (await asked()).body.id
    await post(ana, `/grants/${withdrawn}/end`)
    expect((await events(withdrawn)).map(([event]) => event)).toEqual(['grant.requested'])
  })

  it('are told when closing somebody out ends what was granted to them', async () => {
    const eve = await stack.person('eng')
    const { id, who } = (await asked(eve)).body
    stack.clock.advance(1_000)
    await post(dba, `/grants/${id}/verdict`, { verdict: 'approved' })
    const { items } = (await get(admin, '/people?limit=100')).body
    const person = items.find(({ subject }: { subject: string }) => subject === who.subject)
    stack.clock.advance(1_000)
    expect((await post(admin, `/people/${person.id}/disable`, { reason: 'left' })).status).toBeLessThan(300)
    expect((await events(id)).map(([event]) => event)).toEqual(['grant.requested', 'grant.approved', 'grant.ended'])
  })
})

describe('the lists', () => {
  const ids = async (who: SignedIn, view: string): Promise<string[]> =>
    (await get(who, `/grants?view=${view}`)).body.items.map(({ id }: { id: string }) => id)

  it('have each grant in the one where it belongs, and say who could decide it and what was asked for before', async () => {
    const cleo = await stack.person('eng')
    const { id } = (await asked(cleo)).body
    expect(await ids(dba, 'pending')).toContain(id)
    const shown = (await get(dba, `/grants/${id}`)).body
    expect(shown).toMatchObject({ mayDecide: { ok: true }, history: { approved: 0, firstTime: true, last: null } })
    expect(shown.quorum).toMatchObject([{ group: 'dba', count: 1, approvedBy: [] }])
    expect(shown.quorum[0].others).toHaveLength(1)
    const waiting = async (who: SignedIn) => (await get(who, '/overview')).body.grants
    const before = await waiting(dba)
    expect(before.waitingForMe).toBeGreaterThan(0)
    await post(dba, `/grants/${id}/verdict`, { verdict: 'approved', reason: 'fine' })
    expect(await waiting(dba)).toEqual({
      waitingForMe: before.waitingForMe - 1,
      pending: before.pending - 1,
      live: before.live + 1,
    })
    expect(await waiting(cleo)).toBeNull()
    expect([await ids(dba, 'pending'), await ids(dba, 'past')].flat()).not.toContain(id)
    expect(await ids(admin, 'live')).toContain(id)
    await post(admin, `/grants/${id}/end`)
    expect(await ids(admin, 'live')).not.toContain(id)
    expect(await ids(admin, 'past')).toContain(id)
    expect(await ids(ana, 'all')).not.toContain(id)
    const again = (await asked(cleo)).body
    expect(again.history).toMatchObject({ approved: 1, denied: 0, firstTime: false, last: { verdict: 'approved' } })
    // What nobody decided in time waits no longer.
    stack.clock.advance(3_600_001)
    expect(await ids(dba, 'pending')).not.toContain(again.id)
    expect(await ids(dba, 'past')).toContain(again.id)
  })

  it('R-6.10: tell of a grant, live, only whoever may read it', async () => {
    const stranger = await stack.person('reviewer', 'security')
    const heard = new Map<SignedIn, LiveEvent[]>([ana, dba, stranger].map((who) => [who, []]))
    const closing = new AbortController()
    await Promise.all([...heard].map(([who, events]) => listen(who, events, closing.signal)))
    const { id } = (await asked()).body
    const isTold = (who: SignedIn, of: string) =>
      heard.get(who)?.some((event) => event.kind === 'grant' && event.id === of)
    await eventually(async () => isTold(dba, id) && isTold(ana, id), Boolean)
    await post(ana, `/grants/${id}/end`)
    await eventually(
      async () => heard.get(dba)?.filter((event) => event.id === id).length,
      (count) => count === 2,
    )
    expect(heard.get(stranger)).toEqual([])
    closing.abort()
  })
})

/** Reads what a person's live stream says until it is closed; settles once the stream has said hello. */
async function listen(who: SignedIn, events: LiveEvent[], signal: AbortSignal): Promise<void> {
  const response = await fetch(`${at().url}/api/v1/live`, { headers: who.headers, signal })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const more = async (): Promise<boolean> => {
    const { value, done } = await reader.read()
    text += value ?? ''
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const line = /^event: change\ndata: (.*)$/m.exec(block)?.[1]
      if (line !== undefined) events.push(LiveEvent.parse(JSON.parse(line)))
    }
    return !done
  }
  await more()
  void (async () => {
    while (await more());
  })().catch(() => undefined)
}

it('R-6.3: another replica hears of a grant that is given and ended, also where the hint is lost', async () => {
  const before = await countChanges(stack.db)
  const id = await granted()
  const given = await countChanges(stack.db)
  await post(ana, `/grants/${id}/end`)
  expect([given - before, (await countChanges(stack.db)) - given]).toEqual([1, 1])
})

describe('R-6.3: the end', () => {
  it('comes at its time, by an administrator, by a changed rule, and with the person', async () => {
    const first = await granted()
    stack.clock.advance(3_600_000)
    expect((await get(ana, `/grants/${first}`)).body.state).toBe('over')
    expect((await get(ana, '/me/targets')).body.items).toEqual([])
    const second = await granted()
    expect((await post(admin, `/grants/${second}/end`)).body.state).toBe('ended')
    const third = await granted()
    await makeDocuments(stack.made, [policy(['update', 'delete'])])
    expect((await get(ana, `/grants/${third}`)).body.state).toBe('stale')
    expect((await get(ana, '/me/targets')).body.items).toEqual([])
    const fourth = await granted()
    const { items } = (await get(admin, '/people?limit=100')).body
    const { who } = (await get(ana, `/grants/${fourth}`)).body
    const person = items.find(({ subject }: { subject: string }) => subject === who.subject)
    // Open consoles of those who may read it are told, as of any other change of a grant; also of one that still waits.
    const fifth = (await asked(ana)).body.id
    const events: LiveEvent[] = []
    const closing = new AbortController()
    await listen(dba, events, closing.signal)
    expect((await post(admin, `/people/${person.id}/disable`, { reason: 'left' })).status).toBeLessThan(300)
    const told = async () => events.filter(({ kind }) => kind === 'grant').map(({ id }) => id)
    await eventually(told, (ids) => ids.includes(fourth) && ids.includes(fifth))
    closing.abort()
    expect((await get(admin, `/grants/${fourth}`)).body.state).toBe('ended')
    const audit = (await get(admin, '/audit?limit=100')).body.items.map(({ action }: { action: string }) => action)
    expect(audit).toEqual(expect.arrayContaining(['request-grant', 'approve-grant', 'deny-grant', 'end-grant']))
  })
})

describe('a quorum', () => {
  it.each([
    ['has left the group', { groupClaims: ['reviewer'] }],
    ['is disabled', { disabledAt: new Date() }],
  ])('R-6.6: counts no approval of somebody who %s before the quorum was reached', async (_what, change) => {
    await makeDocuments(stack.made, [policy(['update'], 'two', 2)])
    const [first, second, third] = [
      await stack.person('reviewer', 'dba'),
      await stack.person('reviewer', 'dba'),
      await stack.person('reviewer', 'dba'),
    ]
    const { id } = (await asked(await stack.person('eng'), { policy: 'two' })).body
    const approve = async (who: SignedIn) =>
      (await post(who, `/grants/${id}/verdict`, { verdict: 'approved' })).body.state
    expect(await approve(first)).toBe('pending')
    await stack.db.person.update({ where: { id: first.personId }, data: change })
    expect(await approve(second)).toBe('pending')
    expect(await approve(third)).toBe('approved')
  })
})
