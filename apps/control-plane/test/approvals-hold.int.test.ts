// Held statements as agents bring them: what is refused, what a retry attaches to, who gets the one run, and what becomes of
// a request in the end (THREATS ). Two replicas over one store.
import { createHash, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { limits } from '@sallyport/base/limits'
import { canonicalBytes, canonicalText } from '@sallyport/ledger/canonical'
import { approvalDigest, approvalMessage, evidenceDigest } from '@sallyport/ledger/hold'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestAgent } from './grpc-stack.ts'
import {
  type AgentLink,
  ask,
  card,
  decide,
  eventually,
  evidenceOf,
  type HoldStack,
  newId,
  secretText,
  someDigest,
  startHoldStack,
} from './hold-stack.ts'
import type { SignedIn } from './make.ts'
import { query, stopServer } from './stack.ts'

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())

let stack: HoldStack
let agent: TestAgent
let link: AgentLink
let dba: SignedIn
beforeAll(async () => {
  stack = await startHoldStack({ replicas: 2 })
  agent = await stack.join('eu-1')
  link = await stack.link(agent)
  dba = await stack.person('reviewer', 'dba')
})
afterAll(async () => {
  link.close()
  await stack.stop()
  await stopServer()
})

const a = () => stack.replicas[0]!
const b = () => stack.replicas[1]!

describe('what an agent says about a held statement', () => {
  it('may be a request of HTTP: its method and route are what lists show', async () => {
    const [part] = evidenceOf(agent).parts
    const text = 'POST /v1/orders\ncontent-type: application/json\n\n{"amount":7}'
    const effects = [{ operation: 'http.POST', object: '/v1/orders', via: 'direct' as const }]
    const parts = [{ ...part!, verb: 'POST', effects }]
    const state = await link.held(
      evidenceOf(agent, { protocol: 'http', text, spans: [], searchPath: [], upstreamRole: '', parts }),
    )
    const shown = await card(a(), dba, state.request)
    expect(shown.body).toMatchObject({ verbs: ['POST'], objects: ['/v1/orders'], statement: { text } })
  })

  it('becomes a pending request with a URL, an expiry and digests that the agent computes too', async () => {
    const evidence = evidenceOf(agent)
    const state = await link.held(evidence)
    expect(state.request).toMatch(/^[0-9a-f]{32}$/)
    expect(state.url).toBe(`https://sallyport.test/approvals/${state.request}`)
    expect(state.expiresAtMs).toBe(BigInt(stack.clock.nowMs() + evidence.expiresInMs))
    expect(state.evidenceDigest).toBe(evidenceDigest(sha256, evidence))
    expect(state.approvalDigest).toBe(
      approvalDigest(sha256, {
        v: 1,
        request: state.request,
        statementDigest: evidence.statementDigest,
        evidenceDigest: state.evidenceDigest,
        expiresAtMs: Number(state.expiresAtMs),
        quorum: evidence.quorum,
      }),
    )
  })

  const refusals: [string, () => Parameters<AgentLink['open']>][] = [
    ['names another agent', () => [evidenceOf({ ...agent, id: newId() })]],
    ['names another agent name', () => [evidenceOf({ ...agent, name: 'eu-2' })]],
    ['is of another statement', () => [evidenceOf(agent), { digest: someDigest() }]],
    ['names a target that the agent does not serve', () => [evidenceOf(agent, { target: 'payments' })]],
    ['asks nobody', () => [evidenceOf(agent, { quorum: [] })]],
    ['is not canonical', () => [evidenceOf(agent), { bytes: Buffer.from(JSON.stringify(evidenceOf(agent), null, 1)) }]],
    ['holds more than is known', () => [evidenceOf(agent, { approved: true } as never)]],
    ['has a call that is no id', () => [evidenceOf(agent), { call: 'x' }]],
    [
      'is longer than evidence may be',
      () => [evidenceOf(agent, { parameters: ['x'.repeat(limits.holdEvidenceBytesMax)] })],
    ],
  ]
  it.each(refusals)('is refused, and the link stays, when it %s', async (_why, made) => {
    const [evidence, changes] = made()
    const bytes = changes?.bytes
    const digest = changes?.digest ?? evidence.statementDigest
    const call = link.open(evidence, { ...changes, digest, ...(bytes === undefined ? {} : { bytes }) })
    const state = await link.state(call, 'refused')
    expect(state).toMatchObject({ errorCode: 'REQUEST_INVALID', request: '' })
  })

  it("is refused when the session is another agent's", async () => {
    const session = newId()
    await stack.db.recordedSession.create({
      data: {
        id: session,
        agentId: newId(),
        agentName: 'eu-9',
        target: 'orders',
        upstreamRole: 'app_rw',
        initiator: {},
        actors: [],
        initiatorKey: 'k',
        initiatorName: 'n',
        clientAddress: '',
        applicationName: '',
        openedAt: new Date(),
        tipSeq: 0,
        tipHash: '',
      },
    })
    const state = await link.held(evidenceOf(agent, { session }), 'refused')
    expect(state.errorMessage).toContain('session')
  })

  it('is refused when a caller has too many undecided ones already, and others go on', async () => {
    const crowd = { ...evidenceOf(agent).initiator, subject: 'repo:crowd' }
    const calls = Array.from({ length: limits.holdsPendingPerCallerMax }, () =>
      link.open(evidenceOf(agent, { initiator: crowd }), { waits: false }),
    )
    for (const call of calls) await link.state(call, 'pending')
    const refused = await link.held(evidenceOf(agent, { initiator: crowd }), 'refused')
    expect(refused.errorCode).toBe('HOLD_UNAVAILABLE')
    expect((await link.held(evidenceOf(agent))).state).toBe('pending')
  })

  it('counts names that are only claimed for the function that claims them, and for nobody else', async () => {
    const { initiator } = evidenceOf(agent)
    const shop = { ...initiator, kind: 'workload' as const, subject: 'repo:shop' }
    const claimed = (subject: string) =>
      evidenceOf(agent, { initiator: { ...initiator, subject, assurance: 'claimed' }, actors: [shop] })
    const calls = Array.from({ length: limits.holdsPendingPerCallerMax }, (_, at) =>
      link.open(claimed(at % 2 === 0 ? 'ann' : `nobody-${at}`), { waits: false }),
    )
    for (const call of calls) await link.state(call, 'pending')
    const refused = await link.held(claimed('another'), 'refused')
    expect(refused.errorCode).toBe('HOLD_UNAVAILABLE')
    const ann = { ...initiator, subject: 'ann' }
    for (let made = 0; made < limits.holdsPendingPerCallerMax / 2 + 1; made++)
      expect((await link.held(evidenceOf(agent, { initiator: ann }))).state).toBe('pending')
  })

  it('is refused when one caller makes them faster than anybody can read, and others go on', async () => {
    const hasty = { ...evidenceOf(agent).initiator, subject: 'repo:hasty' }
    for (let made = 0; made < limits.holdsPerCallerPerMinuteMax; made++) {
      const state = await link.held(evidenceOf(agent, { initiator: hasty }))
      await decide(a(), dba, state.request, 'denied', 'no')
    }
    const refused = await link.held(evidenceOf(agent, { initiator: hasty }), 'refused')
    expect(refused).toMatchObject({ errorCode: 'HOLD_UNAVAILABLE' })
    expect(refused.errorMessage).toContain('last minute')
    expect((await link.held(evidenceOf(agent))).state).toBe('pending')
  })

  it('lives no longer than a request may live, whatever the rule says', async () => {
    const state = await link.held(evidenceOf(agent, { expiresInMs: limits.holdExpiresMsMax * 4 }))
    expect(state.expiresAtMs).toBe(BigInt(stack.clock.nowMs() + limits.holdExpiresMsMax))
  })
})

describe('the same statement again', () => {
  it('attaches to the pending request, once for each call, and the card counts who waits', async () => {
    const evidence = evidenceOf(agent)
    const first = await link.held(evidence)
    const second = await link.held(evidence)
    expect(second.request).toBe(first.request)
    expect(second.call).not.toBe(first.call)
    const again = await link.held(evidence, 'pending', first.call)
    expect(again.request).toBe(first.request)
    expect((await card(a(), dba, first.request)).body).toMatchObject({ waiting: 2, state: 'pending' })
    link.release(second)
    await eventually(
      async () => (await card(a(), dba, first.request)).body.waiting,
      (waiting) => waiting === 1,
    )
  })

  it('makes one request however many callers race', async () => {
    const evidence = evidenceOf(agent)
    const other = await stack.link(await stack.join('eu-2'), b())
    const calls = Array.from({ length: 20 }, () => link.open(evidence))
    const states = await Promise.all(calls.map((call) => link.state(call, 'pending')))
    expect(new Set(states.map((state) => state.request)).size).toBe(1)
    // Another agent's statement is another request, whatever digest it claims.
    const elsewhere = await other.held(evidenceOf(other.agent, { statementDigest: evidence.statementDigest }))
    expect(elsewhere.request).not.toBe(states[0]!.request)
    other.close()
  })

  it('learns at once that it was denied and why, until the request expires; then it asks anew', async () => {
    const evidence = evidenceOf(agent)
    const state = await link.held(evidence)
    expect((await decide(b(), dba, state.request, 'denied', 'not on a Friday')).status).toBe(200)
    const denied = await link.state(state.call, 'denied')
    expect(denied).toMatchObject({ reason: 'not on a Friday', decidedBy: [`Person ${dba.subject}`] })
    expect(await link.held(evidence, 'denied')).toMatchObject({ request: state.request, reason: 'not on a Friday' })
    stack.clock.advance(evidence.expiresInMs)
    expect((await link.held(evidence)).request).not.toBe(state.request)
  })

  it('after an approved run asks anew: one approval, one run', async () => {
    const evidence = evidenceOf(agent)
    const state = await link.held(evidence)
    await decide(a(), dba, state.request, 'approved')
    const approved = await link.state(state.call, 'approved')
    expect(await link.claim(approved, evidence.statementDigest)).toBe(true)
    expect((await link.held(evidence)).request).not.toBe(state.request)
  })

  it('runs at once when it was approved while nobody waited', async () => {
    const evidence = evidenceOf(agent)
    const state = await link.held(evidence)
    link.release(state, 'pending')
    await decide(a(), dba, state.request, 'approved')
    const later = await link.held(evidence, 'approved')
    expect(later.request).toBe(state.request)
    expect(await link.claim(later, evidence.statementDigest)).toBe(true)
  })
})

describe('the one run', () => {
  it('goes to exactly one of many calls that claim at once, on two replicas (R-6.8)', async () => {
    const evidence = evidenceOf(agent)
    const states = await Promise.all(Array.from({ length: 12 }, () => link.held(evidence)))
    await decide(b(), dba, states[0]!.request, 'approved')
    const approved = await Promise.all(states.map((state) => link.state(state.call, 'approved')))
    // A second link of one agent ends the first, so the other replica is asked by the same verb that the link calls.
    const { claimHold } = await import('../src/approvals/claim.ts')
    const { openBus } = await import('../src/live/bus.ts')
    const { randomBytes } = await import('node:crypto')
    const bus = await openBus({ log: console, randomBytes }, [])
    const { openVault } = await import('../src/vault.ts')
    const vault = openVault(stack.config.keysDirectory)
    const deps = { db: stack.db, clock: stack.clock, randomBytes, bus, config: stack.config, vault }
    const direct = Array.from({ length: 12 }, () =>
      claimHold(deps, {
        id: approved[0]!.request,
        agentId: agent.id,
        call: newId(),
        statementDigest: evidence.statementDigest,
        approvalDigest: approved[0]!.approvalDigest,
      }),
    )
    const overLink = approved.map((state) => link.claim(state, evidence.statementDigest))
    const granted = (await Promise.all([...direct, ...overLink])).filter(Boolean)
    expect(granted).toHaveLength(1)
    await bus.stop()
  })

  it('is granted again to the call that has it, for an answer that was lost, and to no other', async () => {
    const evidence = evidenceOf(agent)
    const [first, second] = [await link.held(evidence), await link.held(evidence)]
    await decide(a(), dba, first.request, 'approved')
    const approved = await link.state(first.call, 'approved')
    expect(await link.claim(approved, evidence.statementDigest)).toBe(true)
    expect(await link.claim(approved, evidence.statementDigest)).toBe(true)
    expect(await link.claim({ ...approved, call: second.call }, evidence.statementDigest)).toBe(false)
  })

  it('is refused while pending, for another statement, another digest, and to another agent', async () => {
    const evidence = evidenceOf(agent)
    const state = await link.held(evidence)
    expect(await link.claim(state, evidence.statementDigest)).toBe(false)
    await decide(a(), dba, state.request, 'approved')
    const approved = await link.state(state.call, 'approved')
    expect(await link.claim(approved, someDigest())).toBe(false)
    expect(await link.claim({ ...approved, approvalDigest: someDigest() }, evidence.statementDigest)).toBe(false)
    const row = await stack.db.holdRequest.findUniqueOrThrow({ where: { id: state.request } })
    expect(row).toMatchObject({ state: 'approved', claimedBy: null })
    expect(await link.claim(approved, evidence.statementDigest)).toBe(true)
  })

  it('is not granted after the expiry, though it was approved in time', async () => {
    const evidence = evidenceOf(agent)
    const state = await link.held(evidence)
    await decide(a(), dba, state.request, 'approved')
    const approved = await link.state(state.call, 'approved')
    stack.clock.advance(evidence.expiresInMs)
    expect(await link.claim(approved, evidence.statementDigest)).toBe(false)
    await link.state(state.call, 'expired')
  })

  it('is not granted when the approver has lost the right meanwhile (R-6.6)', async () => {
    const leaver = await stack.person('reviewer', 'dba')
    const evidence = evidenceOf(agent)
    const state = await link.held(evidence)
    await decide(a(), leaver, state.request, 'approved')
    const approved = await link.state(state.call, 'approved')
    await stack.db.person.update({ where: { id: leaver.personId }, data: { groupClaims: ['reviewer'] } })
    expect(await link.claim(approved, evidence.statementDigest)).toBe(false)
    expect((await link.held(evidence)).request).not.toBe(state.request)
  })

  it('is not granted when somebody changed the stored quorum by hand', async () => {
    const evidence = evidenceOf(agent, { quorum: [{ group: 'dba', count: 2 }] })
    const state = await link.held(evidence)
    await query(stack.databaseUrl, `UPDATE "HoldRequest" SET quorum = '[{"group":"dba","count":1}]' WHERE id = $1`, [
      state.request,
    ])
    expect((await decide(a(), dba, state.request, 'approved', '', state.approvalDigest)).body.code).toBe('CHAIN_BROKEN')
    await query(stack.databaseUrl, `UPDATE "HoldRequest" SET state = 'approved' WHERE id = $1`, [state.request])
    expect(await link.claim(state, evidence.statementDigest)).toBe(false)
  })

  it.each([
    ['the verbs', `verbs = '{SELECT}'`],
    ['the objects', `objects = '{public.nothing}'`],
    ['who asks', `"initiatorKey" = 'https://idp.example else'`],
    ['the name of who asks', `"initiatorName" = 'the chief'`],
    ['the facts', `facts = jsonb_set(facts, '{message}', '"approve quickly"')`],
    ['the groups that review', `reviewers = '{reviewer}'`],
    ['whether a reason is wanted', `"reasonMode" = 'optional'`],
  ])('is neither decided nor run when somebody changed %s by hand (R-6.17)', async (_what, change) => {
    const evidence = evidenceOf(agent, { reason: 'required' })
    const state = await link.held(evidence)
    await query(stack.databaseUrl, `UPDATE "HoldRequest" SET ${change} WHERE id = $1`, [state.request])
    const answer = await decide(a(), dba, state.request, 'approved', 'a reason', state.approvalDigest)
    expect(['CHAIN_BROKEN', 'NOT_FOUND']).toContain(answer.body.code)
    await query(stack.databaseUrl, `UPDATE "HoldRequest" SET state = 'approved' WHERE id = $1`, [state.request])
    expect(await link.claim(state, evidence.statementDigest)).toBe(false)
  })

  it('keeps what came of it, once, and shows it on the card', async () => {
    const evidence = evidenceOf(agent)
    const state = await link.held(evidence)
    link.ran(state)
    await decide(a(), dba, state.request, 'approved')
    const approved = await link.state(state.call, 'approved')
    await link.claim(approved, evidence.statementDigest)
    link.ran(approved)
    const shown = await eventually(
      async () => (await card(a(), dba, state.request)).body,
      (body) => body.result !== null,
    )
    expect(shown).toMatchObject({
      state: 'run',
      waiting: 0,
      result: { result: 'done', tag: 'DELETE 12', sqlstate: '', rows: 12, durationUs: 3_400 },
    })
  })
})

describe('where the floor of an agent names keys that have to sign', () => {
  const reviewers = ['bo', 'cy'].map((name) => ({ name, ...generateKeyPairSync('ed25519') }))
  const textOf = (key: KeyObject): string => `ed25519:${key.export({ format: 'jwk' }).x}`
  const keys = reviewers.map(({ name, publicKey }) => ({ name, key: textOf(publicKey) }))
  const signed = (index: number, digest: string) => ({
    key: keys[index]!.key,
    signature: sign(null, approvalMessage(digest), reviewers[index]!.privateKey).toString('base64url'),
  })
  const approve = async (person: SignedIn, id: string, signature?: object) => {
    const { approvalDigest: digest } = (await card(a(), person, id)).body
    const body = { verdict: 'approved', approvalDigest: digest, ...(signature === undefined ? {} : { signature }) }
    return await ask(a(), person, 'POST', `/api/v1/approvals/${id}/verdict`, body)
  }

  it('an approval counts with signatures of enough of them alone, and the agent gets these', async () => {
    const evidence = evidenceOf(agent, { signers: { count: 2, keys } })
    const state = await link.held(evidence)
    const { request, approvalDigest: digest } = state
    const second = await stack.person('reviewer', 'dba')
    expect((await card(a(), dba, request)).body.signers).toMatchObject({
      count: 2,
      keys: [
        { name: 'bo', signed: false },
        { name: 'cy', signed: false },
      ],
      evidence: canonicalText(evidence),
    })
    expect(await approve(dba, request)).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
    expect((await approve(dba, request, signed(0, someDigest()))).status).toBe(400)
    expect((await approve(dba, request, { ...signed(0, digest), key: keys[1]!.key })).status).toBe(400)
    expect(await approve(dba, request, signed(0, digest))).toMatchObject({ status: 200, body: { state: 'pending' } })
    expect(await approve(second, request, signed(0, digest))).toMatchObject({ status: 409 })
    expect(await approve(second, request, signed(1, digest))).toMatchObject({
      status: 200,
      body: { state: 'approved' },
    })
    const { signatures } = await link.state(state.call, 'approved')
    // Two verdicts of one millisecond stand either way.
    expect(signatures.map(({ key }) => key).toSorted()).toEqual(keys.map(({ key }) => key).toSorted())
    for (const { key, signature } of signatures) {
      const { publicKey } = reviewers[keys.findIndex((one) => one.key === key)]!
      expect(verify(null, approvalMessage(digest), publicKey, signature)).toBe(true)
    }
    expect(await link.claim(state, evidence.statementDigest)).toBe(true)
  })

  it('a denial needs none', async () => {
    const state = await link.held(evidenceOf(agent, { signers: { count: 1, keys } }))
    expect((await decide(a(), dba, state.request, 'denied', 'no')).status).toBe(200)
    expect((await link.state(state.call, 'denied')).signatures).toEqual([])
  })
})

describe('an end without a verdict', () => {
  it('comes at the expiry: the caller is told, the list shows it as decided by nobody', async () => {
    const evidence = evidenceOf(agent, { expiresInMs: 60_000 })
    const state = await link.held(evidence)
    stack.clock.advance(60_000)
    await link.state(state.call, 'expired')
    expect((await card(a(), dba, state.request)).body).toMatchObject({ state: 'expired', decidedBy: [] })
    const events = await stack.db.outboxEvent.findMany({ where: { subject: state.request }, orderBy: { event: 'asc' } })
    expect(events.map((event) => event.event)).toEqual(['approval.expired', 'approval.requested'])
  })

  it('forgets the calls of a link that ends, and those that a dead replica left behind', async () => {
    const evidence = evidenceOf(agent)
    const state = await link.held(evidence)
    await stack.db.holdCall.create({
      data: { id: newId(), requestId: state.request, agentId: agent.id, link: 'of-a-dead-replica' },
    })
    const waiting = async () => (await card(a(), dba, state.request)).body.waiting
    expect(await waiting()).toBe(2)
    link.close()
    await eventually(waiting, (count) => count === 1)
    link = await stack.link(agent)
    await eventually(waiting, (count) => count === 0)
    // The same call again after the link came back is the same one.
    expect((await link.held(evidence, 'pending', state.call)).request).toBe(state.request)
    expect(await waiting()).toBe(1)
  })
})

describe('the text of a statement', () => {
  it('is nowhere in the store in clear, nor in events for outsiders', async () => {
    const state = await link.held(evidenceOf(agent))
    await decide(a(), dba, state.request, 'approved')
    const tables = await query(stack.databaseUrl, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
    expect(tables.length).toBeGreaterThan(15)
    const counts = tables.map(
      ({ tablename }) =>
        `SELECT '${tablename}' AS name, count(*)::int AS found FROM "${tablename}" t
         WHERE t::text LIKE '%plaintext-of%' OR t::text LIKE '%' || encode('plaintext-of', 'hex') || '%'`,
    )
    const found = await query(stack.databaseUrl, counts.join(' UNION ALL '))
    expect(found.filter((row) => row['found'] !== 0)).toEqual([])
    const shown = (await card(a(), dba, state.request)).body.statement
    expect(shown).toMatchObject({ text: secretText, parameters: ['plaintext-of-a-parameter', null] })
  })

  it("cannot be moved to another request's row (R-6.17)", async () => {
    const [one, two] = [await link.held(evidenceOf(agent)), await link.held(evidenceOf(agent))]
    await query(
      stack.databaseUrl,
      `UPDATE "HoldRequest" t SET evidence = s.evidence, "evidenceKey" = s."evidenceKey"
       FROM "HoldRequest" s WHERE t.id = $1 AND s.id = $2`,
      [one.request, two.request],
    )
    expect((await card(a(), dba, one.request)).body.code).toBe('CHAIN_BROKEN')
  })

  it('is shredded with its key after its retention, and what is known without it stays', async () => {
    const { shredOld } = await import('../src/approvals/expire.ts')
    const state = await link.held(evidenceOf(agent))
    await decide(a(), dba, state.request, 'denied', 'no')
    const deps = { db: stack.db, clock: stack.clock, config: stack.config }
    const dayMs = 86_400_000
    stack.clock.advance(30 * dayMs)
    await shredOld(deps)
    const row = () => stack.db.holdRequest.findUniqueOrThrow({ where: { id: state.request } })
    expect((await row()).evidence).not.toBeNull()
    stack.clock.advance(1)
    await shredOld(deps)
    expect(await row()).toMatchObject({ evidence: null, evidenceKey: null })
    const auditor = await stack.person('auditor')
    const shown = (await card(a(), auditor, state.request)).body
    expect(shown).toMatchObject({ state: 'denied', statement: null, verbs: ['delete'], objects: ['public.orders'] })
  })
})

it('says nothing of a statement in the log', () => {
  expect(stack.logged()).not.toContain('plaintext-of')
  expect(canonicalBytes(evidenceOf(agent)).length).toBeGreaterThan(0)
})
