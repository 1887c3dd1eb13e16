// Where a webhook may go: a table of attacks (THREATS ), and what an operator can permit.
import { SallyportError } from '@sallyport/base/errors'
import { describe, expect, it } from 'vitest'
import { checkAddress, type Reach, webhookUrl } from './address.ts'

const strict: Reach = { networks: [], allowInsecureLoopback: false }
const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'permitted'
  } catch (thrown) {
    if (thrown instanceof SallyportError) return thrown.code
    throw thrown
  }
}
const urlCode = (url: string, reach: Reach = strict) => codeOf(() => webhookUrl(url, reach))
const addressCode = (address: string, reach: Reach = strict) =>
  codeOf(() => checkAddress(address, new URL('https://hooks.example.com/'), reach))

describe('an address', () => {
  it.each([
    'https://hooks.example.com/x',
    'https://hooks.example.com:8443/x?y=z',
    'https://93.184.216.34/x',
    'https://[2606:2800:220:1:248:1893:25c8:1946]/x',
  ])('%s is permitted', (url) => {
    expect(urlCode(url)).toBe('permitted')
  })

  it.each([
    'http://hooks.example.com/',
    'ftp://hooks.example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://user@hooks.example.com/',
    'https://user:secret@hooks.example.com/',
    'https://hooks.example.com/#x',
    'https://',
    'hooks.example.com',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://0/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/',
    'https://１２７.0.0.1/',
    `https://hooks.example.com/${'x'.repeat(2_048)}`,
  ])('%s is refused', (url) => {
    expect(urlCode(url)).toBe('WEBHOOK_FORBIDDEN')
  })
})

describe('what a name resolves to', () => {
  it.each(['93.184.216.34', '1.1.1.1', '2606:4700:4700::1111', '2a00:1450:4001:80b::200e'])('%s is permitted', (ip) => {
    expect(addressCode(ip)).toBe('permitted')
  })

  it.each([
    ['unspecified', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['loopback', '127.0.0.1'],
    ['all of loopback', '127.255.255.254'],
    ['private 10/8', '10.255.255.255'],
    ['private 172.16/12', '172.31.0.1'],
    ['private 192.168/16', '192.168.1.1'],
    ['link-local', '169.254.1.1'],
    ['metadata', '169.254.169.254'],
    ['metadata of containers', '169.254.170.2'],
    ['metadata in public space', '168.63.129.16'],
    ['CGNAT', '100.64.0.1'],
    ['metadata in CGNAT', '100.100.100.200'],
    ['multicast', '224.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['reserved', '240.0.0.1'],
    ['benchmarking', '198.18.0.1'],
    ['documentation', '203.0.113.9'],
    ['IETF protocols', '192.0.0.192'],
    ['IPv6 unspecified', '::'],
    ['IPv6 loopback', '::1'],
    ['IPv6 link-local', 'fe80::1'],
    ['IPv6 unique local', 'fd12:3456::1'],
    ['IPv6 metadata', 'fd00:ec2::254'],
    ['IPv6 site-local', 'fec0::1'],
    ['IPv6 multicast', 'ff02::1'],
    ['IPv4-mapped', '::ffff:127.0.0.1'],
    ['IPv4-mapped and public', '::ffff:93.184.216.34'],
    ['IPv4-compatible', '::127.0.0.1'],
    ['IPv4-translated', '::ffff:0:7f00:1'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['local NAT64', '64:ff9b:1::7f00:1'],
    ['6to4', '2002:7f00:1::'],
    ['Teredo', '2001:0:4136:e378::1'],
    ['documentation of IPv6', '2001:db8::1'],
    ['not routed', '4000::1'],
    ['a zone', 'fe80::1%eth0'],
    ['no address', 'localhost'],
  ])('%s is refused: %s', (_what, ip) => {
    expect(addressCode(ip)).toBe('WEBHOOK_FORBIDDEN')
  })

  it('may be private where an operator named the network, and there alone', () => {
    const reach = { networks: ['10.1.0.0/16', '::/0', '0.0.0.0/0'], allowInsecureLoopback: false }
    expect(addressCode('10.1.2.3', reach)).toBe('permitted')
    expect(addressCode('10.2.0.1', { ...reach, networks: ['10.1.0.0/16'] })).toBe('WEBHOOK_FORBIDDEN')
    expect(addressCode('10.1.2.3', { ...reach, networks: ['fd00::/8'] })).toBe('WEBHOOK_FORBIDDEN')
    // Not even then: these give credentials away, or hide what they are.
    for (const ip of ['169.254.169.254', 'fd00:ec2::254', '::ffff:10.1.2.3', '64:ff9b::a01:203', '2002:a01:203::'])
      expect(addressCode(ip, reach), ip).toBe('WEBHOOK_FORBIDDEN')
  })

  it('may be reached without TLS only on this machine, in a named network, where the operator allowed it', () => {
    const reach = { networks: ['127.0.0.0/8', '10.0.0.0/8'], allowInsecureLoopback: true }
    expect(urlCode('http://127.0.0.1:9/', reach)).toBe('permitted')
    expect(urlCode('http://10.0.0.1/', reach)).toBe('WEBHOOK_FORBIDDEN')
    expect(urlCode('http://127.0.0.1:9/', { ...reach, allowInsecureLoopback: false })).toBe('WEBHOOK_FORBIDDEN')
    expect(urlCode('http://127.0.0.1:9/', { ...reach, networks: [] })).toBe('WEBHOOK_FORBIDDEN')
    const plain = new URL('http://hooks.example.com/')
    expect(codeOf(() => checkAddress('93.184.216.34', plain, reach))).toBe('WEBHOOK_FORBIDDEN')
    expect(codeOf(() => checkAddress('127.0.0.1', plain, reach))).toBe('permitted')
  })
})
