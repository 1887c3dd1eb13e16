// Whether an address is one of those that something is good from.
import { BlockList, isIP } from 'node:net'

/** `sources` are addresses and networks (`10.0.0.0/8`); none means any. IPv4 on an IPv6 socket counts as IPv4. */
export function isFrom(sources: readonly string[], address: string): boolean {
  if (sources.length === 0) return true
  const plain = address.replace(/^::ffff:(?=[0-9.]+$)/i, '')
  const list = new BlockList()
  for (const source of sources) {
    const [network = '', bits] = source.split('/')
    const family = isIP(network) === 4 ? 'ipv4' : 'ipv6'
    if (bits === undefined) list.addAddress(network, family)
    else list.addSubnet(network, Number(bits), family)
  }
  return list.check(plain, isIP(plain) === 4 ? 'ipv4' : 'ipv6')
}
