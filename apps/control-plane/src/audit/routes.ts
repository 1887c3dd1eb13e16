// HTTP of the audit log: what administrators did, newest first. There is no route that writes.
import { PageQuery } from '@sallyport/api/problem'
import { AdminActionPage } from '@sallyport/api/recordings'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { decodeCursor, encodeCursor, pageOfRows } from '../http/page.ts'
import { type App, at } from '../http/route.ts'
import { pageActions } from './store.ts'

const ActionCursor = z.tuple([z.number().int(), z.string().max(64)])
const Detail = z.record(z.string(), z.unknown())

export function auditRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('auditLog'),
    schema: { querystring: PageQuery, response: { 200: AdminActionPage } },
    handler: async (request) => {
      const { limit, cursor } = request.query
      const place = decodeCursor(ActionCursor, cursor)
      const after = place === null ? null : { at: new Date(place[0]), id: place[1] }
      const rows = await pageActions(deps.db, after, limit + 1)
      const show = (row: (typeof rows)[number]) => ({
        ...row,
        at: row.at.toISOString(),
        detail: Detail.parse(row.detail),
      })
      return pageOfRows(rows, limit, show, (last) => encodeCursor([last.at.getTime(), last.id]))
    },
  })
}
