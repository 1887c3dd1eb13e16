// One attempt to deliver: the host is looked up once, every address is checked, and the connection goes to an address that was
// checked (THREATS ). No redirect is followed and nothing of the answer is read but its status.
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { Agent, buildConnector, request } from 'undici'
import { checkAddress, type Reach, type WebhookUrl, webhookUrl } from './address.ts'

/** All addresses of a name. */
export type Lookup = (host: string) => Promise<readonly { readonly address: string }[]>

export interface Sender {
  readonly reach: Reach
  readonly lookup: Lookup
  /** Certificates (PEM) to trust instead of the system's. */
  readonly ca?: string | undefined
}

export const sendErrors = [
  'dns-failed',
  'address-forbidden',
  'tls-failed',
  'unreachable',
  'timeout',
  'redirect',
  'status',
  'secret-unreadable',
  'webhook-disabled',
] as const
export type SendError = (typeof sendErrors)[number]

export type Sent =
  | { readonly kind: 'delivered'; readonly status: number }
  | { readonly kind: 'failed'; readonly status: number | null; readonly error: SendError }

export interface Outgoing {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const failed = (error: SendError, status: number | null = null): Sent => ({ kind: 'failed', status, error })

/** Sends once, within limits.webhookMsMax in all. Never throws. */
export async function send(sender: Sender, outgoing: Outgoing): Promise<Sent> {
  const signal = AbortSignal.timeout(limits.webhookMsMax)
  try {
    const target = webhookUrl(outgoing.url, sender.reach)
    const address = await dialledAddress(sender, target, signal)
    return statusOf(await post(sender, target, address, outgoing, signal))
  } catch (thrown) {
    return failed(errorOf(thrown, signal))
  }
}

/** The first address of the host; all of them must be permitted, so that no order of answers decides. */
export async function dialledAddress(sender: Sender, { url, host }: WebhookUrl, signal: AbortSignal): Promise<string> {
  const found = await Promise.race([sender.lookup(host), aborted(signal)]).catch((cause: unknown) => {
    if (signal.aborted) throw cause
    throw new LookupFailed('the host has no address', { cause })
  })
  const [first] = found
  if (first === undefined) throw new LookupFailed('the host has no address')
  for (const { address } of found) checkAddress(address, url, sender.reach)
  return first.address
}

class LookupFailed extends Error {}

const aborted = async (signal: AbortSignal): Promise<never> =>
  await new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

async function post(
  sender: Sender,
  { url, host }: WebhookUrl,
  address: string,
  outgoing: Outgoing,
  signal: AbortSignal,
): Promise<number> {
  const { ca } = sender
  const connector = buildConnector({ timeout: limits.webhookMsMax, ...(ca === undefined ? {} : { ca }) })
  // RFC 6066 §3: no server name for a literal address; the certificate is then checked against the address.
  const servername = address === host ? '' : host
  const agent = new Agent({
    pipelining: 0,
    // Whatever undici would look up, this address is dialled.
    connect: (options, callback) => connector({ ...options, hostname: address, servername }, callback),
  })
  try {
    const answer = await request(url, {
      method: 'POST',
      dispatcher: agent,
      headers: { ...outgoing.headers, 'content-type': 'application/json', 'user-agent': 'sallyport-webhooks/1' },
      body: outgoing.body,
      signal,
    })
    answer.body.on('error', () => undefined).destroy()
    return answer.statusCode
  } finally {
    await agent.destroy()
  }
}

function statusOf(status: number): Sent {
  if (status >= 200 && status < 300) return { kind: 'delivered', status }
  return failed(status >= 300 && status < 400 ? 'redirect' : 'status', status)
}

const codeOf = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : ''

function errorOf(thrown: unknown, signal: AbortSignal): SendError {
  if (thrown instanceof SallyportError) return 'address-forbidden'
  if (thrown instanceof LookupFailed) return 'dns-failed'
  const code = codeOf(thrown)
  if (signal.aborted || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT') return 'timeout'
  return /^ERR_TLS|CERT|SSL|SELF_SIGNED|UNABLE_TO_/.test(code) ? 'tls-failed' : 'unreachable'
}
