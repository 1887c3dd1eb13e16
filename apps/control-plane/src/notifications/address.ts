// Which addresses a webhook may reach (THREATS ): public ones, and those of networks that the operator named.
// Pure; the address that was checked here is the one that is dialled, and none is looked up again.
import { SallyportError } from '@sallyport/base/errors'
import ipaddr from 'ipaddr.js'

export interface Reach {
  /** Networks (CIDR) that are permitted although they are private. */
  readonly networks: readonly string[]
  /** Plain http to addresses of this machine that a network permits. */
  readonly allowInsecureLoopback: boolean
}

export interface WebhookUrl {
  readonly url: URL
  /** Host without the brackets of an IPv6 address. */
  readonly host: string
}

export const urlCharsMax = 2_048

const forbidden = (message: string, hint?: string): SallyportError =>
  new SallyportError('WEBHOOK_FORBIDDEN', message, hint === undefined ? {} : { hint })

/** The parsed address. Throws WEBHOOK_FORBIDDEN for everything that is not https without credentials. */
export function webhookUrl(text: string, reach: Reach): WebhookUrl {
  if (text.length > urlCharsMax || !URL.canParse(text)) throw forbidden('the address is no URL')
  const url = new URL(text)
  const mayBePlain = reach.allowInsecureLoopback && url.protocol === 'http:'
  if (url.protocol !== 'https:' && !mayBePlain) throw forbidden('the address must be https')
  if (url.username !== '' || url.password !== '') throw forbidden('the address holds credentials')
  if (url.hash !== '') throw forbidden('the address holds a fragment')
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  // The URL parser turns every spelling of an IPv4 address (decimal, octal, short) into four decimal numbers.
  if (host === '' || host.includes('%')) throw forbidden('the address has no host')
  if (ipaddr.isValid(host)) checkAddress(host, url, reach)
  return { url, host }
}

/** Addresses that give credentials to whoever asks, in clouds; no network permits them. */
const metadata = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
])

/** Throws WEBHOOK_FORBIDDEN unless this address may be dialled for this URL. */
export function checkAddress(address: string, url: URL, reach: Reach): void {
  const hint = 'an operator permits networks with SALLYPORT_WEBHOOK_NETWORKS'
  if (!ipaddr.isValid(address)) throw forbidden('the host has no address that we can read')
  const parsed = ipaddr.parse(address)
  const range = parsed.range()
  if (metadata.has(parsed.toString())) throw forbidden('the address is a metadata service')
  const isNamed = reach.networks.some((network) => isIn(parsed, network))
  if (url.protocol === 'http:' && !(isNamed && range === 'loopback'))
    throw forbidden('plain http is for addresses of this machine in a permitted network', hint)
  // Forms that wrap an IPv4 address are refused whatever they wrap, even where their network is named.
  if (wrapped.has(range)) throw forbidden('the address hides another one', hint)
  if (isNamed) return
  if (range !== 'unicast' || !isGlobal(parsed)) throw forbidden('the address is not a public one', hint)
}

const wrapped: ReadonlySet<string> = new Set(['ipv4Mapped', 'rfc6145', 'rfc6052', '6to4', 'teredo'])

type Address = ReturnType<typeof ipaddr.parse>

function isIn(address: Address, network: string): boolean {
  const [base, bits] = ipaddr.parseCIDR(network)
  return address.kind() === base.kind() && address.match(base, bits)
}

/** Of IPv6 only 2000::/3 is routed between networks (IANA); the rest is reserved or wraps something. */
const isGlobal = (address: Address): boolean => address.kind() === 'ipv4' || isIn(address, '2000::/3')
