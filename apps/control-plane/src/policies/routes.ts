// HTTP of documents: apply, list, read, versions, delete, and explain.

import { PolicyTestRequest, PolicyTestResult, PolicyTrialRequest, PolicyTrialResult } from '@sallyport/api/policies'
import { PageQuery } from '@sallyport/api/problem'
import {
  ApplyRequest,
  ApplyResult,
  DeleteQuery,
  ExplainRequest,
  ExplainResult,
  Resource,
  ResourcePage,
  ResourcePath,
  ResourceVersionPage,
  resourcePaths,
} from '@sallyport/api/resources'
import { SallyportError } from '@sallyport/base/errors'
import type { DocumentKind } from '@sallyport/policy/document'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { actorKey, actorOf } from '../http/actor.ts'
import { decodeCursor, encodeCursor, pageOfRows } from '../http/page.ts'
import { type App, at } from '../http/route.ts'
import { applyDocuments, deleteDocument } from './apply.ts'
import { testPolicies } from './cases.ts'
import { explainStatement } from './explain.ts'
import { pageDocuments, pageVersions, readDocument, type StoredDocument } from './store.ts'
import { tryPolicies } from './trial.ts'

const KindParams = z.object({ kind: z.string().max(63) })
const NameParams = z.object({ kind: z.string().max(63), name: z.string().max(63) })

/** A JSON string can be twice as long as the text in it. */
const textBodyBytesMax = 4_718_592

function kindOf(path: string): DocumentKind {
  const parsed = ResourcePath.safeParse(path)
  if (parsed.success) return resourcePaths[parsed.data]
  throw new SallyportError('NOT_FOUND', 'there is no such kind of document', {
    hint: `one of ${Object.keys(resourcePaths).join(', ')}`,
  })
}

const resourceOf = (stored: StoredDocument): Resource => ({
  kind: stored.kind,
  name: stored.name,
  version: stored.version,
  updatedAt: stored.updatedAt.toISOString(),
  updatedBy: stored.updatedBy,
  document: stored.document,
})

const NameCursor = z.tuple([z.string().max(63)])
const VersionCursor = z.tuple([z.number().int().positive()])

export function policyRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('apply'),
    bodyLimit: textBodyBytesMax,
    schema: { body: ApplyRequest, response: { 200: ApplyResult } },
    handler: async (request) => {
      const { yaml, ...options } = request.body
      return await applyDocuments(deps, actorKey(actorOf(request)), yaml, options)
    },
  })
  app.route({
    ...at('explain'),
    bodyLimit: textBodyBytesMax,
    schema: { body: ExplainRequest, response: { 200: ExplainResult } },
    handler: async (request) => await explainStatement(deps, actorOf(request), request.body),
  })
  app.route({
    ...at('policyTest'),
    bodyLimit: textBodyBytesMax,
    schema: { body: PolicyTestRequest, response: { 200: PolicyTestResult } },
    handler: async (request) => await testPolicies(deps, request.body),
  })
  app.route({
    ...at('policyTrial'),
    bodyLimit: textBodyBytesMax,
    schema: { body: PolicyTrialRequest, response: { 200: PolicyTrialResult } },
    handler: async (request) => await tryPolicies(deps, request.body),
  })
  resourceRoutes(app, deps)
}

function resourceRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('resources'),
    schema: { params: KindParams, querystring: PageQuery, response: { 200: ResourcePage } },
    handler: async (request) => {
      const { limit, cursor } = request.query
      const [after] = decodeCursor(NameCursor, cursor) ?? ['']
      const rows = await pageDocuments(deps.db, kindOf(request.params.kind), after, limit + 1)
      return pageOfRows(rows, limit, resourceOf, (last) => encodeCursor([last.name]))
    },
  })
  app.route({
    ...at('resource'),
    schema: { params: NameParams, response: { 200: Resource } },
    handler: async (request) => {
      const kind = kindOf(request.params.kind)
      const stored = await readDocument(deps.db, kind, request.params.name)
      if (stored === null) throw new SallyportError('NOT_FOUND', `there is no ${kind} of this name`)
      return resourceOf(stored)
    },
  })
  app.route({
    ...at('resourceVersions'),
    schema: { params: NameParams, querystring: PageQuery, response: { 200: ResourceVersionPage } },
    handler: async (request) => {
      const { limit, cursor } = request.query
      const kind = kindOf(request.params.kind)
      const [before] = decodeCursor(VersionCursor, cursor) ?? [versionMax]
      const rows = await pageVersions(deps.db, kind, request.params.name, before, limit + 1)
      if (rows.length === 0 && cursor === undefined)
        throw new SallyportError('NOT_FOUND', `there never was a ${kind} of this name`)
      const show = (row: (typeof rows)[number]) => ({ ...row, at: row.at.toISOString() })
      return pageOfRows(rows, limit, show, (last) => encodeCursor([last.version]))
    },
  })
  app.route({
    ...at('resourceDelete'),
    schema: { params: NameParams, querystring: DeleteQuery, response: { 204: z.undefined() } },
    handler: async (request, reply) => {
      const { kind, name } = request.params
      await deleteDocument(deps, actorKey(actorOf(request)), { kind: kindOf(kind), name, ...request.query })
      return await reply.code(204).send()
    },
  })
}

/** The store's integer is 32 bits wide. */
const versionMax = 2_147_483_647
