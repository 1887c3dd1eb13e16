// Approvals as people see and decide them, over HTTP: lists, cards, verdicts, quorum, four eyes, races and who may read what
// (THREATS ).
import { Approval, ApprovalPage } from '@sallyport/api/approvals'
import { principalKey } from '@sallyport/base/identity'
import type { HeldEvidence } from '@sallyport/ledger/hold'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestAgent } from './grpc-stack.ts'
import {
  type AgentLink,
  ask,
  card,
  decide,
  evidenceOf,
  type HoldStack,
  newId,
  someDigest,
  startHoldStack,
} from './hold-stack.ts'
import { groupDocument, makeDocuments, makePerson, type SignedIn, testIssuer } from './make.ts'
import { query, stopServer } from './stack.ts'

let stack: HoldStack
let agent: TestAgent
let link: AgentLink
const people: Record<'ann' | 'dba' | 'dba2' | 'security' | 'both' | 'admin' | 'auditor' | 'member', SignedIn> =
  {} as never
beforeAll(async () => {
  stack = await startHoldStack()
  agent = await stack.join('eu-1')
  link = await stack.link(agent)
  people.ann = await stack.person('reviewer', 'dba')
  people.dba = await stack.person('reviewer', 'dba')
  people.dba2 = await stack.person('reviewer', 'dba')
  people.security = await stack.person('reviewer', 'security')
  people.both = await stack.person('reviewer', 'dba', 'security')
  people.admin = await stack.person('admin')
  people.auditor = await stack.person('auditor')
  people.member = await stack.person()
})
afterAll(async () => {
  link.close()
  await stack.stop()
  await stopServer()
})

const a = () => stack.replicas[0]!
const user = (person: SignedIn, assurance: 'verified' | 'claimed' = 'verified') => ({
  kind: 'user' as const,
  issuer: testIssuer,
  subject: person.subject,
  display: `Person ${person.subject}`,
  groups: [],
  assurance,
})
const name = (person: SignedIn) => `Person ${person.subject}`
/** A pending request. */
const pending = async (changes: Partial<HeldEvidence> = {}) => await link.held(evidenceOf(agent, changes))
const byAnn = async (changes: Partial<HeldEvidence> = {}) => await pending({ initiator: user(people.ann), ...changes })
const cancel = async (person: SignedIn, id: string) =>
  await ask(a(), person, 'POST', `/api/v1/approvals/${id}/cancel`, {})

describe('the card', () => {
  it('is exactly what the contract says, with every fact that a reviewer needs', async () => {
    const state = await byAnn({ actors: [evidenceOf(agent).initiator] })
    const { status, body } = await card(a(), people.dba, state.request)
    expect(status).toBe(200)
    expect(Approval.strict().parse(body)).toMatchObject({
      id: state.request,
      state: 'pending',
      initiator: { subject: people.ann.subject, assurance: 'verified' },
      actors: [{ kind: 'workload', subject: 'repo:shop' }],
      verbs: ['delete'],
      objects: ['public.orders'],
      objectsInAll: 1,
      statements: 1,
      filtered: true,
      waiting: 1,
      rule: { policy: 'orders', version: 1, rule: 'deletes' },
      message: 'deletes need a person',
      estimate: { kind: 'rows', rows: 12, ofRows: 100, scan: 'Seq Scan on orders', at: '2026-05-28T20:26:40.000Z' },
      mine: true,
      mayDecide: { ok: true },
      mayCancel: false,
      result: null,
      approvalDigest: state.approvalDigest,
    })
    expect(body.statement.parts[0].effects).toHaveLength(2)
    // Ann asked, so she is not among those who could decide.
    expect(body.quorum).toEqual([
      { group: 'dba', count: 1, approvedBy: [], others: expect.arrayContaining([name(people.dba), name(people.dba2)]) },
    ])
    expect(body.quorum[0].others).not.toContain(name(people.ann))
  })

  it('tells the history of this caller with this fingerprint, and of no other', async () => {
    const fingerprint = newId()
    const first = await byAnn({ fingerprint })
    expect((await card(a(), people.dba, first.request)).body.history).toEqual({
      approved: 0,
      denied: 0,
      firstTime: true,
      last: null,
    })
    await decide(a(), people.dba, first.request, 'approved')
    stack.clock.advance(1)
    const second = await byAnn({ fingerprint })
    await decide(a(), people.dba2, second.request, 'denied', 'no')
    await pending({ fingerprint })
    const third = await byAnn({ fingerprint })
    expect((await card(a(), people.dba, third.request)).body.history).toMatchObject({
      approved: 1,
      denied: 1,
      firstTime: false,
      last: { by: name(people.dba2), verdict: 'denied' },
    })
    await query(
      stack.databaseUrl,
      `UPDATE "HoldRequest" SET "createdAt" = "createdAt" - interval '31 days' WHERE fingerprint = $1`,
      [fingerprint],
    )
    const later = await byAnn({ fingerprint })
    expect((await card(a(), people.dba, later.request)).body.history).toMatchObject({ firstTime: true, last: null })
  })
})

describe('the list', () => {
  it('shows pending ones oldest first and decided ones newest first, in pages, to the same eyes as the card', async () => {
    const target = 'orders'
    const caller = newId()
    const initiator = { ...evidenceOf(agent).initiator, subject: caller, display: caller }
    const states = []
    for (let count = 0; count < 5; count++) {
      states.push(await pending({ initiator }))
      stack.clock.advance(1)
    }
    const ids = states.map((state) => state.request)
    const page = async (person: SignedIn, query: string) => {
      const { status, body } = await ask(
        a(),
        person,
        'GET',
        `/api/v1/approvals?caller=${caller}&target=${target}${query}`,
      )
      expect(status).toBe(200)
      return ApprovalPage.parse(body)
    }
    const first = await page(people.dba, '&limit=2')
    const second = await page(people.dba, `&limit=2&cursor=${first.next}`)
    const third = await page(people.dba, `&limit=2&cursor=${second.next}`)
    expect([...first.items, ...second.items, ...third.items].map((item) => item.id)).toEqual(ids)
    expect(third.next).toBeNull()
    expect(first.items[0]).toMatchObject({ mine: true, waiting: 1, decidedBy: [] })
    expect(JSON.stringify(first)).not.toContain('plaintext-of')
    for (const id of [ids[3]!, ids[1]!]) {
      stack.clock.advance(1)
      await decide(a(), people.dba, id, 'denied', 'no')
    }
    expect((await page(people.dba, '&view=decided')).items.map((item) => item.id)).toEqual([ids[1], ids[3]])
    expect((await page(people.dba, '')).items.map((item) => item.id)).toEqual([ids[0], ids[2], ids[4]])
    expect((await page(people.admin, '')).items.map((item) => item.mine)).toEqual([false, false, false])
    expect((await page(people.auditor, '')).items).toHaveLength(3)
    expect((await page(people.security, '')).items).toEqual([])
    expect((await page(people.security, '&view=decided')).items).toEqual([])
  })

  it('takes no wildcard for a caller and refuses a cursor of another list', async () => {
    expect((await ask(a(), people.dba, 'GET', '/api/v1/approvals?caller=%25')).body.items).toEqual([])
    expect((await ask(a(), people.dba, 'GET', '/api/v1/approvals?cursor=bm9wZQ')).status).toBe(400)
  })

  it('of my own requests holds mine, newest first, and nobody else sees them there', async () => {
    const [one, two] = [await byAnn(), await byAnn()]
    const mine = ApprovalPage.parse((await ask(a(), people.ann, 'GET', '/api/v1/me/requests?limit=500')).body)
    const ids = mine.items.map((item) => item.id)
    expect(ids).toContain(one.request)
    expect(ids).toContain(two.request)
    expect(new Set(mine.items.map((item) => principalKey(item.initiator)))).toEqual(
      new Set([`${testIssuer} ${people.ann.subject}`]),
    )
    expect(mine.items.every((item) => !item.mine)).toBe(true)
    expect((await ask(a(), people.dba, 'GET', '/api/v1/me/requests')).body.items).toEqual([])
  })
})

describe('a verdict', () => {
  it('is stored, audited and told outside in one go, and reaches the waiting call', async () => {
    const state = await byAnn()
    const { status, body } = await decide(a(), people.dba, state.request, 'approved', ' fine ')
    expect(status).toBe(200)
    expect(Approval.parse(body)).toMatchObject({
      state: 'approved',
      decidedBy: [name(people.dba)],
      verdicts: [{ by: name(people.dba), verdict: 'approved', reason: 'fine' }],
      mayDecide: { ok: false, why: `this request is approved by "${name(people.dba)}"` },
    })
    expect(await link.state(state.call, 'approved')).toMatchObject({ decidedBy: [name(people.dba)], reason: 'fine' })
    const actions = await stack.db.adminAction.findMany({ where: { object: `Approval/${state.request}` } })
    expect(actions).toMatchObject([{ action: 'approve', actor: `${testIssuer} ${people.dba.subject}` }])
    const events = await stack.db.outboxEvent.findMany({
      where: { subject: state.request },
      orderBy: { event: 'asc' },
    })
    expect(events.map((event) => event.event)).toEqual(['approval.approved', 'approval.requested'])
    expect(events[0]!.payload).toMatchObject({
      verbs: ['delete'],
      objects: ['public.orders'],
      decidedBy: [name(people.dba)],
      url: `https://sallyport.test/approvals/${state.request}`,
    })
  })

  it('of denial needs a reason, of approval only where the rule says so', async () => {
    const lax = await byAnn()
    expect((await decide(a(), people.dba, lax.request, 'denied', '  ')).body.code).toBe('REQUEST_INVALID')
    expect((await decide(a(), people.dba, lax.request, 'approved')).status).toBe(200)
    const strict = await byAnn({ reason: 'required' })
    expect((await decide(a(), people.dba, strict.request, 'approved')).body.code).toBe('REQUEST_INVALID')
    expect((await decide(a(), people.dba, strict.request, 'approved', 'ticket 7')).status).toBe(200)
  })

  it('about another digest than the current one is refused, and nothing is decided (R-6.7)', async () => {
    const state = await byAnn()
    const stale = await decide(a(), people.dba, state.request, 'approved', '', someDigest())
    expect(stale).toMatchObject({ status: 409, body: { code: 'CONFLICT', hint: expect.stringContaining('load') } })
    expect((await card(a(), people.dba, state.request)).body).toMatchObject({ state: 'pending', verdicts: [] })
  })

  it('after another one is refused with who decided', async () => {
    const state = await byAnn()
    await decide(a(), people.dba, state.request, 'denied', 'no')
    const late = await decide(a(), people.dba2, state.request, 'approved')
    expect(late).toMatchObject({ status: 409, body: { code: 'CONFLICT' } })
    expect(late.body.detail).toContain(name(people.dba))
  })

  it('after the expiry is refused, whether or not the sweep was there', async () => {
    const state = await byAnn({ expiresInMs: 60_000 })
    const { approvalDigest } = (await card(a(), people.dba, state.request)).body
    stack.clock.advance(60_000)
    const late = await decide(a(), people.dba, state.request, 'approved', '', approvalDigest)
    expect(late).toMatchObject({ status: 409, body: { code: 'CONFLICT', detail: 'this request has expired' } })
  })

  it('reaches a quorum of two groups by people of both, and says who is still missing', async () => {
    const quorum = [
      { group: 'dba', count: 2 },
      { group: 'security', count: 1 },
    ]
    const state = await byAnn({ quorum })
    expect((await decide(a(), people.both, state.request, 'approved')).body).toMatchObject({
      state: 'pending',
      quorum: [
        { group: 'dba', count: 2, approvedBy: [name(people.both)] },
        { group: 'security', count: 1, approvedBy: [name(people.both)] },
      ],
    })
    await link.state(state.call, 'pending', (told) => told.decidedBy.includes(name(people.both)))
    expect((await decide(a(), people.both, state.request, 'approved')).body.detail).toContain('you have approved')
    expect((await decide(a(), people.security, state.request, 'approved')).body.state).toBe('pending')
    expect((await decide(a(), people.dba, state.request, 'approved')).body.state).toBe('approved')
  })

  it('of denial beats an approval that came before', async () => {
    const state = await byAnn({ quorum: [{ group: 'dba', count: 2 }] })
    await decide(a(), people.dba, state.request, 'approved')
    expect((await decide(a(), people.dba2, state.request, 'denied', 'no')).body.state).toBe('denied')
    expect(await link.state(state.call, 'denied')).toMatchObject({ decidedBy: [name(people.dba2)], reason: 'no' })
  })

  it('is one of many that race: the state fits the verdicts, and a person counts once', async () => {
    const crowd = await Promise.all(Array.from({ length: 6 }, () => stack.person('reviewer', 'dba')))
    const state = await byAnn({ quorum: [{ group: 'dba', count: 3 }] })
    const { approvalDigest } = (await card(a(), crowd[0]!, state.request)).body
    const answers = await Promise.all(
      [...crowd, ...crowd].map((person) => decide(a(), person, state.request, 'approved', '', approvalDigest)),
    )
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(3)
    expect(answers.filter((answer) => answer.status === 409)).toHaveLength(9)
    const after = (await card(a(), people.admin, state.request)).body
    expect(after).toMatchObject({ state: 'approved' })
    expect(new Set(after.decidedBy).size).toBe(3)
    const rivals = await byAnn()
    const digest = (await card(a(), crowd[0]!, rivals.request)).body.approvalDigest
    const mixed = await Promise.all(
      crowd.map((person, index) =>
        decide(a(), person, rivals.request, index % 2 === 0 ? 'approved' : 'denied', 'because', digest),
      ),
    )
    expect(mixed.filter((answer) => answer.status === 200)).toHaveLength(1)
    const settled = (await card(a(), people.admin, rivals.request)).body
    expect(settled.verdicts).toHaveLength(1)
    expect(settled.state).toBe(settled.verdicts[0].verdict)
  })
})

describe('four eyes (R-6.6)', () => {
  it.each<[string, () => Partial<HeldEvidence>]>([
    ['the initiator', () => ({ initiator: user(people.dba) })],
    ['an initiator who is only claimed', () => ({ initiator: user(people.dba, 'claimed') })],
    ['a person among the actors', () => ({ actors: [user(people.dba)] })],
    ['a claimed person among the actors', () => ({ actors: [user(people.dba, 'claimed')] })],
  ])('%s does not decide, and the card says why', async (_who, changes) => {
    const state = await pending(changes())
    const shown = (await card(a(), people.dba, state.request)).body
    expect(shown).toMatchObject({
      mine: false,
      mayDecide: { ok: false, why: expect.stringContaining('somebody else') },
    })
    for (const verdict of ['approved', 'denied'] as const)
      expect((await decide(a(), people.dba, state.request, verdict, 'mine')).body.code).toBe('VERDICT_FORBIDDEN')
    expect((await decide(a(), people.dba2, state.request, 'approved')).status).toBe(200)
  })

  it('sees one person behind every login: browser, CLI and a later sign-in', async () => {
    const state = await byAnn({ quorum: [{ group: 'dba', count: 2 }] })
    const again = await makePerson(stack.made, ['reviewer', 'dba'], 'browser', people.dba.subject)
    const annAgain = await makePerson(stack.made, ['reviewer', 'dba'], 'browser', people.ann.subject)
    await decide(a(), people.dba, state.request, 'approved')
    expect((await decide(a(), again, state.request, 'approved')).body.code).toBe('CONFLICT')
    expect((await decide(a(), annAgain, state.request, 'approved')).body.code).toBe('VERDICT_FORBIDDEN')
    expect((await card(a(), people.dba, state.request)).body.state).toBe('pending')
  })

  it('asks for the right at the moment of the verdict, not of the list', async () => {
    const leaver = await stack.person('reviewer', 'dba', 'auditor')
    const state = await byAnn()
    const { approvalDigest, mayDecide } = (await card(a(), leaver, state.request)).body
    expect(mayDecide.ok).toBe(true)
    await stack.db.person.update({ where: { id: leaver.personId }, data: { groupClaims: ['reviewer', 'auditor'] } })
    const late = await decide(a(), leaver, state.request, 'approved', '', approvalDigest)
    expect(late.body).toMatchObject({ code: 'VERDICT_FORBIDDEN', detail: 'members of "dba" decide this' })
    // A changed Group document counts with the next request as well.
    await makeDocuments(stack.made, [groupDocument('dba', 'nobody')])
    expect((await decide(a(), people.dba, state.request, 'approved', '', approvalDigest)).status).toBe(404)
    await makeDocuments(stack.made, [groupDocument('dba', 'dba')])
    expect((await decide(a(), people.dba, state.request, 'approved')).status).toBe(200)
  })
})

describe('withdrawing', () => {
  it('is for the initiator while nobody has decided; the waiting call learns of it', async () => {
    const state = await byAnn()
    expect((await card(a(), people.ann, state.request)).body).toMatchObject({ mayCancel: true, mine: false })
    expect((await cancel(people.dba, state.request)).body.code).toBe('VERDICT_FORBIDDEN')
    expect((await cancel(people.member, state.request)).status).toBe(404)
    const { status, body } = await cancel(people.ann, state.request)
    expect([status, body.state, body.mayCancel]).toEqual([200, 'cancelled', false])
    expect((await link.state(state.call, 'denied')).reason).toBe('the request was withdrawn')
    expect((await cancel(people.ann, state.request)).body).toMatchObject({ code: 'CONFLICT' })
    expect((await decide(a(), people.dba, state.request, 'approved')).body.detail).toBe('this request was withdrawn')
    const actions = await stack.db.adminAction.findMany({ where: { object: `Approval/${state.request}` } })
    expect(actions.map((action) => action.action)).toEqual(['cancel-request'])
  })

  it('comes too late after a verdict', async () => {
    const state = await byAnn()
    await decide(a(), people.dba, state.request, 'approved')
    expect((await cancel(people.ann, state.request)).body.code).toBe('CONFLICT')
  })
})

describe('a request that is none of a person’s business (R-6.10)', () => {
  it.each(['security', 'member'] as const)(
    'is not there for %s: the same answer as for no request at all',
    async (who) => {
      const state = await byAnn()
      const digest = state.approvalDigest
      for (const id of [state.request, newId(), 'nothing']) {
        expect(await card(a(), people[who], id)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
        expect(await cancel(people[who], id)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
      }
      const verdict = await decide(a(), people[who], state.request, 'approved', '', digest)
      expect(verdict.status).toBe(who === 'member' ? 403 : 404)
      expect((await card(a(), people.dba, state.request)).body.verdicts).toEqual([])
    },
  )

  it.each(['admin', 'auditor'] as const)('may be read and not decided by an %s', async (who) => {
    const state = await byAnn()
    expect((await card(a(), people[who], state.request)).body.mayDecide).toEqual({
      ok: false,
      why: 'this needs the role "reviewer"',
    })
    expect((await decide(a(), people[who], state.request, 'approved')).body.code).toBe('ROLE_MISSING')
  })

  it('takes no fields that are not in the contract', async () => {
    const state = await byAnn()
    const body = {
      verdict: 'approved',
      reason: '',
      approvalDigest: state.approvalDigest,
      personId: people.dba2.personId,
    }
    expect((await ask(a(), people.dba, 'POST', `/api/v1/approvals/${state.request}/verdict`, body)).status).toBe(400)
  })
})
