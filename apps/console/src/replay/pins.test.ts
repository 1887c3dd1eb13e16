// Pinned record keys: what a person pastes, and what a browser keeps.
import { expect, test } from 'vitest'
import { fingerprintOf, pinnedKeys, pinOf, setPin } from './pins.ts'

const hex = 'ab'.repeat(32)

test.each([
  [hex, hex],
  [` ${hex.toUpperCase()}\n`, hex],
  [`sha256:${hex}`, hex],
  [hex.match(/../g)?.join(':') ?? '', hex],
  [hex.match(/.{8}/g)?.join(' ') ?? '', hex],
  [hex.slice(2), null],
  [`${hex}00`, null],
  ['', null],
])('"%s" is read', (text, fingerprint) => {
  expect(fingerprintOf(text)).toBe(fingerprint)
})

function memory(): Storage {
  const kept = new Map<string, string>()
  return {
    length: 0,
    clear: () => kept.clear(),
    key: () => null,
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  }
}

test('a pin is kept for its agent alone, and can be forgotten', () => {
  const storage = memory()
  setPin(storage, 'a', hex)
  expect(pinnedKeys(storage, 'a')).toEqual([{ fingerprint: hex, agent: 'a' }])
  expect(pinnedKeys(storage, 'b')).toEqual([])
  setPin(storage, 'a', null)
  expect(pinOf(storage, 'a')).toBeNull()
})

test('spoilt storage holds no pin', () => {
  const storage = memory()
  storage.setItem('sallyport-record-keys', '{')
  expect(pinOf(storage, 'a')).toBeNull()
  storage.setItem('sallyport-record-keys', '[1]')
  expect(pinOf(storage, 'a')).toBeNull()
})
