// Logins by ticket: what lets one in, and that whatever is wrong looks the same from outside.
import { createHmac, randomBytes } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { ScramVerifier } from '@sallyport/base/ticket'
import { exportJWK, generateKeyPair } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { audience, builtInIssuer, issuer, snapshotOf } from '../../test/data-path.ts'
import { type FakeTickets, fakeTickets, type Issued, saltOf, type TicketShown } from '../../test/fake-tickets.ts'
import type { CurrentSnapshot } from '../link/current.ts'
import { type Origin, openTicket as openNamed, type TicketDeps } from './ticket.ts'

const maskKey = randomBytes(32)
const group = `
apiVersion: sallyport.dev/v1
kind: Group
metadata: { name: engineering }
spec: { members: [{ issuer: "https://idp.test", claim: eng }] }
`
let keys: Awaited<ReturnType<typeof generateKeyPair>>
let otherKeys: Awaited<ReturnType<typeof generateKeyPair>>
let snapshot: CurrentSnapshot
beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true })
  otherKeys = await generateKeyPair('ES256')
  const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), alg: 'ES256' }] }
  snapshot = snapshotOf(group, { issuers: new Map([[issuer, { document: builtInIssuer(), jwks }]]) })
})

interface Place {
  readonly control: FakeTickets
  readonly deps: TicketDeps
  /** Milliseconds after which something was wanted, in order; they pass at once. */
  readonly waits: number[]
}

function place(changes: Partial<CurrentSnapshot> = {}): Place {
  const waits: number[] = []
  const control = fakeTickets({ maskKey, key: keys.privateKey, issuer, audience, algorithm: 'ES256' })
  const deps: TicketDeps = {
    tickets: control.tickets,
    snapshots: { current: () => ({ ...snapshot, ...changes }) },
    maskHash: (value) => createHmac('sha256', maskKey).update(value).digest(),
    nowMs: () => Date.now(),
    after(ms, run) {
      waits.push(ms)
      setImmediate(run)
      return () => {}
    },
    random: randomBytes,
  }
  return { control, deps, waits }
}

const origin: Origin = { address: '192.0.2.7', comesFrom: (sources) => sources.length === 0 }
const right = () => true
const openTicket = (deps: TicketDeps, id: string, from: Origin) => openNamed(deps, { id, iterations: 4_096 }, from)
const openFast = (deps: TicketDeps, id: string) => openNamed(deps, { id, iterations: 1 }, origin)

/** What the caller sees of a refusal, and the cause for the log. */
async function refusal(promise: Promise<unknown>): Promise<{ seen: string; cause: string }> {
  try {
    await promise
  } catch (thrown) {
    if (!(thrown instanceof SallyportError)) throw thrown
    const cause = thrown.cause instanceof Error ? thrown.cause.message : ''
    return { seen: `${thrown.code} ${thrown.message} ${thrown.hint}`, cause }
  }
  throw new Error('it was let in')
}
const generic =
  'TICKET_INVALID the ticket or its secret is not valid, or the ticket has ended get a new one with "sallyport ticket TARGET"'

describe('a ticket that is good', () => {
  test('gives its principal, its one target and role, its expiry and its id for revocations', async () => {
    const { control, deps } = place()
    const { id } = await control.issue({ groups: ['dba'], role: 'app_ro' })
    const { token } = await openTicket(deps, id, origin).prove(right)
    expect(token).toMatchObject({
      principal: { kind: 'user', issuer: 'https://idp.test', subject: 'ann', groups: ['dba'], assurance: 'verified' },
      token: { issuer, id },
      target: 'shop',
      upstreamRole: 'app_ro',
    })
    expect(token.expiresAtMs).toBeGreaterThan(Date.now())
  })
  test('is asked for once, and known from then on', async () => {
    const { control, deps } = place()
    const { id } = await control.issue()
    await openTicket(deps, id, origin).prove(right)
    await openTicket(deps, id, origin).prove(right)
    expect(control.asked).toHaveLength(1)
    control.behaviour.isUp = false
    await openTicket(deps, id, origin).prove(right)
  })
  test('may live longer than a token', async () => {
    const { control, deps } = place()
    const { id } = await control.issue({ seconds: limits.ticketSecondsMax })
    await openTicket(deps, id, origin).prove(right)
  })
})

describe('a fast ticket', () => {
  test('is checked with the one round that its name says', async () => {
    const { control, deps } = place()
    const { id } = await control.issue({ fast: true })
    const compared: ScramVerifier[] = []
    await openFast(deps, id).prove((verifier) => compared.push(verifier) > 0)
    expect(compared).toMatchObject([{ iterations: 1, salt: openFast(deps, id).salt }])
  })
  test('R-1.10: tells the rounds of the name also for an id that nobody was given', () => {
    expect(openFast(place().deps, 'f'.repeat(32)).iterations).toBe(1)
  })
  test.each([
    ['one that is not, by the name of a fast one', false, openFast],
    [
      'a fast one, by the name of one that is not',
      true,
      (deps: TicketDeps, id: string) => openTicket(deps, id, origin),
    ],
  ])('opens nothing by the other name: %s', async (_, fast, open) => {
    const { control, deps } = place()
    const { id } = await control.issue({ fast })
    const compared: ScramVerifier[] = []
    const refused = await refusal(open(deps, id).prove((verifier) => compared.push(verifier) > 0))
    expect(refused).toEqual({ seen: generic, cause: `ticket ${id}: the record is that of another ticket` })
    expect(control.recordOf(id)).not.toContain(compared[0]!.storedKey)
  })
})

describe('R-1.10: salt and iterations', () => {
  test('come from the id alone, known or not, at every agent', async () => {
    const { control, deps } = place()
    const { id } = await control.issue()
    const unknown = 'f'.repeat(32)
    for (const one of [id, unknown]) {
      const opened = openTicket(deps, one, origin)
      expect(opened.iterations).toBe(4_096)
      expect(opened.salt).toBe(saltOf(maskKey, one).toString('base64'))
      expect(openTicket(place().deps, one, origin).salt).toBe(opened.salt)
    }
  })
})

describe('R-1.10, R-6.5: whatever is wrong is refused in one way, after one question, not before its time', () => {
  type Wrong = (place: Place) => Promise<{ ticket: Issued; fits?: (verifier: ScramVerifier) => boolean; cause: RegExp }>
  const issued =
    (shown: TicketShown, cause: RegExp): Wrong =>
    async ({ control }) => ({
      ticket: await control.issue(shown),
      cause,
    })
  test.each<[string, Wrong]>([
    [
      'an id that nobody was given',
      async () => ({ ticket: { id: 'f'.repeat(32), user: '', secret: '' }, cause: /no such/ }),
    ],
    ['a wrong secret', async ({ control }) => ({ ticket: await control.issue(), fits: () => false, cause: /proof/ })],
    ['a ticket that has ended', issued({ seconds: -120 }, /expired/)],
    ['one that lives too long', issued({ seconds: limits.ticketSecondsMax + 1_000 }, /longer/)],
    ['a token in place of a record', issued({ type: 'sallyport+jwt' }, /another kind/)],
    ['a record of another id', issued({ claims: { jti: 'e'.repeat(32) } }, /another ticket/)],
    [
      'a verifier with another salt',
      issued(
        { claims: { sp_scram: `SCRAM-SHA-256$4096:${'A'.repeat(22)}==$${'A'.repeat(43)}=:${'A'.repeat(43)}=` } },
        /another ticket/,
      ),
    ],
    ['no verifier', issued({ claims: { sp_scram: 'md5abc' } }, /another ticket/)],
    ['no role', issued({ claims: { sp_role: undefined } }, /cannot be read/)],
    ['another source', issued({ sources: ['198.51.100.0/24'] }, /not good from 192\.0\.2\.7/)],
  ])('%s', async (_, wrong) => {
    const here = place()
    const { ticket, fits, cause } = await wrong(here)
    const refused = await refusal(openTicket(here.deps, ticket.id, origin).prove(fits ?? right))
    expect(refused.seen).toBe(generic)
    expect(refused.cause).toMatch(cause)
    expect(here.waits).toEqual([limits.ticketRefusalMsMin])
    expect(here.control.asked).toHaveLength(1)
    // Known or not by now: again one question more.
    await refusal(openTicket(here.deps, ticket.id, origin).prove(fits ?? right))
    expect(here.control.asked).toHaveLength(2)
  })
  test('a record that another key signed', async () => {
    const { control, deps } = place()
    const { id } = await control.issue({ key: otherKeys.privateKey })
    expect((await refusal(openTicket(deps, id, origin).prove(right))).seen).toBe(generic)
  })
  test('one that was revoked', async () => {
    const { control, deps } = place()
    const { id } = await control.issue()
    await openTicket(deps, id, origin).prove(right)
    const revocations = [{ jti: id, issuer, subject: '', beforeMs: Date.now() }]
    const later = { ...deps, snapshots: { current: () => ({ ...snapshot, revocations }) } }
    const refused = await refusal(openTicket(later, id, origin).prove(right))
    expect(refused).toMatchObject({ seen: generic, cause: expect.stringMatching(/revoked/) })
  })
  test('an unknown one while the control plane is away or silent', async () => {
    const { control, deps } = place()
    const { id } = await control.issue()
    control.behaviour.isUp = false
    expect((await refusal(openTicket(deps, id, origin).prove(right))).seen).toBe(generic)
    Object.assign(control.behaviour, { isUp: true, isSilent: true })
    const waiting = refusal(openTicket(deps, id, origin).prove(right))
    control.tickets.lost()
    expect((await waiting).seen).toBe(generic)
  })
  test('the proof is compared once, with a verifier of the same form, whether there is a ticket or not', async () => {
    const { control, deps } = place()
    const { id } = await control.issue()
    for (const one of [id, 'f'.repeat(32)]) {
      const compared: ScramVerifier[] = []
      await refusal(openTicket(deps, one, origin).prove((verifier) => compared.push(verifier) < 0))
      expect(compared).toHaveLength(1)
      expect(Buffer.from(compared[0]?.storedKey ?? '', 'base64')).toHaveLength(32)
    }
  })
})

describe('R-6.5: a ticket for a few logins', () => {
  test('is good for so many, each taken by the control plane', async () => {
    const { control, deps } = place()
    const { id } = await control.issue({ uses: 2 })
    await openTicket(deps, id, origin).prove(right)
    await openTicket(deps, id, origin).prove(right)
    const refused = await refusal(openTicket(deps, id, origin).prove(right))
    expect(refused).toMatchObject({ seen: generic, cause: expect.stringMatching(/no use/) })
    expect(control.asked.filter(({ spend }) => spend)).toHaveLength(3)
  })
  test('loses none to a wrong secret', async () => {
    const { control, deps } = place()
    const { id } = await control.issue({ uses: 1 })
    await refusal(openTicket(deps, id, origin).prove(() => false))
    await openTicket(deps, id, origin).prove(right)
  })
  test('lets nobody in while nobody can be asked', async () => {
    const { control, deps } = place()
    const { id } = await control.issue({ uses: 5 })
    await openTicket(deps, id, origin).prove(right)
    control.behaviour.isUp = false
    expect((await refusal(openTicket(deps, id, origin).prove(right))).cause).toMatch(/no use/)
  })
})
