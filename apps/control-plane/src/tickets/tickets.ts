// Issuing, listing and revoking tickets. A ticket is one person's, for one target and upstream role; its secret leaves in
// the answer and is not kept, and what agents get was signed here, so that nobody who writes to the store can make one.
import type { Ticket, TicketRequest, TicketResponse } from '@sallyport/api/tickets'
import { SallyportError } from '@sallyport/base/errors'
import { isId } from '@sallyport/base/ids'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import {
  fastTicketIterations,
  formatVerifier,
  ticketIterations,
  ticketRecordType,
  ticketUser,
} from '@sallyport/base/ticket'
import { inRowTransaction } from '../agents/store.ts'
import { appendAction } from '../audit/store.ts'
import { inTransaction, isStoreConflict } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import { addRevocation } from '../identities/revocation-store.ts'
import { lifeOf, signForPerson } from '../identities/tokens.ts'
import { openTarget, reachableAt } from '../targets/open.ts'
import { checkedRole, roleNames } from '../targets/rules.ts'
import { checkedSources, mayRevoke, stateOf } from './rules.ts'
import { verifierOf } from './scram.ts'
import * as store from './store.ts'

/** Of the secret: more than THREATS asks for. */
const secretBytes = 32
/** Tickets are listed for so long after their end, in milliseconds. */
const keptMs = 7 * 86_400_000

export type TicketDeps = Pick<
  Deps,
  'db' | 'clock' | 'randomBytes' | 'config' | 'tokenKey' | 'ticketSalt' | 'authorityPem' | 'publish'
>

/** Throws TARGET_UNKNOWN, UPSTREAM_ROLE_FORBIDDEN, AGENT_NOT_ENROLLED, AGENT_OUTDATED, REQUEST_INVALID or TOO_MANY_REQUESTS. */
export async function issueTicket(deps: TicketDeps, actor: Actor, asked: TicketRequest): Promise<TicketResponse> {
  const target = await openTarget(deps, actor, asked.target)
  const role = checkedRole(target, asked.role) ?? roleNames(target)[0]
  if (role === undefined)
    throw new SallyportError('FEATURE_UNSUPPORTED', `"${asked.target}" is no database; it takes no tickets`, {
      hint: `use a token: sallyport token ${asked.target}`,
    })
  const address = await reachableAt(deps, target, asked.fast ? 'login-ticket-fast' : 'login-ticket')
  const sources = checkedSources(asked.sources ?? [])
  const secret = new Secret(deps.randomBytes(secretBytes).toString('base64url'))
  const id = deps.randomBytes(16).toString('hex')
  const { issuedAt, expires } = lifeOf(deps.clock, actor, asked.seconds)
  const iterations = asked.fast ? fastTicketIterations : ticketIterations
  const verifier = formatVerifier(await verifierOf(secret, deps.ticketSalt(id), iterations))
  const more = { sp_scram: verifier, sp_sources: sources, sp_limited: asked.uses !== undefined }
  const life = { issuedAt, expires }
  const signed = { type: ticketRecordType, jti: id, ...life, target: asked.target, role, more }
  const usesMax = asked.uses ?? null
  const { issuer, subject, display } = actor
  const ticket: store.NewTicket = {
    id,
    issuer,
    subject,
    display,
    target: asked.target,
    upstreamRole: role,
    sources: [...sources],
    usesMax,
    usesLeft: usesMax,
    isFast: asked.fast,
    record: await signForPerson(deps, actor, signed),
    createdAt: new Date(deps.clock.nowMs()),
    expiresAt: new Date(expires * 1_000),
  }
  await keep(deps, actor, ticket)
  const shown = showTicket({ ...ticket, revokedAt: null }, deps.clock.nowMs())
  return {
    ticket: shown,
    secret: secret.reveal(),
    connection: { ...address, database: asked.target, user: shown.user, ca: deps.authorityPem },
  }
}

/** Two requests at once must not pass the limit together: the transaction sees whether they would. */
async function keep(deps: TicketDeps, actor: Actor, ticket: store.NewTicket): Promise<void> {
  try {
    await inTransaction(deps.db, async (tx) => {
      const { createdAt } = ticket
      await store.removeEndedBefore(tx, new Date(createdAt.getTime() - keptMs))
      if ((await store.countLive(tx, actor, createdAt)) >= limits.ticketsPerPersonMax)
        throw new SallyportError('TOO_MANY_REQUESTS', `you have ${limits.ticketsPerPersonMax} tickets that are good`, {
          hint: 'revoke some ("sallyport ticket list"), or ask for a shorter life',
        })
      await store.addTicket(tx, ticket)
      await appendAction(tx, {
        id: deps.randomBytes(16).toString('hex'),
        at: createdAt,
        actor: actorKey(actor),
        action: 'issue-ticket',
        object: `Ticket/${ticket.id}`,
        detail: {
          target: ticket.target,
          role: ticket.upstreamRole,
          expiresAt: ticket.expiresAt.toISOString(),
          uses: ticket.usesMax,
          sources: ticket.sources.join(', '),
          fast: ticket.isFast,
        },
      })
    })
  } catch (thrown) {
    if (!isStoreConflict(thrown)) throw thrown
    throw new SallyportError('CONFLICT', 'another ticket was issued to you at this moment; try again', {
      cause: thrown,
    })
  }
}

/** Ends it, and the sessions that it opened. Throws NOT_FOUND, also for a ticket of somebody else's. */
export async function revokeTicket(deps: TicketDeps, actor: Actor, id: string): Promise<void> {
  const at = new Date(deps.clock.nowMs())
  const newId = (): string => deps.randomBytes(16).toString('hex')
  const by = actorKey(actor)
  const isFirst = await inRowTransaction(deps.db, async (tx) => {
    const found = isId(id) ? await store.findTicket(tx, id) : null
    if (found === null || !mayRevoke(actor, found))
      throw new SallyportError('NOT_FOUND', 'you have no ticket with this id', {
        hint: '"sallyport ticket list" shows yours',
      })
    if (!(await store.revokeTicket(tx, id, at, by))) return false
    const issuer = deps.config.publicUrl
    await addRevocation(tx, { id: newId(), jti: id, issuer, subject: null, at, by, reason: 'ticket revoked' })
    const detail = { target: found.target, role: found.upstreamRole, owner: found.display }
    const object = `Ticket/${id}`
    await appendAction(tx, { id: newId(), at, actor: by, action: 'revoke-ticket', object, detail })
    return true
  })
  if (isFirst) await deps.publish([`Ticket/${id}`])
}

export const showTicket = (row: store.TicketRow, nowMs: number): Ticket => ({
  id: row.id,
  user: ticketUser(row.id, row.isFast),
  state: stateOf(row, nowMs),
  owner: row.display,
  target: row.target,
  role: row.upstreamRole,
  sources: [...row.sources],
  usesMax: row.usesMax,
  usesLeft: row.usesLeft,
  fast: row.isFast,
  createdAt: row.createdAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
})
