// What a request is to the rules: one of HTTP by method and path, or a message of MCP that it carries by tool, resource or
// prompt. The gate judges both in the same way (DESIGN §4).
import { toHex, utf8 } from '@sallyport/ledger/bytes'
import type { StatementProtocol } from '@sallyport/ledger/entry'
import { type CompiledPolicies, routeOf } from '@sallyport/policy/decide'
import { type BodyFacts, type HttpRequestFacts, type RequestRoute, requestFacts } from '@sallyport/policy/http'
import { type McpFacts, mcpFacts, mcpObject } from '@sallyport/policy/mcp'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { HeldPlace } from './held.ts'

/** A request without what may not be kept. */
export interface KeptRequest {
  readonly text: string
  readonly path: string
}

/** A request, and the message that it carries. */
export interface Carried {
  readonly facts: HttpRequestFacts
  /** Where it is a message of MCP: what is judged is that. */
  readonly mcp?: McpFacts
  /** How it stands in the record. */
  readonly kept: KeptRequest
}

export interface RequestSubject {
  readonly facts: StatementFacts
  /** By which masks and rules about what may not leave find it. */
  readonly object: string
  readonly route: RequestRoute
}

const noRoute: RequestRoute = { kind: 'none' }

export function subjectOf(policies: CompiledPolicies, { facts, mcp, kept }: Carried): RequestSubject {
  const server = policies.target.name
  if (mcp === undefined) {
    const route = routeOf(policies, facts.method, facts.path)
    return { facts: requestFacts(facts, kept.text, route), object: facts.path, route }
  }
  const object = mcp.subject === null ? '' : mcpObject(server, mcp.subject)
  return { facts: mcpFacts(server, mcp, kept.text), object, route: noRoute }
}

/** Before the rules are known. */
export const factsWithoutRules = ({ facts, mcp, kept }: Carried, target: string): StatementFacts =>
  mcp === undefined ? requestFacts(facts, kept.text) : mcpFacts(target, mcp, kept.text)

export const protocolOf = ({ mcp }: Pick<Carried, 'mcp'>): StatementProtocol => (mcp === undefined ? 'http' : 'mcp')

/** What a hold looks at: the verb that people read is the method, and what is asked for again is known by method and object. */
export function heldFacts(facts: StatementFacts, { facts: request, mcp }: Carried, place: HeldPlace): StatementFacts {
  const [verb, object] =
    mcp === undefined ? [request.method, request.path] : [mcp.method, facts.effects[0]?.object ?? '']
  return { ...facts, verb, fingerprint: toHex(place.sha256(utf8(`${verb} ${object}`))).slice(0, 16) }
}

/** With what its body says; what nobody asks for is not made. */
export const withBody = (request: HttpRequestFacts, body: BodyFacts): HttpRequestFacts => ({
  method: request.method,
  path: request.path,
  get query() {
    return request.query
  },
  get headers() {
    return request.headers
  },
  contentLength: request.contentLength,
  body,
})
