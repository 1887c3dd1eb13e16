// What the tools of `sallyport mcp` do: the same calls as `targets`, `query` and `connect`, each with a token of its own for one target.
// What is given back is bounded, in rows and in characters.

import { ApprovalPage } from '@sallyport/api/approvals'
import { MySchema, MyTargets } from '@sallyport/api/resources'
import { boundBy } from '@sallyport/base/bound'
import { SallyportError } from '@sallyport/base/errors'
import type { Session } from './app.ts'
import type { HttpAnswer } from './http-call.ts'
import { runSql, type ShownResult, SqlFailure } from './sql.ts'
import { requestToken } from './token.ts'

/** As records and conditions know it. */
const applicationName = 'sallyport mcp'
const rowsDefault = 100
const waitSecondsDefault = 20
/** Characters of all values of one answer. */
const valueCharsMax = 60_000
/** Characters of one value. */
const cellCharsMax = 4_000
/** Notices of a database that are handed on. */
const noticesMax = 20

/** One call of a client. */
export interface ToolCall {
  readonly signal: AbortSignal
  says(message: string): Promise<void>
}

interface Waiting {
  readonly target: string
  readonly waitSeconds?: number | undefined
}
export interface QueryCall extends Waiting {
  readonly sql: string
  readonly role?: string | undefined
  readonly rows?: number | undefined
}
export interface HttpCall extends Waiting {
  readonly method: string
  readonly path: string
  readonly body?: string | undefined
  readonly contentType?: string | undefined
}

export interface Tools {
  listTargets(): Promise<unknown>
  describeSchema(call: { readonly target: string; readonly match?: string | undefined }): Promise<unknown>
  query(call: QueryCall, by: ToolCall): Promise<unknown>
  httpRequest(call: HttpCall, by: ToolCall): Promise<unknown>
  approvalRequests(): Promise<unknown>
}

/** `only`: the targets that are served; null: all that are open to the caller. */
export function toolsOf(session: Session, only: readonly string[] | null): Tools {
  const tokenOf = async (target: string, role: string | undefined) => {
    checkServed(only, target)
    return await requestToken(session, target, role)
  }
  return {
    async listTargets() {
      const { items } = await session.api().call('myTargets', MyTargets)
      return {
        targets: items
          .filter(({ name }) => only === null || only.includes(name))
          .map(({ name, description, protocol, labels, roles, connection }) => ({
            name,
            description,
            protocol,
            labels,
            roles,
            reachable: connection !== null,
          })),
      }
    },
    async describeSchema({ target, match }) {
      checkServed(only, target)
      const schema = await session.api().call('mySchema', MySchema, { path: { name: target }, query: { match } })
      return schemaText(schema)
    },
    query: async (call, by) => await query(session, await tokenOf(call.target, call.role), call, by),
    httpRequest: async (call, by) => await httpRequest(session, await tokenOf(call.target, undefined), call, by),
    async approvalRequests() {
      const api = session.api()
      const { items } = await api.call('myRequests', ApprovalPage, { query: { limit: '20' } })
      return {
        requests: items.map(({ id, state, target, verbs, objects, createdAt, expiresAt, decidedBy }) => ({
          url: `${api.origin}/approvals/${id}`,
          ...{ state, target, verbs, objects, createdAt, expiresAt, decidedBy },
        })),
      }
    },
  }
}

function checkServed(only: readonly string[] | null, target: string): void {
  if (only === null || only.includes(target)) return
  throw new SallyportError('TARGET_UNKNOWN', 'no target of this name is served here', {
    hint: 'list_targets names those that are',
  })
}

const openedText = (operations: MySchema['relations'][number]['operations']): string[] =>
  operations.map(
    ({ operation, effect, maybe }) =>
      `${operation}${effect === 'hold' ? ' (a person is asked)' : ''}${maybe ? ' (under conditions)' : ''}`,
  )

/** One line a column: a model reads it, and pays for each word. */
function schemaText({ target, protocol, relations, routes, left }: MySchema): unknown {
  const more = left === 0 ? {} : { more: `${left} more are not shown; pass "match"` }
  if (protocol === 'http')
    return {
      target,
      protocol,
      routes: routes.map(({ name, path, operations, masks }) => ({
        name,
        path,
        may: openedText(operations),
        ...(masks.length === 0 ? {} : { masked: masks }),
      })),
      ...(routes.length === 0 ? { note: 'the target lists no routes that are open to you by name' } : {}),
      ...more,
    }
  return {
    target,
    protocol,
    relations: relations.map(({ schema, name, kind, operations, columns }) => ({
      name: `${schema}.${name}`,
      kind,
      may: openedText(operations),
      columns: columns.map(
        (column) =>
          `${column.name} ${column.type.replace(/^pg_catalog\./, '')}${column.notNull ? ' not null' : ''}${column.mask === null ? '' : ` MASKED (${column.mask})`}`,
      ),
    })),
    ...more,
  }
}

type Issued = Awaited<ReturnType<typeof requestToken>>

async function query(session: Session, issued: Issued, call: QueryCall, by: ToolCall): Promise<unknown> {
  if (issued.connection.url !== null)
    throw new SallyportError('REQUEST_INVALID', `"${call.target}" is an HTTP API; it takes no SQL`, {
      hint: 'use http_request',
    })
  const stop = new AbortController()
  const notices: string[] = []
  let held: string | null = null
  const { origin } = session.api()
  const waitMs = (call.waitSeconds ?? waitSecondsDefault) * 1_000
  by.signal.addEventListener('abort', () => stop.abort(), { once: true })
  let timer: NodeJS.Timeout | null = null
  try {
    const results = await runSql({
      issued,
      text: call.sql,
      keep: { rows: call.rows ?? rowsDefault, characters: valueCharsMax },
      applicationName,
      onNotice({ message = '', hint = '' }) {
        if (held === null && message.startsWith('held for approval: ') && hint.includes('/approvals/')) {
          held = approvalUrl(origin, hint)
          void by.says(`${cutText(message)}; ${held}`)
          timer = setTimeout(() => stop.abort(), waitMs)
        } else if (notices.length < noticesMax) notices.push(cutText(message))
      },
      interrupted: session.world.interrupted,
      cancelled: stop.signal,
      cancel: session.world.sendOnce,
    })
    return { results: results.map(resultOf), ...(notices.length === 0 ? {} : { notices }) }
  } catch (thrown) {
    const isPending = thrown instanceof SallyportError && thrown.code === 'HOLD_PENDING'
    const isStopped = thrown instanceof SqlFailure && thrown.sqlstate === '57014' && held !== null
    if (isPending || isStopped) return pending(held ?? approvalUrl(origin, thrown.message))
    throw thrown
  } finally {
    if (timer !== null) clearTimeout(timer)
  }
}

/**
 * Where people decide is at the control plane of this login, whatever the text says: a target can word a notice or an answer as the agent
 * does, and a model would send a person there.
 */
export function approvalUrl(origin: string, text: string): string {
  const id = /\/approvals\/([\w-]{1,64})(?![\w-])/.exec(text)?.[1]
  return id === undefined ? `${origin}/approvals` : `${origin}/approvals/${id}`
}

const pending = (url: string): unknown => ({
  status: 'pending',
  url,
  next: 'a person has to approve this at the URL; nothing ran. Once it is approved make the very same call again: it runs then',
})

function resultOf({ command, columns, rows, rowCount, cut }: ShownResult): unknown {
  return {
    command,
    rowCount,
    ...(columns.length === 0
      ? {}
      : {
          columns: columns.map(({ name }) => name),
          rows: rows.map((row) => row.map((cell) => (cell === null ? null : cutText(cell)))),
        }),
    ...(cut ? { cut: `${rows.length} of ${rowCount} rows are shown; add conditions, LIMIT, or aggregate` } : {}),
  }
}

const cutText = (text: string): string =>
  text.length <= cellCharsMax ? text : `${text.slice(0, cellCharsMax)}… (${text.length} characters)`

async function httpRequest(session: Session, issued: Issued, call: HttpCall, by: ToolCall): Promise<unknown> {
  const { url, ca } = issued.connection
  if (url === null)
    throw new SallyportError('REQUEST_INVALID', `"${call.target}" is a database; it takes no HTTP requests`, {
      hint: 'use query',
    })
  const { signal, release } = boundBy([by.signal, session.world.interrupted])
  const asked = session.world.askHttp({
    url: `${url}${call.path}`,
    ca,
    method: call.method,
    fields: {
      authorization: `Bearer ${issued.token}`,
      accept: '*/*',
      'user-agent': applicationName,
      prefer: `wait=${call.waitSeconds ?? waitSecondsDefault}`,
      ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
    },
    body: call.body ?? null,
    charactersMax: valueCharsMax,
    signal,
  })
  const answer = await asked.finally(release)
  const problem = problemOf(answer)
  if (problem?.code === 'HOLD_PENDING') return pending(approvalUrl(session.api().origin, problem.approvalUrl))
  const { status, type, text, cut } = answer
  return { status, contentType: type, text, ...(cut ? { cut: `only ${text.length} characters are shown` } : {}) }
}

/** Ours, as far as it says that a person is asked. */
function problemOf({ status, type, text }: HttpAnswer): { readonly code: string; readonly approvalUrl: string } | null {
  if (status !== 403 || !type.startsWith('application/problem+json')) return null
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('code' in value) || !('approvalUrl' in value)) return null
    return { code: String(value.code), approvalUrl: String(value.approvalUrl) }
  } catch {
    return null
  }
}
