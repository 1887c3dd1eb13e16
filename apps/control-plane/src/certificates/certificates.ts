// Certificates by which callers log in at agents: one person's, for one target and upstream role, for a key that stays with the
// caller. What they are good for stands in a record that is signed as such, so that neither the authority's key nor the token
// key alone makes one. Nothing of them is stored; they end by themselves, by their id, or with everything of the person.
import type { CertificateRequest, CertificateResponse } from '@sallyport/api/certificates'
import { callerNames, certificateRecordType } from '@sallyport/base/certificate'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { appendAction } from '../audit/store.ts'
import { inTransaction } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import { lifeOf, signForPerson } from '../identities/tokens.ts'
import { openTarget, reachableAt } from '../targets/open.ts'
import { checkedRole, defaultUser, roleNames } from '../targets/rules.ts'

type CertificateDeps = Pick<
  Deps,
  'db' | 'clock' | 'randomBytes' | 'config' | 'tokenKey' | 'authorityPem' | 'issueCaller'
>

/** Throws TARGET_UNKNOWN, UPSTREAM_ROLE_FORBIDDEN, AGENT_NOT_ENROLLED, AGENT_OUTDATED, FEATURE_UNSUPPORTED or REQUEST_INVALID. */
export async function issueCertificate(
  deps: CertificateDeps,
  actor: Actor,
  asked: CertificateRequest,
): Promise<CertificateResponse> {
  const { target: name } = asked
  const target = await openTarget(deps, actor, name)
  const role = checkedRole(target, asked.role) ?? roleNames(target)[0]
  if (role === undefined)
    throw new SallyportError('FEATURE_UNSUPPORTED', `"${name}" is no database; it takes no client certificates`, {
      hint: `use a token: sallyport token ${name}`,
    })
  const address = await reachableAt(deps, target, 'login-certificate')
  const id = deps.randomBytes(16).toString('hex')
  const life = lifeOf(deps.clock, actor, limits.callerCertificateSeconds)
  const signed = { type: certificateRecordType, jti: id, ...life, target: name, role }
  const issued = await deps.issueCaller(asked.csr, {
    id,
    lifeMs: life.expires * 1_000 - deps.clock.nowMs(),
    uris: async (keyHash) => {
      const record = await signForPerson(deps, actor, { ...signed, more: { sp_key: keyHash } })
      return callerNames(deps.config.installation, id, record)
    },
  })
  const expiresAt = new Date(issued.notAfterMs).toISOString()
  await inTransaction(deps.db, async (tx) => {
    await appendAction(tx, {
      id: deps.randomBytes(16).toString('hex'),
      at: new Date(deps.clock.nowMs()),
      actor: actorKey(actor),
      action: 'issue-certificate',
      object: `Certificate/${id}`,
      detail: { target: name, role, expiresAt },
    })
  })
  const connection = { ...address, database: name, user: asked.role ?? defaultUser, ca: deps.authorityPem }
  return { id, certificate: `${issued.pem}\n`, role, expiresAt, connection }
}
