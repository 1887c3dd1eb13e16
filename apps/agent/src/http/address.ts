// Which addresses the name of a target may stand for (THREATS ). The address that is checked here is the one that is
// dialled: it comes out of the look-up of the connection itself (upstream.ts).
import { SallyportError } from '@sallyport/base/errors'
import ipaddr from 'ipaddr.js'

/** What a target's document permits beside public addresses. */
export type Network = 'public' | 'private' | 'loopback'

const permittedRanges: Readonly<Record<Network, ReadonlySet<string>>> = {
  public: new Set(),
  private: new Set(['private', 'uniqueLocal', 'carrierGradeNat']),
  loopback: new Set(['private', 'uniqueLocal', 'carrierGradeNat', 'loopback']),
}

/** Metadata services outside the link-local range; no document permits them. */
const metadata: ReadonlySet<string> = new Set([
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
])

/** Forms that wrap an IPv4 address, link-local, multicast and reserved ones are never permitted. */
export function isPermitted(address: string, network: Network): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.parse(address)
  if (metadata.has(parsed.toString())) return false
  const range = parsed.range()
  if (permittedRanges[network].has(range)) return true
  // Of IPv6 only 2000::/3 is routed between networks.
  return range === 'unicast' && (parsed.kind() === 'ipv4' || parsed.match(ipaddr.parse('2000::'), 3))
}

/** For a name, or an address, that none of them is permitted for. */
export const addressRefused = (host: string): SallyportError =>
  new SallyportError('UPSTREAM_UNREACHABLE', `"${host}" stands for an address that its target does not permit`, {
    hint: 'see "network" of the target',
  })

/** A literal address is never looked up, so it is checked before anything connects. Throws UPSTREAM_UNREACHABLE. */
export function checkHost(host: string, network: Network): void {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  if (ipaddr.isValid(bare) && !isPermitted(bare, network)) throw addressRefused(host)
}
