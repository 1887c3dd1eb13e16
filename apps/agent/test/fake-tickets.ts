// The control plane's side of tickets, behind the agent's own end of the link: records signed with the test's key, and every
// question that was asked. Verifiers are made here, not by the code under test.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { TicketFoundSchema, type TicketWanted } from '@sallyport/proto/gen/sallyport/v1/ticket_pb'
import { type CryptoKey, SignJWT } from 'jose'
import { type After, realAfter } from '../src/link/holds.ts'
import { type LinkTickets, linkTickets } from '../src/link/tickets.ts'

export interface TicketShown {
  readonly target?: string
  readonly role?: string
  readonly subject?: string
  readonly groups?: readonly string[]
  readonly seconds?: number
  readonly sources?: readonly string[]
  readonly uses?: number
  readonly fast?: boolean
  /** What a forger would do otherwise. */
  readonly type?: string
  readonly claims?: Readonly<Record<string, unknown>>
  readonly key?: CryptoKey
}

export interface Issued {
  readonly id: string
  readonly user: string
  readonly secret: string
}

export interface FakeTickets {
  readonly tickets: LinkTickets
  readonly asked: TicketWanted[]
  readonly behaviour: { isUp: boolean; isSilent: boolean }
  issue(shown?: TicketShown): Promise<Issued>
  /** What the control plane would answer from now on; null: nothing. */
  put(id: string, record: string | null): void
  recordOf(id: string): string | undefined
}

const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest()

export const saltOf = (maskKey: Uint8Array, id: string): Buffer =>
  hmac(hmac(maskKey, 'sallyport-ticket-salt-v1'), id).subarray(0, 16)

export function verifierText(secret: string, salt: Buffer, iterations = 4_096): string {
  const salted = pbkdf2Sync(secret, salt, iterations, 32, 'sha256')
  const stored = createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64')
  const server = hmac(salted, 'Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`
}

export interface FakeTicketsOptions {
  readonly maskKey: Uint8Array
  readonly key: CryptoKey
  readonly issuer: string
  readonly audience: string
  readonly algorithm: string
  readonly after?: After
}

export function fakeTickets(options: FakeTicketsOptions): FakeTickets {
  const records = new Map<string, string>()
  const left = new Map<string, number>()
  const asked: TicketWanted[] = []
  const behaviour = { isUp: true, isSilent: false }
  const answer = (wanted: TicketWanted): void => {
    const record = records.get(wanted.ticket) ?? ''
    const uses = left.get(wanted.ticket) ?? 0
    const spent = wanted.spend && uses > 0
    if (spent) left.set(wanted.ticket, uses - 1)
    tickets.found(create(TicketFoundSchema, { call: wanted.call, record, spent }))
  }
  const tickets = linkTickets({
    send(body) {
      if (!behaviour.isUp || body.case !== 'ticketWanted') return false
      const wanted = body.value
      asked.push(wanted)
      if (!behaviour.isSilent) setImmediate(() => answer(wanted))
      return true
    },
    after: options.after ?? realAfter,
    random: randomBytes,
  })
  return {
    tickets,
    asked,
    behaviour,
    async issue(shown = {}) {
      const id = randomBytes(16).toString('hex')
      const secret = randomBytes(32).toString('base64url')
      const record = await new SignJWT({
        sp_issuer: 'https://idp.test',
        sp_kind: 'user',
        sp_groups: shown.groups ?? ['engineering'],
        sp_name: shown.subject ?? 'Ann',
        sp_target: shown.target ?? 'shop',
        sp_role: shown.role ?? 'app',
        sp_scram: verifierText(secret, saltOf(options.maskKey, id), shown.fast === true ? 1 : 4_096),
        sp_sources: shown.sources ?? [],
        sp_limited: shown.uses !== undefined,
        jti: id,
        ...shown.claims,
      })
        .setProtectedHeader({ alg: options.algorithm, typ: shown.type ?? 'sallyport-ticket+jwt' })
        .setIssuer(options.issuer)
        .setAudience(options.audience)
        .setSubject(shown.subject ?? 'ann')
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1_000) + (shown.seconds ?? 600))
        .sign(shown.key ?? options.key)
      records.set(id, record)
      if (shown.uses !== undefined) left.set(id, shown.uses)
      return { id, user: `tk${shown.fast === true ? 'f' : 't'}_${id}`, secret }
    },
    put(id, record) {
      if (record === null) records.delete(id)
      else records.set(id, record)
    },
    recordOf: (id) => records.get(id),
  }
}
