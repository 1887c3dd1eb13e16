// The handshake with a target: to the address that was checked, with TLS verified as for requests, without extensions and without
// following redirects. The library verifies `Sec-WebSocket-Accept`, and that the subprotocol is one that was offered (RFC 6455, 4.1).
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { HttpTargetDocument } from '@sallyport/policy/document'
import type { Fields } from '@sallyport/wire/http/fields'
import { WebSocket } from 'ws'
import { boundTo, type CredentialSources } from '../secrets/broker.ts'
import { checkHost } from './address.ts'
import { checkedLookup, clientCertificate } from './upstream.ts'

/** Of both sides. */
export const webSocketBounds = {
  perMessageDeflate: false,
  autoPong: false,
  maxPayload: limits.webSocketMessageBytesMax,
  // Which the types of the library leave out.
  closeTimeout: limits.webSocketCloseMsMax,
  // Each piece of a message has memory of its own, however small it is.
  maxFragments: limits.webSocketFragmentsMax,
  maxBufferedChunks: limits.webSocketChunksMax,
}

export interface Dialling {
  /** Path and query as they are sent. */
  readonly path: string
  readonly fields: Fields
  readonly protocols: readonly string[]
  readonly environment: CredentialSources
  readonly signal: AbortSignal
}

/** `refused`: an answer other than 101. */
export type Dialled =
  | { readonly kind: 'open'; readonly target: WebSocket }
  | { readonly kind: 'refused'; readonly status: number }

/** Throws UPSTREAM_UNREACHABLE or CREDENTIAL_UNAVAILABLE; the cause is for the operator's log. */
export async function dialWebSocket(document: HttpTargetDocument, dialling: Dialling): Promise<Dialled> {
  const { url, network } = document.spec
  checkHost(new URL(url).hostname, network)
  const { origin } = new URL(url)
  const address = new URL(`${origin.replace(/^http/, 'ws')}${dialling.path}`)
  const options = await optionsFor(document, dialling)
  dialling.signal.throwIfAborted()
  const target = new WebSocket(address, [...dialling.protocols], options)
  try {
    return await opened(target, dialling.signal)
  } catch (cause) {
    target.terminate()
    if (cause instanceof SallyportError) throw cause
    throw new SallyportError('UPSTREAM_UNREACHABLE', `target "${document.metadata.name}" opened no WebSocket`, {
      hint: 'try again; the operator of the agent finds the reason in its log',
      cause,
    })
  }
}

/** As for the request that it is; `lookup` is Node's, which the types of the library leave out. */
async function optionsFor(document: HttpTargetDocument, { fields, environment }: Dialling) {
  const { tls, network } = document.spec
  const shown = tls.client === undefined ? {} : await clientCertificate(tls.client, environment, boundTo(document))
  return {
    headers: byName(fields),
    ...webSocketBounds,
    followRedirects: false,
    handshakeTimeout: limits.upstreamConnectMsMax,
    rejectUnauthorized: true,
    lookup: checkedLookup(network),
    maxHeaderSize: limits.httpHeaderBytesMax,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    ...shown,
  }
}

async function opened(target: WebSocket, signal: AbortSignal): Promise<Dialled> {
  return await new Promise<Dialled>((resolve, reject) => {
    const stop = (): void => reject(new SallyportError('SESSION_ENDED', 'the session was ended'))
    signal.addEventListener('abort', stop, { once: true })
    target.on('error', reject)
    target.once('open', () => {
      signal.removeEventListener('abort', stop)
      // What comes before anybody listens waits.
      target.pause()
      resolve({ kind: 'open', target })
    })
    target.once('unexpected-response', (request, response) => {
      request.destroy()
      resolve({ kind: 'refused', status: response.statusCode ?? 0 })
    })
  })
}

/** Several lines of one name are one list (RFC 9110, 5.3). */
function byName(fields: Fields): Record<string, string> {
  const all: Record<string, string> = {}
  for (const [name, value] of fields) {
    const before = Object.hasOwn(all, name) ? all[name] : undefined
    all[name] = before === undefined ? value : `${before}, ${value}`
  }
  return all
}
