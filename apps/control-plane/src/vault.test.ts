// The vault: what it seals opens again in its place under its key, and nowhere else.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openVault } from './vault.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-vault-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const plain = Buffer.from('a secret of some length')

it('opens what it sealed, after a restart too', () => {
  const sealed = openVault(directory).seal('webhook 1', plain)
  const apart = openVault(directory).sealApart('hold 1', plain)
  expect(text(openVault(directory).open('webhook 1', sealed))).toBe(text(plain))
  expect(text(openVault(directory).openApart('hold 1', apart.sealed, apart.key))).toBe(text(plain))
  expect(text(sealed) + text(apart.sealed)).not.toContain('secret')
})

it('keeps its key for this user alone, and leaves no draft', () => {
  openVault(directory)
  expect(readdirSync(directory)).toEqual(['store-key'])
  expect(statSync(join(directory, 'store-key')).mode & 0o777).toBe(0o600)
})

it('refuses a key that others can read, or that is not whole', () => {
  writeFileSync(join(directory, 'store-key'), 'short', { mode: 0o600 })
  expect(() => openVault(directory)).toThrow(/does not hold the key/)
  rmSync(join(directory, 'store-key'))
  writeFileSync(join(directory, 'store-key'), Buffer.alloc(32), { mode: 0o644 })
  expect(() => openVault(directory)).toThrow(/others can read/)
})

it('opens nothing in another place, under another key, changed, or cut', () => {
  const vault = openVault(directory)
  const sealed = vault.seal('webhook 1', plain)
  const apart = vault.sealApart('hold 1', plain)
  const other = mkdtempSync(join(tmpdir(), 'sallyport-vault-'))
  const flipped = Uint8Array.from(sealed, (byte, index) => (index === sealed.length - 1 ? byte ^ 1 : byte))
  expect(() => vault.open('webhook 2', sealed)).toThrow(/not sealed/)
  expect(() => openVault(other).open('webhook 1', sealed)).toThrow(/not sealed/)
  expect(() => vault.open('webhook 1', flipped)).toThrow(/not sealed/)
  for (const length of [0, 5, 12, 20, 27]) expect(() => vault.open('webhook 1', sealed.slice(0, length))).toThrow()
  expect(() => vault.openApart('hold 2', apart.sealed, apart.key)).toThrow(/not sealed/)
  expect(() => vault.openApart('hold 1', apart.sealed, vault.sealApart('hold 1', plain).key)).toThrow(/not sealed/)
  rmSync(other, { recursive: true, force: true })
})
