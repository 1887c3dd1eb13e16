// Ends a session: the wish is stored, then told to the agent by whichever replica holds its link, until the session is
// over. The hint names the session only; reason and agent come from the store (THREATS ).
import { create } from '@bufbuild/protobuf'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { KillSessionSchema } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { printable } from '@sallyport/proto/status'
import type { FastifyBaseLogger } from 'fastify'
import { inRowTransaction } from '../agents/store.ts'
import { appendAction } from '../audit/store.ts'
import type { Db } from '../db.ts'
import type { Deps } from '../deps.ts'
import type { GreetedLink, Links } from '../grpc/links.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import { appendOutbox } from '../notifications/outbox.ts'
import type { Bus } from './bus.ts'
import { askKill, findKill, findKills, findSession } from './store.ts'

/** Sessions to end are looked for this often even without a hint, in milliseconds. */
const pollMs = 3_000
/** An agent that was away for longer has ended its sessions, in milliseconds. */
const wishMsMax = 3_600_000

/** Asks for the end of a session. Throws NOT_FOUND, or CONFLICT when it is over. */
export async function killSession(
  deps: Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'bus' | 'config'>,
  actor: Actor,
  session: string,
  reason: string,
): Promise<void> {
  const at = new Date(deps.clock.nowMs())
  const id = () => deps.randomBytes(16).toString('hex')
  await inRowTransaction(deps.db, async (tx) => {
    const found = await findSession(tx, session)
    if (found === null) throw new SallyportError('NOT_FOUND', 'there is no session with this id')
    if (found.closedAt !== null || !(await askKill(tx, session, at, reason)))
      throw new SallyportError('CONFLICT', 'the session is over already')
    await appendAction(tx, {
      id: id(),
      at,
      actor: actorKey(actor),
      action: 'kill-session',
      object: `Session/${session}`,
      detail: { reason, agent: found.agentName, target: found.target },
    })
    const url = `${deps.config.publicUrl}/sessions/${session}`
    const payload = { session, url, target: found.target, agent: found.agentName, caller: found.initiatorName }
    await appendOutbox(tx, {
      id: id(),
      at,
      event: 'session.killed',
      subject: session,
      payload: { ...payload, by: actor.display },
    })
  })
  deps.bus.publish({ kind: 'kill', id: session })
  deps.bus.publish({ kind: 'session', id: session })
}

export interface KillDeps {
  readonly db: Db
  readonly clock: Clock
  readonly bus: Pick<Bus, 'listen'>
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn'>
  readonly links: Pick<Links, 'linked'>
}

type Wish = NonNullable<Awaited<ReturnType<typeof findKill>>>

/** Tells agents that are linked here which of their sessions to end. Returns how to stop. */
export function followKills(deps: KillDeps): () => void {
  /** Once for each wish and link; an agent that comes back on a new link hears it again. */
  const told = new WeakMap<GreetedLink, Set<string>>()
  const tell = (wish: Wish): void => {
    const link = deps.links.linked().find((one) => one.agentId === wish.agentId)
    if (link === undefined) return
    const known = told.get(link) ?? new Set()
    const key = `${wish.id} ${wish.killAskedAt?.getTime() ?? 0}`
    if (known.has(key)) return
    told.set(link, known.add(key))
    const reason = printable(wish.killReason ?? '')
    link.send({ case: 'killSession', value: create(KillSessionSchema, { session: wish.id, reason }) })
    deps.log.info({ event: 'session-killed', session: wish.id, agent: wish.agentId })
  }
  const look = async (find: () => Promise<readonly Wish[]>): Promise<void> => {
    try {
      for (const wish of await find()) tell(wish)
    } catch (err) {
      deps.log.warn({ event: 'kills-unread', err })
    }
  }
  const lookAll = (): void => {
    const agents = deps.links.linked().map((link) => link.agentId)
    const since = new Date(deps.clock.nowMs() - wishMsMax)
    if (agents.length > 0) void look(() => findKills(deps.db, agents, since))
  }
  const poll = setInterval(lookAll, pollMs)
  const stopListening = deps.bus.listen({
    heard(hint) {
      if (hint.kind === 'kill') void look(async () => [(await findKill(deps.db, hint.id)) ?? []].flat())
    },
    gap: lookAll,
  })
  return () => {
    stopListening()
    clearInterval(poll)
  }
}
