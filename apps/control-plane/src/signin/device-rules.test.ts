// Codes and the pace of the device login (THREATS ).
import { userCodeLetters } from '@sallyport/api/device'
import { expect, it } from 'vitest'
import { hostOf, judgePoll, pollMs, pollMsMax, shownUserCode, userCodeOf } from './device-rules.ts'

it('makes a code of eight letters, each as likely as another', () => {
  const counts = new Map<string, number>()
  for (let byte = 0; byte < 256; byte++) {
    const code = userCodeOf(new Uint8Array(8).fill(byte))
    if (code !== null) counts.set(code, (counts.get(code) ?? 0) + 1)
  }
  expect([...counts.keys()].map((code) => code[0]).sort()).toEqual([...userCodeLetters].sort())
  expect(new Set(counts.values())).toEqual(new Set([12]))
  expect(userCodeOf(new Uint8Array(20).fill(255))).toBeNull()
  expect(userCodeOf(new Uint8Array([250, 0, 1, 2, 3, 4, 5, 6, 7]))).toBe('BCDFGHJK')
  expect(shownUserCode('WDJBMJHT')).toBe('WDJB-MJHT')
})

it.each([
  ['build-7.example', 'build-7.example'],
  ['<b>x</b>\u202e', 'bxb'],
  ['', 'unnamed'],
  ['é', 'unnamed'],
  ['x'.repeat(64), 'x'.repeat(63)],
])('shows a machine that calls itself %j as %j', (said, shown) => expect(hostOf(said)).toBe(shown))

const at = (ms: number) => new Date(ms)
it.each([
  ['the first', { state: 'open', intervalMs: pollMs, lastPolledAt: null }, 'wait', pollMs],
  ['in time', { state: 'open', intervalMs: pollMs, lastPolledAt: at(5_000) }, 'wait', pollMs],
  ['a little early', { state: 'confirmed', intervalMs: pollMs, lastPolledAt: at(6_000) }, 'confirmed', pollMs],
  ['too early', { state: 'confirmed', intervalMs: pollMs, lastPolledAt: at(6_001) }, 'wait', 10_000],
  ['too early again', { state: 'open', intervalMs: 58_000, lastPolledAt: at(9_999) }, 'wait', pollMsMax],
  ['refused', { state: 'refused', intervalMs: pollMs, lastPolledAt: at(1) }, 'refused', pollMs],
  ['of a state that nobody knows', { state: 'other', intervalMs: pollMs, lastPolledAt: null }, 'wait', pollMs],
])('a poll that is %s', (_name, login, kind, intervalMs) =>
  expect(judgePoll(login, 10_000)).toEqual({ kind, intervalMs }),
)
