// a claimed name is held against its bound before anything else looks at it.
import { Secret } from '@sallyport/base/secret'
import { expect, it } from 'vitest'
import { sessionInitiators } from './initiator.ts'

it('a name that is too long is refused in time that grows with its length', () => {
  const caller = {
    kind: 'workload',
    issuer: 'https://ci.test',
    subject: 'shop',
    groups: [],
    claims: {},
    display: 'shop',
  }
  const chain = { initiator: { ...caller, assurance: 'verified' }, actors: [] }
  const initiators = sessionInitiators({ chain, target: 'shop', upstreamRole: null } as never)
  const value = new Secret(`claimed:${'://'.repeat(500_000)}`)
  expect(initiators.of({ value })).toMatchObject({ code: 'INITIATOR_INVALID' })
})
