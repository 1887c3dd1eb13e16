// The gateway's own look at what a server's tools or prompts say now, in the session of whoever calls: a call is judged by a list that is not
// older than a minute (THREATS ).
import { boundBy } from '@sallyport/base/bound'
import type { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { isJsonList, isJsonObject, type JsonValue } from '@sallyport/wire/http/json'
import type { JsonObject, McpRequest } from '@sallyport/wire/mcp/message'
import { formOf, incoming } from './answers.ts'
import { type McpCall, pinnedOf } from './call.ts'
import type { Pinned } from './pins.ts'
import { checkStatus } from './relay.ts'
import { type Sent, send } from './send.ts'
import type { McpSession } from './sessions.ts'
import { unreadable } from './unreadable.ts'

type Asked = Exclude<Pinned, 'template'>

/** Null: the tool may be called, or the prompt asked for. Rejects where nobody can tell. */
export async function pinRefusal(
  call: McpCall,
  session: McpSession,
  { kind, name }: { readonly kind: Asked; readonly name: string },
): Promise<SallyportError | null> {
  const { mcpPins } = call.serving
  const where = pinnedOf(call)
  if (!mcpPins.isFresh(where, kind)) await look(call, session, kind)
  return mcpPins.refusal(where, name, kind)
}

async function look(call: McpCall, session: McpSession, kind: Asked): Promise<void> {
  const { mcpPins } = call.serving
  const where = pinnedOf(call)
  const names = new Set<string>()
  let cursor: JsonValue | undefined
  for (let page = 0; page < limits.mcpListPagesMax; page += 1) {
    const result = await pageOf(call, session, kind, cursor)
    const all = result.get(`${kind}s`)
    if (!isJsonList(all)) throw unreadable(`its list of ${kind}s is none`)
    for (const one of all.filter(isJsonObject)) {
      const name = one.get('name')
      if (typeof name !== 'string') continue
      // Of two of one name nobody knows which is called.
      if (names.has(name)) throw unreadable(`it lists two ${kind}s of one name`)
      names.add(name)
      mcpPins.isApproved(where, one, kind)
    }
    cursor = result.get('nextCursor')
    if (typeof cursor !== 'string') return mcpPins.listed(where, names, kind)
  }
  throw unreadable(`its list of ${kind}s has more than ${limits.mcpListPagesMax} pages`)
}

async function pageOf(
  call: McpCall,
  session: McpSession,
  kind: Asked,
  cursor: JsonValue | undefined,
): Promise<JsonObject> {
  const id = `sallyport-${Buffer.from(call.serving.deps.random(8)).toString('hex')}`
  const params = new Map<string, JsonValue>(cursor === undefined ? [] : [['cursor', cursor]])
  const message: McpRequest = { kind: 'request', id, method: `${kind}s/list`, params }
  const { signal, release } = boundBy([call.gone, call.session.signal, session.signal], lookMsMax)
  try {
    const sent = await send(call, { method: 'POST', message, session, requestId: call.session.id, signal })
    return await pageIn(call, session, id, sent)
  } finally {
    release()
  }
}

async function pageIn(call: McpCall, session: McpSession, id: string, { answer, needles }: Sent): Promise<JsonObject> {
  try {
    checkStatus(call, session, answer.status)
    for await (const { message: came } of incoming(answer, formOf(answer), needles))
      if (came?.kind === 'response' && came.id === id && came.result !== null) return came.result
    throw unreadable('nobody can tell what it has')
  } finally {
    answer.body.destroy()
  }
}

/** For one page, in milliseconds. */
const lookMsMax = 10_000
