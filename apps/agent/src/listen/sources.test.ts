// Which addresses are inside which networks.
import { expect, test } from 'vitest'
import { isFrom } from './sources.ts'

test.each<[string, readonly string[], string, boolean]>([
  ['any', [], '192.0.2.7', true],
  ['the address', ['192.0.2.7'], '192.0.2.7', true],
  ['another address', ['192.0.2.8'], '192.0.2.7', false],
  ['a network', ['10.0.0.0/8', '192.0.2.0/24'], '192.0.2.7', true],
  ['an IPv4 address on an IPv6 socket', ['192.0.2.0/24'], '::ffff:192.0.2.7', true],
  ['an IPv6 network', ['2001:db8::/32'], '2001:db8::7', true],
  ['another family', ['2001:db8::/32'], '192.0.2.7', false],
])('sources: %s', (_, sources, from, expected) => {
  expect(isFrom(sources, from)).toBe(expected)
})
