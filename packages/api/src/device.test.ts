// Codes that people read and type.
import { expect, it } from 'vitest'
import { readUserCode } from './device.ts'

it.each([
  ['WDJB-MJHT', 'WDJBMJHT'],
  [' wdjb mjht ', 'WDJBMJHT'],
  ['WDJBMJHT', 'WDJBMJHT'],
  ['WDJB-MJH', null],
  ['WDJB-MJHTX', null],
  ['WDJB-MJHA', null],
  ['WDJB_MJHT', null],
  ['', null],
])('reads the code %j as %j', (text, code) => expect(readUserCode(text)).toBe(code))
