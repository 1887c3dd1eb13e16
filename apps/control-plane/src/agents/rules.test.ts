// Names in certificates, addresses, states: each allowed form once, then each way to be wrong.
import { SallyportError } from '@sallyport/base/errors'
import { expect, test } from 'vitest'
import {
  certificateName,
  checkAdvertise,
  checkedVersion,
  checkServerNames,
  hostOf,
  onlineMs,
  retiredName,
  serverNamesMax,
  shownName,
  stateOf,
  takenNames,
} from './rules.ts'

test.each([
  ['db.example.com', { type: 'dns', value: 'db.example.com' }],
  ['DB.Example.com', { type: 'dns', value: 'db.example.com' }],
  ['localhost', { type: 'dns', value: 'localhost' }],
  ['10.0.0.7', { type: 'ip', value: '10.0.0.7' }],
  ['2001:DB8:0:0::1', { type: 'ip', value: '2001:db8::1' }],
  ['[::1]', { type: 'ip', value: '::1' }],
  ['', undefined],
  ['*.example.com', undefined],
  ['example.com.', undefined],
  ['-a.example', undefined],
  ['a_b.example', undefined],
  ['a b', undefined],
  ['a,DNS:evil.example', undefined],
  ['a\u0000.example', undefined],
  ['exämple.com', undefined],
  ['1.2.3', undefined],
  ['10.0.0.256', undefined],
  ['010.0.0.1', undefined],
  ['0x7f.1', undefined],
  ['fe80::1%eth0', undefined],
  [':::', undefined],
  ['spiffe://sallyport/test/control-plane', undefined],
  [`${'a'.repeat(63)}.example`, { type: 'dns', value: `${'a'.repeat(63)}.example` }],
  [`${'a'.repeat(64)}.example`, undefined],
  [`${'a.'.repeat(126)}bc`, undefined],
])('%j in a certificate is %j', (text, name) => {
  expect(certificateName(text)).toEqual(name)
})

test('names are taken once each, up to the limit and not past it', () => {
  const names = Array.from({ length: serverNamesMax }, (_, at) => `n${at}.example`)
  expect(checkServerNames([...names.slice(1), 'N1.example'], new Set())).toHaveLength(serverNamesMax - 1)
  expect(checkServerNames(names, new Set())).toHaveLength(serverNamesMax)
  expect(() => checkServerNames([...names, 'one.more'], new Set())).toThrow(SallyportError)
})

test('a name that is taken is refused; loopback is free for all', () => {
  const taken = new Set(['control.example', 'localhost', '127.0.0.1', '10.0.0.1'])
  expect(checkServerNames(['localhost', '127.0.0.1'], taken)).toHaveLength(2)
  for (const name of ['control.example', 'Control.Example', '10.0.0.1'])
    expect(() => checkServerNames([name], taken)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
})

const named = (id: string, serverNames: string[], advertise = '', advertiseHttp = '') => ({
  id,
  serverNames,
  advertise,
  advertiseHttp,
})

test.each([
  ['of certificates', named('b', ['b.example', 'api.b.example'], 'other.example:1'), ['b.example', 'api.b.example']],
  [
    'of a former release: where it is reached',
    named('b', [], 'B.example:1', 'api.b.example:2'),
    ['b.example', 'api.b.example'],
  ],
])('names are taken by other agents: %s', (_what, other, taken) => {
  for (const agents of [[other], [other, named('a', ['a.example'])]])
    expect(takenNames(agents, 'a', ['Control.example'])).toEqual(new Set([...taken, 'control.example']))
})

test('what an agent has it keeps, whoever says that they are reached there', () => {
  const own = named('a', ['a.example', 'shared.example'])
  const others = [named('b', [], 'a.example:1'), named('c', ['shared.example', 'c.example'], 'a.example:1')]
  expect(takenNames([own, ...others], 'a', [])).toEqual(new Set(['c.example']))
  // Enrolled before names were kept: only where others are reached counts, as it did.
  expect(takenNames([named('a', []), named('b', ['x.example'], 'b.example:1', 'y.example:2')], 'a', [])).toEqual(
    new Set(['b.example']),
  )
})

test.each([
  ['db.example:6432', 'db.example'],
  ['[2001:db8::1]:6432', '2001:db8::1'],
  ['db.example', undefined],
  ['a:b:1', undefined],
])('the host of %j is %j', (address, host) => {
  expect(hostOf(address)).toBe(host)
})

test.each(['db.example:0', 'db.example:65536', 'db.example', ':1', ''])('%j is no address to advertise', (address) => {
  expect(() => checkAdvertise(address)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
})

test('a version that is none is not shown', () => {
  expect(['1.2.3-rc.1+x', '<b>', '', 'v'.repeat(65)].map(checkedVersion)).toEqual([
    '1.2.3-rc.1+x',
    'unknown',
    'unknown',
    'unknown',
  ])
})

test('an agent is online until it is not heard of for three heartbeats', () => {
  const lastSeenAt = new Date(1_000)
  expect(stateOf({ revokedAt: null, lastSeenAt }, 1_000 + onlineMs - 1)).toBe('online')
  expect(stateOf({ revokedAt: null, lastSeenAt }, 1_000 + onlineMs)).toBe('offline')
  expect(stateOf({ revokedAt: null, lastSeenAt: null }, 0)).toBe('offline')
  expect(stateOf({ revokedAt: new Date(0), lastSeenAt }, 1_000)).toBe('revoked')
})

test('a retired name shows as what it was', () => {
  expect(shownName(retiredName('eu-1', 'ab'.repeat(16)))).toBe('eu-1')
  expect(shownName('eu-1')).toBe('eu-1')
})
