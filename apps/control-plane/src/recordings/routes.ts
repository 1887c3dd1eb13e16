// HTTP of recorded sessions: list, one session, entries, exports. Whoever looks into a record is recorded too.
import { Readable } from 'node:stream'
import {
  Session,
  SessionEntries,
  SessionIndex,
  SessionIndexQuery,
  SessionPage,
  SessionQuery,
  Trace,
} from '@sallyport/api/recordings'
import { SallyportError } from '@sallyport/base/errors'
import { isId } from '@sallyport/base/ids'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { noteAction } from '../audit/note.ts'
import type { NewAction } from '../audit/store.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey, actorOf } from '../http/actor.ts'
import { decodeCursor, encodeCursor, pageOfRows } from '../http/page.ts'
import { type App, at } from '../http/route.ts'
import { exportLines } from './export.ts'
import { wasViewed } from './index-store.ts'
import { agentSilentMs, showSession, verifiedEntries } from './recordings.ts'
import { pageSessions } from './search-store.ts'
import { servedIn } from './served-store.ts'
import { statementIndex } from './statements.ts'
import { findSession, type Selection, type SessionRow, silentAgents } from './store.ts'
import { traceOf } from './traces.ts'

const SessionCursor = z.tuple([z.number().int(), z.string().max(64)])
const SessionParams = z.object({ id: z.string().max(64) })
/** PostgreSQL's int4, in which sequences are stored. */
const seqMax = 2_147_483_647
/** One look at the statements of a session, in milliseconds. */
const lookMs = 600_000
const EntriesQuery = z.object({
  from: z.coerce.number().int().min(0).max(seqMax).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(200),
})
const ExportQuery = z.object({ from: z.iso.datetime({ offset: true }), to: z.iso.datetime({ offset: true }) })

export type RecordingsDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'config'>

export function recordingsRoutes(app: App, deps: RecordingsDeps): void {
  sessionRoutes(app, deps)
  exportRoutes(app, deps)
  traceRoute(app, deps)
}

function traceRoute(app: App, deps: RecordingsDeps): void {
  app.route({
    ...at('trace'),
    schema: { params: SessionParams, response: { 200: Trace } },
    handler: async (request) => {
      const { id } = request.params
      if (!isId(id)) throw noTrace()
      await audit(deps, actorOf(request), 'view-trace', `Trace/${id}`, {})
      const found = await traceOf(deps.db, id)
      if (found.items.length === 0) throw noTrace()
      return found
    },
  })
}

const noTrace = (): SallyportError =>
  new SallyportError('NOT_FOUND', 'nothing of this trace is recorded', {
    hint: 'a trace has 32 hex digits, as in the traceparent that a caller sends',
  })

function sessionRoutes(app: App, deps: RecordingsDeps): void {
  app.route({
    ...at('sessions'),
    schema: { querystring: SessionQuery, response: { 200: SessionPage } },
    handler: async (request) => {
      const { limit, cursor, ...filter } = request.query
      const place = decodeCursor(SessionCursor, cursor)
      const after = place === null ? null : { openedAt: new Date(place[0]), id: place[1] }
      const silent = await silentNow(deps)
      const rows = await pageSessions(deps.db, filter, silent, after, limit + 1)
      const known = new Set(silent)
      const served = await servedIn(
        deps.db,
        rows.map(({ id }) => id),
      )
      const show = (row: SessionRow) => showSession(row, known, served.get(row.id))
      return pageOfRows(rows, limit, show, (last) => encodeCursor([last.openedAt.getTime(), last.id]))
    },
  })
  app.route({
    ...at('session'),
    schema: { params: SessionParams, response: { 200: Session } },
    handler: async (request) => {
      const session = await sessionOf(deps, request.params.id)
      const served = await servedIn(deps.db, [session.id])
      return showSession(session, new Set(await silentNow(deps)), served.get(session.id))
    },
  })
  app.route({
    ...at('sessionIndex'),
    schema: { params: SessionParams, querystring: SessionIndexQuery, response: { 200: SessionIndex } },
    handler: async (request, reply) => {
      const { from, limit } = request.query
      const session = await sessionOf(deps, request.params.id)
      // Eight columns of 20,000 numbers, made here a moment ago: to check each again costs more than to read them.
      reply.serializer((index: SessionIndex) => JSON.stringify(index))
      await auditOnce(deps, actorOf(request), `Session/${session.id}`)
      return await statementIndex(deps.db, session, Math.min(from, seqMax), limit)
    },
  })
  app.route({
    ...at('sessionEntries'),
    schema: { params: SessionParams, querystring: EntriesQuery, response: { 200: SessionEntries } },
    handler: async (request) => {
      const { from, limit } = request.query
      const session = await sessionOf(deps, request.params.id)
      await audit(deps, actorOf(request), 'view-session', `Session/${session.id}`, { from, limit })
      const { items, next } = await verifiedEntries(deps.db, session, from, limit)
      return { items: items.map((entry) => ({ ...entry })), next }
    },
  })
}

function exportRoutes(app: App, deps: RecordingsDeps): void {
  app.route({
    ...at('sessionExport'),
    schema: { params: SessionParams },
    handler: async (request, reply) => {
      const { id } = await sessionOf(deps, request.params.id)
      await audit(deps, actorOf(request), 'export-session', `Session/${id}`, {})
      return await sendExport(deps, reply, { kind: 'session', session: id }, `session-${id}`)
    },
  })
  app.route({
    ...at('export'),
    schema: { querystring: ExportQuery },
    handler: async (request, reply) => {
      const from = new Date(request.query.from)
      const to = new Date(request.query.to)
      if (from >= to) throw new SallyportError('REQUEST_INVALID', '"from" is not before "to"')
      const span = { from: from.toISOString(), to: to.toISOString() }
      await audit(deps, actorOf(request), 'export-range', 'Sessions', span)
      const name = `sessions-${span.from}-${span.to}`.replaceAll(':', '')
      return await sendExport(deps, reply, { kind: 'range', from, to }, name)
    },
  })
}

const silentNow = async (deps: RecordingsDeps): Promise<string[]> =>
  await silentAgents(deps.db, new Date(deps.clock.nowMs() - agentSilentMs))

async function sessionOf(deps: RecordingsDeps, id: string): Promise<SessionRow> {
  const session = isId(id) ? await findSession(deps.db, id) : null
  if (session !== null) return session
  throw new SallyportError('NOT_FOUND', 'there is no session with this id', { hint: 'see "sallyport sessions list"' })
}

/** Written before anything is shown: who cannot be recorded sees nothing. */
async function audit(
  deps: RecordingsDeps,
  actor: Actor,
  action: string,
  object: string,
  detail: NewAction['detail'],
): Promise<void> {
  await noteAction(deps, deps.db, actor, { action, object, detail })
}

/** A player that follows a session asks again and again: one line of the audit stands for a while of looking. */
async function auditOnce(deps: RecordingsDeps, actor: Actor, object: string): Promise<void> {
  const since = new Date(deps.clock.nowMs() - lookMs)
  if (await wasViewed(deps.db, actorKey(actor), object, since)) return
  await audit(deps, actor, 'view-session', object, { index: true })
}

async function sendExport(deps: RecordingsDeps, reply: FastifyReply, selection: Selection, name: string) {
  const { db, clock, config } = deps
  const lines = exportLines({ db, installation: config.installation, nowMs: clock.nowMs(), selection })
  // An error after the first line cuts the connection; the file then lacks its end line, which a verifier reports.
  return await reply
    .type('application/x-ndjson')
    .header('content-disposition', `attachment; filename="${name}.ndjson"`)
    .send(Readable.from(lines, { objectMode: true, highWaterMark: 64 }))
}
