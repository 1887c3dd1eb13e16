// Whom this installation trusts, from the store: what agents get with their snapshots, for tokens that are shown here.
import { limits } from '@sallyport/base/limits'
import { builtInIssuerName, type IssuerWithKeys, type Trust } from '@sallyport/identity/trust'
import { readRevocations } from '../agents/store.ts'
import { audienceOf } from '../config.ts'
import type { Deps } from '../deps.ts'
import { readDocuments } from '../policies/store.ts'
import { keysOf } from './jwks.ts'
import { builtInIssuerDocument, jwksOf } from './tokens.ts'

export type TrustDeps = Pick<Deps, 'db' | 'clock' | 'config' | 'tokenKey' | 'issuerKeys'>

/** Of this moment. An issuer whose keys are not there, or too old, is trusted without keys: its tokens do not verify. */
export async function currentTrust(deps: TrustDeps): Promise<Trust> {
  const lifeMs = (limits.tokenLifeSecondsMax + limits.clockLeewaySeconds) * 1_000
  const [documents, keys, revocations] = await Promise.all([
    readDocuments(deps.db, ['TrustedIssuer', 'Group']),
    deps.issuerKeys(),
    readRevocations(deps.db, new Date(deps.clock.nowMs() - lifeMs)),
  ])
  const builtIn = builtInIssuerDocument(deps.config)
  const issuers = new Map<string, IssuerWithKeys>([
    [builtIn.spec.issuer, { document: builtIn, jwks: { keys: jwksOf(deps.tokenKey).keys.map((key) => ({ ...key })) } }],
  ])
  for (const { document } of documents) {
    if (document.kind !== 'TrustedIssuer' || document.metadata.name === builtInIssuerName) continue
    const { issuer } = document.spec
    // Of two with the same issuer the first stays, and ours is the first; so do agents.
    if (!issuers.has(issuer)) issuers.set(issuer, { document, jwks: keysOf(document, keys) })
  }
  return {
    issuers,
    groups: documents.flatMap(({ document }) => (document.kind === 'Group' ? [document] : [])),
    revocations: revocations.map(({ jti, issuer, subject, before }) => ({
      jti: jti ?? '',
      issuer: issuer ?? '',
      subject: subject ?? '',
      beforeMs: before.getTime(),
    })),
    audience: audienceOf(deps.config),
  }
}
