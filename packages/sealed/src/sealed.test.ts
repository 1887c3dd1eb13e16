// A sealed credential opens for its agent, target, address and version, and for nothing else (THREATS ).
import { Secret } from '@sallyport/base/secret'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatRecipient, makeSealingKey, openSealingKey, parseRecipient, plainBytesMax, seal } from './sealed.ts'

const agentId = 'a'.repeat(32)
const binding = { target: 'orders', address: 'db.internal:5432', version: 3 }
const keyOf = async (id = agentId) => await openSealingKey(id, await makeSealingKey())
const refused = { code: 'CREDENTIAL_UNAVAILABLE' }

describe('a sealed credential', () => {
  it('opens as it was, whatever it is made of', async () => {
    const key = await keyOf()
    const recipient = parseRecipient(formatRecipient(key.recipient))
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }), async (text) => {
        const sealed = await seal(recipient, binding, new Secret(text))
        expect((await key.open(sealed, binding)).reveal()).toBe(text)
      }),
      { numRuns: 50 },
    )
  })

  it('never looks the same twice', async () => {
    const key = await keyOf()
    const once = async () => await seal(key.recipient, binding, new Secret('hunter2'))
    expect(await once()).not.toBe(await once())
  })

  it.each([
    ['another target', { target: 'customers' }],
    ['another address', { address: 'db.evil.example:5432' }],
    ['another version', { version: 4 }],
    ['fields that run together otherwise', { target: 'ordersdb', address: '.internal:5432' }],
  ])('does not open for %s', async (_what, change) => {
    const key = await keyOf()
    const sealed = await seal(key.recipient, binding, new Secret('hunter2'))
    await expect(key.open(sealed, { ...binding, ...change })).rejects.toMatchObject(refused)
  })

  it('does not open at another agent, nor under the name of another agent', async () => {
    const bytes = await makeSealingKey()
    const key = await openSealingKey(agentId, bytes)
    const sealed = await seal(key.recipient, binding, new Secret('hunter2'))
    for (const other of [await keyOf(), await openSealingKey('b'.repeat(32), bytes)])
      await expect(other.open(sealed, binding)).rejects.toMatchObject(refused)
  })

  it('does not open when anything of it was changed', async () => {
    const key = await keyOf()
    const sealed = await seal(key.recipient, binding, new Secret('hunter2-hunter2'))
    // The last character of each part carries bits that say nothing.
    const idle = new Set([sealed.lastIndexOf('.') - 1, sealed.length - 1])
    for (let at = 0; at < sealed.length; at++) {
      if (idle.has(at)) continue
      const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
      await expect(key.open(changed, binding)).rejects.toMatchObject(refused)
    }
    for (const text of ['', 'x', `${sealed}.x`, sealed.replace('spsealed1', 'spsealed2'), 'A'.repeat(20_000)])
      await expect(key.open(text, binding)).rejects.toMatchObject(refused)
  })

  it('has a limit, tested at it and one past it', async () => {
    const { recipient } = await keyOf()
    await expect(seal(recipient, binding, new Secret('x'.repeat(plainBytesMax)))).resolves.toContain('spsealed1.')
    for (const text of ['', 'x'.repeat(plainBytesMax + 1)])
      await expect(seal(recipient, binding, new Secret(text))).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })

  it('is made for a key that is one', async () => {
    for (const line of ['', 'spseal1', `spseal1.${agentId}.AAAA`, `spseal1.${agentId}.${'A'.repeat(87)}.x`])
      expect(() => parseRecipient(line)).toThrow(/no sealing key/)
    const recipient = parseRecipient(`spseal1.${agentId}.${'A'.repeat(87)}`)
    await expect(seal(recipient, binding, new Secret('x'))).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    await expect(openSealingKey(agentId, new Uint8Array(10))).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})
