// How the control plane reaches issuers that documents name: https to public addresses and networks that the operator named,
// no redirects, short time, small answers (THREATS ). The address that was checked is the one that is dialled.
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns'
import { SallyportError } from '@sallyport/base/errors'
import ipaddr from 'ipaddr.js'
import { Agent, fetch } from 'undici'
import { type Config, isAllowedUrl } from '../config.ts'
import { checkAddress, type Reach } from '../notifications/address.ts'

/** Time for one answer, in milliseconds, and its size, in bytes. */
export const issuerAnswerMsMax = 5_000
export const issuerAnswerBytesMax = 262_144

export interface IssuerRequest {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
}

/** Sends one request and returns the answer's status and text. Throws UPSTREAM_UNREACHABLE or REQUEST_INVALID. */
export type IssuerFetch = (address: string, request: IssuerRequest) => Promise<{ status: number; text: string }>

/** Where issuers may be: in public, in networks that the operator named, and on this machine where plain http is allowed. */
export const issuerReachOf = (config: Pick<Config, 'issuerNetworks' | 'allowInsecureLoopback'>): Reach => ({
  networks: [...config.issuerNetworks, ...(config.allowInsecureLoopback ? ['127.0.0.0/8', '::1/128'] : [])],
  allowInsecureLoopback: config.allowInsecureLoopback,
})

const networksHint = 'an operator permits private networks with SALLYPORT_ISSUER_NETWORKS'

export function createIssuerFetch(reach: Reach): IssuerFetch {
  return async (address, request) => {
    const url = URL.canParse(address) ? new URL(address) : undefined
    if (url === undefined || url.username !== '' || !isAllowedUrl(url, reach.allowInsecureLoopback))
      throw new SallyportError('REQUEST_INVALID', `"${address}" is not an https address`)
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    if (ipaddr.isValid(host)) checkReach(host, url, reach)
    // One connection for one answer: keys are asked for every few minutes.
    const agent = new Agent({ pipelining: 0, connect: { lookup: checkedLookup(url, reach) } })
    try {
      const response = await fetch(url, {
        ...request,
        redirect: 'error',
        dispatcher: agent,
        signal: AbortSignal.timeout(issuerAnswerMsMax),
      })
      return { status: response.status, text: await readSmall(response.body ?? [], url) }
    } catch (cause) {
      throw reasonOf(cause, url)
    } finally {
      await agent.destroy()
    }
  }
}

/** Throws REQUEST_INVALID with what the check of webhooks says. */
function checkReach(address: string, url: URL, reach: Reach): void {
  try {
    checkAddress(address, url, reach)
  } catch (cause) {
    const why = cause instanceof SallyportError ? cause.message : 'it cannot be read'
    throw new SallyportError('REQUEST_INVALID', `"${url.host}" may not be asked for keys: ${why}`, {
      cause,
      hint: networksHint,
    })
  }
}

type Looked = (error: Error | null, address: string | LookupAddress[], family?: number) => void

/** All addresses of a name must be permitted, so that no order of answers decides. */
const checkedLookup =
  (url: URL, reach: Reach) =>
  (host: string, options: LookupOptions, callback: Looked): void => {
    lookup(host, { ...options, all: true }, (error, found) => {
      const [first] = found ?? []
      if (error !== null || first === undefined) return callback(error ?? new Error('no address'), [])
      try {
        for (const { address } of found) checkReach(address, url, reach)
      } catch (thrown) {
        return callback(thrown instanceof Error ? thrown : new Error('no address'), [])
      }
      if (options.all === true) callback(null, [first])
      else callback(null, first.address, first.family)
    })
  }

async function readSmall(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, url: URL): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > issuerAnswerBytesMax) throw unreachable(url, 'the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export const unreachable = (url: URL | string, why: string, cause?: unknown): SallyportError =>
  new SallyportError('UPSTREAM_UNREACHABLE', `cannot fetch "${String(url)}": ${why}`, { cause })

/** What the look-up has refused comes wrapped. */
function reasonOf(thrown: unknown, url: URL): SallyportError {
  for (let error = thrown; error instanceof Error; error = error.cause)
    if (error instanceof SallyportError) return error
  return unreachable(url, 'no answer', thrown)
}
