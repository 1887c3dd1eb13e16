// Connections to HTTP targets: one pool for each target as its document says, with TLS verified and addresses checked.
// Redirects are never followed, and an answer is taken as it is: nobody decodes it here.
import { type LookupAddress, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { createSecureContext } from 'node:tls'
import { assert } from '@sallyport/base/assert'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { HttpTargetDocument } from '@sallyport/policy/document'
import { type Fields, isAnswerValue, isFieldName } from '@sallyport/wire/http/fields'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import { type Bound, boundTo, type CredentialSources as Environment, resolveCredential } from '../secrets/broker.ts'
import { addressRefused, checkHost, isPermitted, type Network } from './address.ts'
import { AnswerBody } from './answer-body.ts'
import type { Ends } from './ending.ts'

export interface UpstreamRequest {
  readonly method: string
  /** Path and query as they are sent. */
  readonly path: string
  readonly fields: Fields
  readonly body: Readable | Buffer | null
  readonly signal: Ends
}

export interface Answer {
  readonly status: number
  readonly fields: Fields
  readonly body: AnswerBody
}

export interface Upstreams {
  /** Throws UPSTREAM_UNREACHABLE or UPSTREAM_REFUSED; the cause is for the operator's log. */
  send(target: HttpTargetDocument, request: UpstreamRequest): Promise<Answer>
  close(): Promise<void>
}

/** `environment`: where references to client certificates are looked up. `connectionsMax`: to each target. */
export function openUpstreams(
  environment: Environment = {},
  connectionsMax: number = limits.httpConnectionsPerTargetMax,
): Upstreams {
  const pools = new Map<string, Pool>()
  /** Of documents in use: what would be made of them anew for each request. */
  const places = new WeakMap<HttpTargetDocument['spec'], { readonly key: string }>()
  const placeOf = ({ spec }: HttpTargetDocument) => {
    const known = places.get(spec)
    if (known !== undefined) return known
    const { url, tls, network } = spec
    checkHost(new URL(url).hostname, network)
    const made = { key: JSON.stringify([url, tls, network]) }
    places.set(spec, made)
    return made
  }
  const poolOf = (target: HttpTargetDocument): Pool => {
    const { key } = placeOf(target)
    const known = pools.get(key)
    if (known !== undefined) return known
    // Of documents that changed the old pool goes when nothing uses it; it is bounded by how often documents change.
    if (pools.size >= poolsMax) closeOldest(pools)
    const made = newPool(target, environment, connectionsMax)
    pools.set(key, made)
    return made
  }
  return {
    async send(target, { method, path, fields, body, signal }) {
      placeOf(target)
      try {
        assert(isMethod(method), 'a method that was never judged')
        // An API that does not read such a body would take it for a request (THREATS ).
        const reset = body !== null && !/^(POST|PUT|PATCH)$/.test(method)
        return await answerTo(poolOf(target), { method, path, headers: rawFields(fields), body, reset }, signal)
      } catch (thrown) {
        throw upstreamError(target, thrown)
      }
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

function rawFields(fields: Fields): string[] {
  const raw: string[] = []
  for (const field of fields) raw.push(field[0], field[1])
  return raw
}

/** Settles with the head of the answer. Its body fails, and its connection ends, when `ends` says so. */
function answerTo(pool: Pool, request: Dispatcher.DispatchOptions, ends: Ends): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | null = null
    let body: AnswerBody | null = null
    const over = (error: unknown): void => {
      ends.removeEventListener('abort', ended)
      if (body === null) reject(error)
      else body.fail(error)
      // What of the request has not gone yet goes nowhere.
      if (request.body instanceof Readable) request.body.destroy()
    }
    const ended = (): void => {
      const reason = ends.reason instanceof Error ? ends.reason : new Error('the exchange is over')
      over(reason)
      controller?.abort(reason)
    }
    if (ends.aborted) return ended()
    ends.addEventListener('abort', ended)
    pool.dispatch(request, {
      onRequestStart(started) {
        controller = started
        if (ends.aborted) started.abort(new Error('the exchange is over'))
      },
      onResponseStart(started, status, headers) {
        // Of informational ones (RFC 9110, 15.2) nobody here asked for any.
        if (status < 200 || ends.aborted) return
        body = new AnswerBody(started)
        resolve({ status, fields: answerFields(headers), body })
      },
      onResponseData: (_, chunk) => body?.push(chunk),
      onResponseEnd() {
        ends.removeEventListener('abort', ended)
        body?.end()
      },
      onResponseError: (_, error) => over(error),
    })
  })
}

/** Pools of one agent: as many as targets, and a few that documents no longer name. */
const poolsMax = 1_000

function closeOldest(pools: Map<string, Pool>): void {
  for (const [key, pool] of pools) {
    pools.delete(key)
    void pool.close()
    return
  }
}

function newPool(target: HttpTargetDocument, environment: Environment, connectionsMax: number): Pool {
  const { url, tls, network } = target.spec
  const connect = {
    timeout: limits.upstreamConnectMsMax,
    rejectUnauthorized: true,
    lookup: checkedLookup(network),
    allowH2: false,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  }
  const { client } = tls
  return new Pool(new URL(url).origin, {
    connections: connectionsMax,
    pipelining: 1,
    headersTimeout: limits.httpAnswerMsMax,
    bodyTimeout: limits.httpIdleMsMax,
    keepAliveTimeout: 4_000,
    maxHeaderSize: limits.httpHeaderBytesMax,
    allowH2: false,
    connect: client === undefined ? connect : withCertificate(connect, client, environment, boundTo(target)),
  })
}

type ClientTls = NonNullable<HttpTargetDocument['spec']['tls']['client']>

function withCertificate(
  connect: buildConnector.BuildOptions,
  client: ClientTls,
  environment: Environment,
  bound: Bound,
): buildConnector.connector {
  return (options, callback) => {
    void clientCertificate(client, environment, bound)
      .then((shown) => buildConnector({ ...connect, ...shown })(options, callback))
      .catch((thrown: unknown) => callback(thrown instanceof Error ? thrown : new Error('no certificate'), null))
  }
}

/**
 * Read for each connection: they may have been renewed. Checked before they are used: meanwhile the one may be there before the
 * other. Throws CREDENTIAL_UNAVAILABLE.
 */
export async function clientCertificate(
  { certificate, key }: ClientTls,
  environment: Environment,
  bound: Bound,
): Promise<{ readonly cert: string; readonly key: string }> {
  const [first, second] = await Promise.all([
    resolveCredential(certificate, environment, bound),
    resolveCredential(key, environment, bound),
  ])
  const shown = { cert: first.reveal(), key: second.reveal() }
  try {
    createSecureContext(shown)
  } catch (cause) {
    throw new SallyportError('CREDENTIAL_UNAVAILABLE', 'the client certificate and its key cannot be used together', {
      cause,
      hint: 'the operator of the agent compares "tls.client" of the target with what lies at the agent',
    })
  }
  return shown
}

/** For `connect`: the permitted ones of all addresses of the name. */
export function checkedLookup(network: Network): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0)
      const permitted = found.filter(({ address }: LookupAddress) => isPermitted(address, network))
      const [first] = permitted
      if (first === undefined) return callback(Object.assign(addressRefused(host), { errno: 0 }), '', 0)
      if (options.all === true) return callback(null, permitted)
      return callback(null, first.address, first.family)
    })
  }
}

const isMethod = (method: string): method is Dispatcher.HttpMethod => /^[A-Z]{1,20}$/.test(method)

/** Of names and values that no caller could be given, nothing is left. */
function answerFields(headers: Readonly<Record<string, string | string[] | undefined>>): Fields {
  const fields: [string, string][] = []
  const add = (name: string, value: string): void => {
    if (isFieldName(name) && isAnswerValue(value)) fields.push([name.toLowerCase(), value])
  }
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string') add(name, value)
    else for (const one of value ?? []) add(name, one)
  }
  return fields
}

function upstreamError({ metadata }: HttpTargetDocument, thrown: unknown): SallyportError {
  if (thrown instanceof SallyportError) return thrown
  return new SallyportError('UPSTREAM_UNREACHABLE', `target "${metadata.name}" gave no answer`, {
    hint: 'try again; the operator of the agent finds the reason in its log',
    cause: thrown,
  })
}
