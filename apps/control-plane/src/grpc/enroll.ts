// Join and Renew: the two calls by which an agent gets certificates. Join is the only call that needs none.
import { create } from '@bufbuild/protobuf'
import { SallyportError } from '@sallyport/base/errors'
import {
  type JoinRequest,
  type JoinResponse,
  JoinResponseSchema,
  type RenewRequest,
  type RenewResponse,
  RenewResponseSchema,
} from '@sallyport/proto/gen/sallyport/v1/enroll_pb'
import { enroll, type IssueDeps, renew } from '../agents/agents.ts'
import type { InstallationKeys } from '../agents/keys.ts'
import type { AgentIdentity } from './peer.ts'

/** Enrolments under way at once: each costs two signatures and two queries, and anyone can ask. */
export const joinsAtOnceMax = 8

export interface EnrollCalls {
  join(request: JoinRequest): Promise<JoinResponse>
  renew(agent: AgentIdentity, request: RenewRequest): Promise<RenewResponse>
}

export function createEnrollCalls(
  deps: Omit<IssueDeps, 'authority'> & {
    readonly keys: Pick<InstallationKeys, 'installation' | 'authority' | 'snapshotSigner' | 'maskKey'>
  },
): EnrollCalls {
  const { keys } = deps
  const issuing: IssueDeps = { ...deps, authority: keys.authority }
  let joins = 0
  return {
    async join(request) {
      if (joins >= joinsAtOnceMax)
        throw new SallyportError('TOO_MANY_REQUESTS', 'too many agents enrol at this moment; try again in a second')
      joins += 1
      try {
        const enrolled = await enroll(issuing, request)
        return create(JoinResponseSchema, {
          ...enrolled,
          installation: keys.installation,
          caCertificate: keys.authority.certificatePem,
          snapshotKey: keys.snapshotSigner.publicKey,
          snapshotKeyId: keys.snapshotSigner.keyId,
          maskKey: keys.maskKey,
        })
      } finally {
        joins -= 1
      }
    },
    async renew(agent, request) {
      return create(RenewResponseSchema, await renew(issuing, agent.agentId, request))
    },
  }
}
