// A connection of a session's own, as it is given back: nothing may be on its way to whoever has it next (THREATS ).
import { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import { OwnConnection } from './target-link.ts'

const silent = (): Duplex => new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() })

it.each([
  [true, true],
  [false, false],
])('R-1.12: a cancel request that was delivered: %s, leaves it clean: %s', async (isDelivered, isClean) => {
  const link = new OwnConnection({
    target: silent(),
    cancelTarget: async () => isDelivered,
    releaseTarget: () => {},
  })
  const cancelled = link.cancel()
  expect(link.isClean).toBe(false)
  await cancelled
  expect(link.isClean).toBe(isClean)
})
