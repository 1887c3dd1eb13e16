// Which addresses a target's name may stand for.
import { expect, it } from 'vitest'
import { checkHost, isPermitted, type Network } from './address.ts'

it.each<[string, Network, boolean]>([
  ['93.184.216.34', 'public', true],
  ['2606:2800:220:1::1', 'public', true],
  ['10.0.0.1', 'public', false],
  ['10.0.0.1', 'private', true],
  ['192.168.1.1', 'private', true],
  ['172.16.0.1', 'loopback', true],
  ['100.64.0.1', 'public', false],
  ['fd12::1', 'private', true],
  ['127.0.0.1', 'public', false],
  ['127.0.0.1', 'private', false],
  ['127.0.0.1', 'loopback', true],
  ['::1', 'loopback', true],
  ['169.254.169.254', 'loopback', false],
  ['fe80::1', 'loopback', false],
  ['fd00:ec2::254', 'loopback', false],
  ['100.100.100.200', 'private', false],
  ['168.63.129.16', 'loopback', false],
  ['::ffff:127.0.0.1', 'loopback', false],
  ['::ffff:169.254.169.254', 'public', false],
  ['64:ff9b::a9fe:a9fe', 'public', false],
  ['2002:7f00:1::', 'public', false],
  ['0.0.0.0', 'loopback', false],
  ['::', 'loopback', false],
  ['224.0.0.1', 'loopback', false],
  ['255.255.255.255', 'loopback', false],
  ['not an address', 'loopback', false],
])('%s in a %s network: %s', (address, network, permitted) => {
  expect(isPermitted(address, network)).toBe(permitted)
})

it('a literal address is checked although nobody looks it up', () => {
  expect(() => checkHost('127.0.0.1', 'public')).toThrow('does not permit')
  expect(() => checkHost('[::1]', 'private')).toThrow('does not permit')
  expect(() => checkHost('api.example', 'public')).not.toThrow()
})
