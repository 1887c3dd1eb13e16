// From a ticket that somebody shows to a verified principal. Whatever is wrong with it, the caller sees one thing: the same
// exchange, the same refusal, not before the same time, after one question to the control plane (THREATS ).
import { createHmac } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import {
  parseVerifier,
  type ScramVerifier,
  type TicketName,
  ticketSaltBytes,
  ticketSaltLabel,
} from '@sallyport/base/ticket'
import { type VerifiedToken, verifyTicketRecord } from '@sallyport/identity/verify'
import type { KeyedHash } from '@sallyport/mask/replace'
import { z } from 'zod'
import type { CurrentSnapshot } from '../link/current.ts'
import type { After } from '../link/holds.ts'
import type { TicketAnswer, Tickets } from '../link/tickets.ts'

export interface TicketDeps {
  readonly tickets: Tickets
  readonly snapshots: { current(): CurrentSnapshot }
  /** HMAC-SHA-256 under the installation's key, which the control plane has too. */
  readonly maskHash: KeyedHash
  readonly nowMs: () => number
  readonly after: After
  readonly random: (bytes: number) => Uint8Array
}

/** One login by ticket that has begun. */
export interface OpenTicket {
  /** What the client needs for its proof; made from the id alone. */
  readonly salt: string
  readonly iterations: number
  /**
   * Calls `fits` once, with the ticket's verifier or with nobody's, and gives the principal and that verifier when it fits
   * and everything else is right. Throws TICKET_INVALID, whatever is wrong.
   */
  prove(fits: (verifier: ScramVerifier) => boolean): Promise<Proved>
}

export interface Proved {
  readonly token: VerifiedToken
  readonly verifier: ScramVerifier
}

/** Where a login comes from. */
export interface Origin {
  readonly address: string
  /** Whether one of these addresses and networks holds it; none means any. */
  comesFrom(sources: readonly string[]): boolean
}

/** Begins a login; a ticket that is not known is asked for meanwhile. Throws what `current` of the snapshots throws. */
export function openTicket(deps: TicketDeps, { id, iterations }: TicketName, origin: Origin): OpenTicket {
  const snapshot = deps.snapshots.current()
  const salt = saltOf(deps.maskHash, id)
  const known = deps.tickets.known(id)
  const answer = known === null ? deps.tickets.ask(id, false) : null
  return {
    salt,
    iterations,
    async prove(fits) {
      const notBefore = elapsed(deps.after, limits.ticketRefusalMsMin)
      const record = known ?? (await answer)?.record ?? null
      const ticket = await read(record, { id, salt, iterations, snapshot, deps })
      const isRight = fits(ticket.verifier)
      const against = isRight ? await objection(deps, ticket, id, origin) : 'the proof does not fit'
      const cause = ticket.problem ?? against
      if (cause === null && ticket.token !== null) return { token: ticket.token, verifier: ticket.verifier }
      // One question for each refusal, so that a ticket that is known is refused no sooner than one that is not.
      if (known !== null) await deps.tickets.ask(id, false)
      await notBefore
      throw new SallyportError('TICKET_INVALID', 'the ticket or its secret is not valid, or the ticket has ended', {
        hint: 'get a new one with "sallyport ticket TARGET"',
        cause: new Error(`ticket ${id}: ${cause ?? 'no token'}`),
      })
    },
  }
}

/** 16 bytes in base64, the same at every agent and in the control plane. */
function saltOf(maskHash: KeyedHash, id: string): string {
  const key = maskHash(Buffer.from(ticketSaltLabel))
  return createHmac('sha256', key).update(id).digest().subarray(0, ticketSaltBytes).toString('base64')
}

interface ReadTicket {
  readonly verifier: ScramVerifier
  /** Null for nobody's. */
  readonly token: VerifiedToken | null
  readonly sources: readonly string[]
  readonly isLimited: boolean
  /** For the operator's log. */
  readonly problem: string | null
}

/** Beside the claims of every token of the control plane. */
const RecordClaims = z.object({
  jti: z.string(),
  sp_role: z.string(),
  sp_scram: z.string(),
  sp_sources: z.array(z.string()).max(limits.ticketSourcesMax),
  sp_limited: z.boolean(),
})

interface Place {
  readonly id: string
  readonly salt: string
  readonly iterations: number
  readonly snapshot: CurrentSnapshot
  readonly deps: Pick<TicketDeps, 'nowMs' | 'random'>
}

/** A record that is not good in every respect is nobody's. */
async function read(record: string | null, place: Place): Promise<ReadTicket> {
  const { id, salt, iterations, snapshot, deps } = place
  const nobodys = (problem: string): ReadTicket => nobody(place, problem)
  if (record === null) return nobodys('the control plane knows no such ticket, or could not be asked')
  try {
    const { token, payload } = await verifyTicketRecord(record, snapshot, deps.nowMs())
    const claims = RecordClaims.parse(payload)
    const verifier = parseVerifier(claims.sp_scram)
    // What the client was told has to be what the proof is checked with.
    if (claims.jti !== id || verifier?.salt !== salt || verifier.iterations !== iterations)
      return nobodys('the record is that of another ticket')
    return { verifier, token, sources: claims.sp_sources, isLimited: claims.sp_limited, problem: null }
  } catch (thrown) {
    return nobodys(thrown instanceof SallyportError ? thrown.message : 'the record cannot be read')
  }
}

/** Keys that belong to no secret. */
function nobody({ salt, iterations, deps }: Place, problem: string): ReadTicket {
  const key = (): string => Buffer.from(deps.random(32)).toString('base64')
  const verifier = { iterations, salt, storedKey: key(), serverKey: key() }
  return { verifier, token: null, sources: [], isLimited: false, problem }
}

/** What else speaks against it, once the proof fits. */
async function objection(deps: TicketDeps, ticket: ReadTicket, id: string, origin: Origin): Promise<string | null> {
  if (ticket.token === null) return 'no ticket'
  if (!origin.comesFrom(ticket.sources)) return `not good from ${origin.address}`
  if (!ticket.isLimited) return null
  const spent: TicketAnswer = await deps.tickets.ask(id, true)
  return spent.isSpent ? null : 'no use of it is left, or the control plane could not be asked'
}

const elapsed = (after: After, ms: number): Promise<void> => new Promise((resolve) => void after(ms, resolve))
