// What is kept of verified tokens ends with their life, with the snapshot and with the clock, and there is never more than may be.
import { limits } from '@sallyport/base/limits'
import type { VerifiedToken, verifyToken } from '@sallyport/identity/verify'
import { beforeEach, expect, it } from 'vitest'
import type { CurrentSnapshot } from '../link/current.ts'
import { tokenVerifier } from './verified.ts'

let looked: string[] = []
let refused: Error | null = null
let during = async () => {}
const expiresAtMs = 10_000
const verify: typeof verifyToken = async (token) => {
  looked.push(token)
  await during()
  if (refused !== null) throw refused
  return { expiresAtMs, target: token } as VerifiedToken
}
const snapshot = (): CurrentSnapshot => ({ revocations: [] }) as unknown as CurrentSnapshot
const first = snapshot()

beforeEach(() => {
  looked = []
  refused = null
  during = async () => {}
})

it('a signature is looked at once, and each token is its own', async () => {
  const verifier = tokenVerifier(verify)
  for (let at = 0; at < 3; at++) expect((await verifier.verify('one', first, at)).target).toBe('one')
  expect((await verifier.verify('two', first, 3)).target).toBe('two')
  expect(looked).toEqual(['one', 'two'])
})

it('another snapshot, with what it revokes, begins anew, whatever its version', async () => {
  const verifier = tokenVerifier(verify)
  await verifier.verify('one', first, 0)
  refused = new Error('revoked')
  await expect(verifier.verify('one', snapshot(), 1)).rejects.toThrow('revoked')
  // Neither is the old answer there for whoever still has the old snapshot.
  await expect(verifier.verify('one', first, 2)).rejects.toThrow('revoked')
})

it('what was verified by a snapshot that is gone meanwhile is not kept', async () => {
  const verifier = tokenVerifier(verify)
  const next = snapshot()
  let isFirst = true
  during = async () => {
    if (!isFirst) return
    isFirst = false
    await verifier.verify('two', next, 0)
  }
  await verifier.verify('one', first, 0)
  await verifier.verify('one', next, 0)
  expect(looked).toEqual(['one', 'two', 'one'])
})

it('is over with the life of the token, and where the clock goes back', async () => {
  const verifier = tokenVerifier(verify)
  await verifier.verify('one', first, 5_000)
  await verifier.verify('one', first, expiresAtMs - 1)
  expect(looked).toHaveLength(1)
  await verifier.verify('one', first, expiresAtMs)
  await verifier.verify('one', first, 4_999)
  expect(looked).toHaveLength(3)
})

it('what was refused is not kept', async () => {
  const verifier = tokenVerifier(verify)
  refused = new Error('no')
  await expect(verifier.verify('one', first, 0)).rejects.toThrow('no')
  refused = null
  expect((await verifier.verify('one', first, 0)).target).toBe('one')
})

it('there are never more than may be: the oldest goes', async () => {
  const verifier = tokenVerifier(verify)
  for (let at = 0; at <= limits.verifiedTokensMax; at++) await verifier.verify(`token ${at}`, first, 0)
  looked = []
  await verifier.verify(`token ${limits.verifiedTokensMax}`, first, 0)
  await verifier.verify('token 1', first, 0)
  expect(looked).toEqual([])
  await verifier.verify('token 0', first, 0)
  expect(looked).toEqual(['token 0'])
})
