// HTTP of approvals: the inbox, one card, verdicts, and what a person asked for themselves. Who may call stands in the table
// of routes; which requests exist for whom stands in rules.ts.
import {
  Approval,
  ApprovalPage,
  ApprovalQuery,
  CancelRequest,
  MyRequestsQuery,
  VerdictRequest,
} from '@sallyport/api/approvals'
import { isId } from '@sallyport/base/ids'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey, actorOf } from '../http/actor.ts'
import { decodeCursor, encodeCursor, pageOfRows } from '../http/page.ts'
import { type App, at } from '../http/route.ts'
import { cancelApproval, decideApproval, notFound } from './decide.ts'
import { pageOwn, pageRequests, type Readable, type RequestPlace } from './list-store.ts'
import { ruled } from './people.ts'
import { mayRead } from './rules.ts'
import { showApproval, showItems } from './show.ts'
import { findRequest, type HeldRequest } from './store.ts'

export type ApprovalsDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'vault' | 'bus' | 'config'>

const Place = z.tuple([z.number().int(), z.string().max(64)])
const Params = z.object({ id: z.string().max(64) })

export function approvalsRoutes(app: App, deps: ApprovalsDeps): void {
  listRoutes(app, deps)
  cardRoutes(app, deps)
}

function placeOf(cursor: string | undefined): RequestPlace | null {
  const place = decodeCursor(Place, cursor)
  return place === null ? null : { at: new Date(place[0]), id: place[1] }
}

/** Rules.ts `mayRead` for lists. */
const readableOf = (actor: Actor): Readable =>
  actor.roles.includes('admin') || actor.roles.includes('auditor')
    ? { kind: 'all' }
    : {
        kind: 'some',
        groups: actor.roles.includes('reviewer') ? actor.groups : [],
        initiatorKey: actorKey(actor),
      }

function listRoutes(app: App, deps: ApprovalsDeps): void {
  const page = async (
    actor: Actor,
    rows: readonly HeldRequest[],
    limit: number,
    placeAt: (last: HeldRequest) => Date,
  ) => {
    const { items, next } = pageOfRows(
      rows,
      limit,
      (row) => row,
      (last) => encodeCursor([placeAt(last).getTime(), last.id]),
    )
    return { items: await showItems(deps, actor, items), next }
  }
  app.route({
    ...at('approvals'),
    schema: { querystring: ApprovalQuery, response: { 200: ApprovalPage } },
    handler: async (request) => {
      const actor = actorOf(request)
      const { limit, cursor, ...filter } = request.query
      const rows = await pageRequests(deps.db, readableOf(actor), filter, placeOf(cursor), limit + 1)
      const isPending = filter.view === 'pending'
      return await page(actor, rows, limit, (last) => (isPending ? last.createdAt : (last.settledAt ?? last.createdAt)))
    },
  })
  app.route({
    ...at('myRequests'),
    schema: { querystring: MyRequestsQuery, response: { 200: ApprovalPage } },
    handler: async (request) => {
      const actor = actorOf(request)
      const { limit, cursor } = request.query
      const rows = await pageOwn(deps.db, actorKey(actor), placeOf(cursor), limit + 1)
      return await page(actor, rows, limit, (last) => last.createdAt)
    },
  })
}

function cardRoutes(app: App, deps: ApprovalsDeps): void {
  const card = async (actor: Actor, id: string) => {
    const request = isId(id) ? await findRequest(deps.db, id) : null
    if (request === null || !mayRead(actor, ruled(request))) throw notFound()
    return await showApproval(deps, actor, request)
  }
  app.route({
    ...at('approval'),
    schema: { params: Params, response: { 200: Approval } },
    handler: async (request) => await card(actorOf(request), request.params.id),
  })
  app.route({
    ...at('approvalVerdict'),
    schema: { params: Params, body: VerdictRequest, response: { 200: Approval } },
    handler: async (request) => {
      const actor = actorOf(request)
      await decideApproval(deps, actor, request.params.id, request.body)
      return await card(actor, request.params.id)
    },
  })
  app.route({
    ...at('approvalCancel'),
    schema: { params: Params, body: CancelRequest, response: { 200: Approval } },
    handler: async (request) => {
      const actor = actorOf(request)
      await cancelApproval(deps, actor, request.params.id)
      return await card(actor, request.params.id)
    },
  })
}
