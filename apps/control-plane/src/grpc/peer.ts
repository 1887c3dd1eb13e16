// Who is at the other end of a call: an agent of this installation with a certificate of our authority, or nobody.
// TLS has proven that the peer holds the certificate's key, and checked chain and purpose; all of it is checked again
// here for every call, because a connection outlives certificates and revocations (THREATS ).
import { X509Certificate } from 'node:crypto'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { type Authority, agentUri } from '../agents/ca.ts'
import { findAgent } from '../agents/store.ts'
import type { Db } from '../db.ts'

/** Only `authenticateAgent` makes one. */
export interface AgentIdentity {
  readonly agentId: string
  readonly name: string
  readonly certificateNotAfterMs: number
}

export interface PeerDeps {
  readonly db: Db
  readonly clock: Clock
  readonly installation: string
  readonly authority: Pick<Authority, 'certificate'>
}

/** The part of a grpc-js call that is needed here. `getAuthContext` is empty unless TLS verified the peer's chain. */
export interface AuthenticatedCall {
  getAuthContext(): { readonly sslPeerCertificate?: { readonly raw: Buffer } | undefined }
}

// id-kp-clientAuth (RFC 5280, 4.2.1.12).
const clientAuthOid = '1.3.6.1.5.5.7.3.2'

/** Throws AGENT_NOT_ENROLLED or AGENT_REVOKED. */
export async function authenticateAgent(deps: PeerDeps, call: AuthenticatedCall): Promise<AgentIdentity> {
  const raw = call.getAuthContext().sslPeerCertificate?.raw
  if (raw === undefined) throw notEnrolled('this needs the certificate of an enrolled agent')
  const { agentId, certificateNotAfterMs } = readPeer(deps, raw)
  const agent = await findAgent(deps.db, agentId)
  if (agent === null) throw notEnrolled('no agent with this certificate is enrolled here')
  if (agent.revokedAt !== null)
    throw new SallyportError('AGENT_REVOKED', `agent "${agent.name}" was revoked`, {
      hint: 'enrol it anew with a fresh join token and an empty data directory',
    })
  return { agentId, name: agent.name, certificateNotAfterMs }
}

const notEnrolled = (message: string) =>
  new SallyportError('AGENT_NOT_ENROLLED', message, { hint: 'enrol the agent with a join token' })

/** The agent id of a certificate that is ours, for clients, for one agent, and valid at this moment. */
export function readPeer(
  deps: Pick<PeerDeps, 'clock' | 'installation' | 'authority'>,
  raw: Uint8Array,
): { agentId: string; certificateNotAfterMs: number } {
  const certificate = new X509Certificate(raw)
  const authority = deps.authority.certificate
  const notBeforeMs = Date.parse(certificate.validFrom)
  const certificateNotAfterMs = Date.parse(certificate.validTo)
  const nowMs = deps.clock.nowMs()
  if (certificate.ca || !certificate.checkIssued(authority) || !certificate.verify(authority.publicKey))
    throw notEnrolled('the certificate is not one of this installation')
  if (!certificate.keyUsage?.includes(clientAuthOid)) throw notEnrolled('the certificate is not for agents')
  if (!(notBeforeMs <= nowMs && nowMs < certificateNotAfterMs)) throw notEnrolled('the certificate has expired')
  const agentId = /\/agent\/([0-9a-f]{32})$/.exec(certificate.subjectAltName ?? '')?.[1]
  // Exactly one name, exactly this one: nothing before or after it.
  if (agentId === undefined || certificate.subjectAltName !== `URI:${agentUri(deps.installation, agentId)}`)
    throw notEnrolled('the certificate names no agent of this installation')
  return { agentId, certificateNotAfterMs }
}
