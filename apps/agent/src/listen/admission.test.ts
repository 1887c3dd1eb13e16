// Each cap at its limit and one past it, and how long refused logins of one address wait (THREATS ).
import { limits } from '@sallyport/base/limits'
import { expect, test } from 'vitest'
import { type Admission, type AdmissionCaps, createAdmission, type Entered, placeOf } from './admission.ts'
import { listenerBounds } from './deps.ts'

const memory = { isFull: false }
const admissionOf = (caps: Partial<AdmissionCaps>, nowMs = () => 0): Admission =>
  createAdmission({ ...listenerBounds, ...caps }, memory, nowMs)

function entered(admission: Admission, address = 'a'): Entered {
  const one = admission.enter(address)
  if (typeof one === 'string') throw new Error(one)
  return one
}

test('connections in all are as many as there may be, logged in or not, until one is gone', () => {
  const admission = admissionOf({ connectionsMax: 2 })
  const first = entered(admission, 'a')
  first.authenticated()
  entered(admission, 'b').authenticated()
  expect(admission.enter('c')).toContain('as many connections as it admits')
  first.leave()
  const third = entered(admission, 'c')
  expect(admission.enter('d')).toContain('as many connections as it admits')
  third.leave()
  entered(admission, 'd')
})

test('connections that have not logged in are as many as there may be, until one has or is gone', () => {
  const admission = admissionOf({ preAuthConnectionsMax: 2 })
  const first = entered(admission, 'a')
  const second = entered(admission, 'b')
  expect(admission.enter('c')).toContain('as many connections as it admits')
  first.authenticated()
  // Said twice, it counts once.
  first.authenticated()
  entered(admission, 'c')
  expect(admission.enter('d')).toContain('as many connections as it admits')
  second.leave()
  entered(admission, 'd')
})

test('of one address as many wait as may, and those of others are let in', () => {
  const admission = admissionOf({ preAuthPerAddressMax: 2 })
  const first = entered(admission)
  entered(admission)
  expect(admission.enter('a')).toContain('from this address')
  entered(admission, 'b')
  first.authenticated()
  entered(admission)
  expect(admission.enter('a')).toContain('from this address')
})

test('without memory nobody else is let in', () => {
  const admission = admissionOf({})
  memory.isFull = true
  expect(admission.enter('a')).toContain('no memory')
  memory.isFull = false
  entered(admission)
})

test('refused logins of one address wait once there were many within a minute, and those of others do not', () => {
  let now = 0
  const admission = admissionOf({ refusedLoginsPerMinuteMax: 2, refusedLoginMsMin: 7 }, () => now)
  const waits = (address: string): number => entered(admission, address).refused()
  expect(['a', 'a', 'a', 'b', 'a'].map(waits)).toEqual([0, 0, 7, 0, 7])
  now = 59_999
  expect(waits('a')).toBe(7)
  now = 60_000
  expect(['a', 'a', 'a'].map(waits)).toEqual([0, 0, 7])
  // Also where the clock has gone back.
  now = -1
  expect(waits('a')).toBe(0)
})

test('of the addresses that are counted the oldest is forgotten first', () => {
  const admission = admissionOf({ refusedLoginsPerMinuteMax: 1, refusedLoginMsMin: 7 })
  const waits = (address: string): number => {
    const one = entered(admission, address)
    const ms = one.refused()
    one.leave()
    return ms
  }
  expect([waits('first'), waits('second')]).toEqual([0, 0])
  for (let at = 0; at < limits.refusedLoginAddressesMax - 2; at++) waits(`${at}`)
  expect([waits('first'), waits('second')]).toEqual([7, 7])
  waits('one more')
  expect([waits('second'), waits('first')]).toEqual([7, 0])
})

test('a network of IPv6 counts as one address: whoever has one of it has all', () => {
  const admission = admissionOf({ preAuthPerAddressMax: 1, refusedLoginsPerMinuteMax: 1, refusedLoginMsMin: 7 })
  const first = entered(admission, '2001:db8:0:1::1')
  expect(first.refused()).toBe(0)
  expect(admission.enter('2001:db8:0:1:ffff::2')).toContain('from this address')
  first.leave()
  expect(entered(admission, '2001:db8:0:1::3').refused()).toBe(7)
  expect(entered(admission, '2001:db8:0:2::1').refused()).toBe(0)
})

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['64:ff9b::c000:201', '64:ff9b::c000:201'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64'],
  ['2001:db8::', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', ''],
])('%j counts as %j', (address, place) => {
  expect(placeOf(address)).toBe(place)
})
