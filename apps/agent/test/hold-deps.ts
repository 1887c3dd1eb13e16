// What a gate needs to hold statements, for tests that have no session around it.
import { createHash, randomBytes } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import type { Holds } from '../src/link/holds.ts'
import { realAfter } from '../src/link/holds.ts'
import { heldSpans, scanTokens } from '../src/postgres/tokens.ts'
import type { HoldDeps } from '../src/session/hold-execution.ts'
import type { Initiators } from '../src/session/initiator.ts'

/** Where nobody speaks for others. */
export const noInitiators: Initiators = { of: () => new SallyportError('INITIATOR_INVALID', 'nobody here') }

export const holdDepsOf = (holds: Holds, changes: Partial<HoldDeps> = {}): HoldDeps => ({
  holds,
  place: {
    sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
    agent: { id: '0'.repeat(32), name: 'test' },
    target: 'shop',
    chain: {
      initiator: {
        kind: 'user',
        issuer: 'i',
        subject: 's',
        groups: [],
        claims: {},
        display: 's',
        assurance: 'verified',
      },
      actors: [],
    },
    session: {
      id: '1'.repeat(32),
      upstreamRole: 'app',
      database: 'd',
      clientAddress: '',
      applicationName: '',
      tls: true,
      authentication: '',
    },
    spans: heldSpans,
  },
  scan: scanTokens,
  clock: { nowMs: () => Date.now() },
  after: realAfter,
  random: randomBytes,
  consoleUrl: () => 'https://console.test',
  reviewers: () => null,
  estimate: async () => ({ kind: 'unavailable', reason: 'a test' }),
  isTokenExpired: () => false,
  onHeld: () => {},
  ...changes,
})
