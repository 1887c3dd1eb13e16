// HTTP of grants: what one may ask for, asking, the list, verdicts, the end. Which grants exist for whom stands in approvals/rules.ts.
import {
  GrantableList,
  GrantDetail,
  GrantEndRequest,
  GrantPage,
  GrantQuery,
  GrantRequest,
  GrantVerdictRequest,
} from '@sallyport/api/grants'
import { z } from 'zod'
import { currentReader } from '../approvals/people.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorOf } from '../http/actor.ts'
import { decodeCursor, encodeCursor, pageOfRows } from '../http/page.ts'
import { type App, at } from '../http/route.ts'
import { askableFor, askGrant, decideGrant, endGrant, readRules, shownTo } from './grants.ts'
import { showAskable } from './scope.ts'
import { showGrant } from './show.ts'
import { pageGrants } from './store.ts'

const Place = z.tuple([z.number().int(), z.string().max(64)])
const Params = z.object({ id: z.string().max(64) })

export function grantsRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('grantable'),
    schema: { response: { 200: GrantableList } },
    handler: async (request) => ({ items: (await askableFor(deps, actorOf(request))).map(showAskable) }),
  })
  app.route({
    ...at('grants'),
    schema: { querystring: GrantQuery, response: { 200: GrantPage } },
    handler: async (request) => await list(deps, actorOf(request), request.query),
  })
  app.route({
    ...at('grant'),
    schema: { params: Params, response: { 200: GrantDetail } },
    handler: async (request) => await shownTo(deps, actorOf(request), request.params.id),
  })
  app.route({
    ...at('grantAsk'),
    schema: { body: GrantRequest, response: { 201: GrantDetail } },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const { id } = await askGrant(deps, actor, request.body)
      return await reply.code(201).send(await shownTo(deps, actor, id))
    },
  })
  app.route({
    ...at('grantVerdict'),
    schema: { params: Params, body: GrantVerdictRequest, response: { 200: GrantDetail } },
    handler: async (request) => {
      await decideGrant(deps, actorOf(request), request.params.id, request.body)
      return await shownTo(deps, actorOf(request), request.params.id)
    },
  })
  app.route({
    ...at('grantEnd'),
    schema: { params: Params, body: GrantEndRequest, response: { 200: GrantDetail } },
    handler: async (request) => {
      await endGrant(deps, actorOf(request), request.params.id)
      return await shownTo(deps, actorOf(request), request.params.id)
    },
  })
}

async function list(deps: Deps, actor: Actor, { view, limit, cursor }: z.infer<typeof GrantQuery>) {
  const place = decodeCursor(Place, cursor)
  const reader = await currentReader(deps.db, actor.personId)
  const isWatching = actor.roles.includes('admin') || actor.roles.includes('auditor')
  const groups = view !== 'mine' && actor.roles.includes('reviewer') ? actor.groups : []
  const nowMs = deps.clock.nowMs()
  const rows = await pageGrants(deps.db, {
    view: view === 'mine' ? 'all' : view,
    readable: isWatching && view !== 'mine' ? null : { groups, who: actor },
    at: new Date(nowMs),
    after: place === null ? null : { at: new Date(place[0]), id: place[1] },
    take: limit + 1,
  })
  const all = await readRules(deps.db)
  const shown = reader === null ? [] : rows
  return pageOfRows(
    shown,
    limit,
    (row) => showGrant(row, reader ?? { ...actor, roles: [] }, all, nowMs),
    (last) => encodeCursor([last.createdAt.getTime(), last.id]),
  )
}
