// The open event streams of people in this process. Each hears only of what its person may read, and only ids; a stream
// ends with its login, and one that is not read is dropped rather than buffered.
import type { ServerResponse } from 'node:http'
import type { LiveEvent } from '@sallyport/api/live'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { ruled } from '../approvals/people.ts'
import { mayRead, type Reader, type RuledRequest } from '../approvals/rules.ts'
import { findRequests } from '../approvals/store.ts'
import type { Db } from '../db.ts'
import type { Deps } from '../deps.ts'
import { ruled as ruledGrant } from '../grants/rules.ts'
import { findGrants } from '../grants/store.ts'
import type { Actor } from '../http/actor.ts'
import { readDocuments } from '../policies/store.ts'
import { groupsOf, loginIdleMsMax, rolesOf } from '../signin/rules.ts'
import type { Hint } from './bus.ts'
import { findLogins } from './store.ts'

/** A comment is sent, and the login looked at again, this often, in milliseconds. */
const beatMsDefault = 15_000
/** Bytes that a stream may be behind; past it it is dropped, and the console comes back and asks for everything. */
const behindBytesMax = 1_048_576
/** Streams of one person: tabs. */
export const streamsPerPersonMax = 20
/** What the browser waits before it comes back, in milliseconds. */
const retryMs = 2_000
/** Requests that are read at once. */
const readMax = 200

interface OpenStream {
  readonly loginId: string
  reader: Reader
  readonly response: ServerResponse
}

export interface Streams {
  /** Throws TOO_MANY_REQUESTS. */
  admit(actor: Actor): void
  /** Takes over a response whose head was sent. */
  add(actor: Actor, response: ServerResponse): void
  /** Ends every stream. */
  stop(): void
}

type StreamsDeps = Pick<Deps, 'db' | 'clock' | 'bus' | 'log'>
type Kind = LiveEvent['kind']

export function createStreams(deps: StreamsDeps, beatMs = beatMsDefault): Streams {
  const open = new Set<OpenStream>()
  const send = (stream: OpenStream, text: string): void => {
    const { response } = stream
    if (!response.writable) return
    response.write(text)
    if (response.writableLength <= behindBytesMax) return
    open.delete(stream)
    response.destroy()
  }
  const end = (stream: OpenStream): void => {
    open.delete(stream)
    stream.response.end()
  }
  const tell = (kind: Kind, id: string, maySee: (reader: Reader) => boolean): void => {
    const event: LiveEvent = { kind, id, at: new Date(deps.clock.nowMs()).toISOString() }
    const text = `event: change\ndata: ${JSON.stringify(event)}\n\n`
    for (const stream of open) if (maySee(stream.reader)) send(stream, text)
  }
  const approvals = readTeller(deps, open, findApprovals, (id, maySee) => tell('approval', id, maySee))
  const grants = readTeller(deps, open, findAsked, (id, maySee) => tell('grant', id, maySee))
  const check = atATime(async () => await recheck(deps, [...open], { end, send }))
  const hello = `retry: ${retryMs}\nevent: hello\ndata: {}\n\n`
  const stopListening = deps.bus.listen({
    heard(hint) {
      if (open.size === 0 || hint.kind === 'kill' || hint.kind === 'scan') return
      if (hint.kind === 'approval') approvals(hint)
      else if (hint.kind === 'grant') grants(hint)
      else tell(hint.kind, hint.id, seesEverything)
      // Somebody was closed out, or has other rights: that does not wait for the next beat.
      if (hint.kind === 'resource' && /^(Person|Group|Role)\//.test(hint.id)) check()
    },
    // Whatever was lost is asked for again.
    gap() {
      for (const stream of open) send(stream, hello)
    },
  })
  const beat = setInterval(check, beatMs)
  return {
    admit(actor) {
      const own = [...open].filter((stream) => stream.reader.personId === actor.personId).length
      if (open.size >= limits.liveStreamsMax || own >= streamsPerPersonMax)
        throw new SallyportError('TOO_MANY_REQUESTS', 'too many live streams are open', { hint: 'close some tabs' })
    },
    add(actor, response) {
      const stream: OpenStream = { loginId: actor.login.id, reader: actor, response }
      open.add(stream)
      response.on('close', () => open.delete(stream))
      response.on('error', () => open.delete(stream))
      send(stream, hello)
    },
    stop() {
      stopListening()
      clearInterval(beat)
      for (const stream of [...open]) end(stream)
    },
  }
}

/** Runs one at a time; what is asked for meanwhile is one more run. `run` never rejects. */
function atATime(run: () => Promise<void>): () => void {
  let isRunning = false
  let isWanted = false
  const ask = (): void => {
    isWanted = true
    if (isRunning) return
    isRunning = true
    isWanted = false
    void run().finally(() => {
      isRunning = false
      if (isWanted) ask()
    })
  }
  return ask
}

/** Sessions, agents, documents and webhooks are the business of those who may list them. */
const seesEverything = (reader: Reader): boolean => reader.roles.includes('admin') || reader.roles.includes('auditor')

interface Found {
  readonly id: string
  readonly ruled: RuledRequest
}
/** Of held requests and of grants. */
type Find = (db: Db, ids: readonly string[]) => Promise<readonly Found[]>

const findApprovals: Find = async (db, ids) =>
  (await findRequests(db, ids)).map((request) => ({ id: request.id, ruled: ruled(request) }))
const findAsked: Find = async (db, ids) =>
  (await findGrants(db, ids)).map((grant) => ({ id: grant.id, ruled: ruledGrant(grant) }))

/** Reads each one once for all streams: only those who may read it hear of it (THREATS ). */
function readTeller(
  deps: StreamsDeps,
  open: ReadonlySet<OpenStream>,
  find: Find,
  tell: (id: string, maySee: (reader: Reader) => boolean) => void,
): (hint: Hint) => void {
  const wanted = new Set<string>()
  let isRunning = false
  const run = async (): Promise<void> => {
    isRunning = true
    try {
      while (wanted.size > 0 && open.size > 0) {
        const ids = [...wanted].slice(0, readMax)
        for (const id of ids) wanted.delete(id)
        for (const found of await find(deps.db, ids)) tell(found.id, (reader) => mayRead(reader, found.ruled))
      }
    } catch (err) {
      deps.log.warn({ event: 'live-unread', err })
    } finally {
      wanted.clear()
      isRunning = false
    }
  }
  return ({ id }) => {
    wanted.add(id)
    if (!isRunning) void run()
  }
}

/** Ends streams whose login has ended, gives the others the rights of now. What cannot be looked at is ended too. */
async function recheck(
  deps: StreamsDeps,
  streams: readonly OpenStream[],
  does: { end(stream: OpenStream): void; send(stream: OpenStream, text: string): void },
): Promise<void> {
  if (streams.length === 0) return
  try {
    const nowMs = deps.clock.nowMs()
    const rows = await findLogins(
      deps.db,
      streams.map((stream) => stream.loginId),
    )
    const documents = (await readDocuments(deps.db, ['Group', 'Role'])).map((stored) => stored.document)
    const alive = new Map(
      rows.filter((login) => isAlive(login, nowMs)).map((login) => [login.id, login.person] as const),
    )
    for (const stream of streams) {
      const person = alive.get(stream.loginId)
      if (person === undefined) does.end(stream)
      else {
        const groups = groupsOf(person, documents)
        stream.reader = { ...stream.reader, groups, roles: rolesOf(groups, documents) }
        does.send(stream, ': beat\n\n')
      }
    }
  } catch (err) {
    deps.log.warn({ event: 'live-unchecked', err })
    for (const stream of streams) does.end(stream)
  }
}

type LoginRow = Awaited<ReturnType<typeof findLogins>>[number]

/** As signin/session.ts judges it, but a stream is not use: an open tab does not keep a login alive. */
const isAlive = (login: LoginRow, nowMs: number): boolean =>
  login.revokedAt === null &&
  login.person.disabledAt === null &&
  login.expiresAt.getTime() > nowMs &&
  login.lastUsedAt.getTime() + loginIdleMsMax > nowMs
