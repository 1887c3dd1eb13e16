// What a ticket may say, how it stands, and who may end it. Pure.
import { SallyportError } from '@sallyport/base/errors'
import ipaddr from 'ipaddr.js'
import type { Actor } from '../http/actor.ts'

/** How a ticket stands at a moment. */
export function stateOf(
  ticket: { readonly expiresAt: Date; readonly revokedAt: Date | null; readonly usesLeft: number | null },
  nowMs: number,
): 'live' | 'expired' | 'revoked' | 'used' {
  if (ticket.revokedAt !== null) return 'revoked'
  if (ticket.expiresAt.getTime() <= nowMs) return 'expired'
  return ticket.usesLeft === 0 ? 'used' : 'live'
}

/** Addresses and networks as they were written. Throws REQUEST_INVALID. */
export function checkedSources(sources: readonly string[]): readonly string[] {
  for (const source of sources)
    if (!isSource(source))
      throw new SallyportError('REQUEST_INVALID', 'a source is no address and no network such as "10.0.0.0/8"')
  return sources
}

/** IPv4 in four decimal numbers, or IPv6 without a zone; either with a number of bits. */
function isSource(source: string): boolean {
  const [address = '', bits, ...more] = source.split('/')
  const isV4 = ipaddr.IPv4.isValidFourPartDecimal(address)
  const isV6 = address.includes(':') && !address.includes('%') && ipaddr.IPv6.isValid(address)
  const isPrefix = bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (isV4 ? 32 : 128))
  return (isV4 || isV6) && isPrefix && more.length === 0
}

/** Its owner, and administrators. */
export const mayRevoke = (actor: Actor, ticket: { readonly issuer: string; readonly subject: string }): boolean =>
  actor.roles.includes('admin') || (ticket.issuer === actor.issuer && ticket.subject === actor.subject)
