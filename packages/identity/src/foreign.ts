// Who a token of another issuer speaks for: the principal with its Sallyport groups and the claims that rules may read. The
// control plane makes the same of what AWS says about a caller.
import { SallyportError } from '@sallyport/base/errors'
import type { Principal } from '@sallyport/base/identity'
import type { GroupDocument, TrustedIssuerDocument } from '@sallyport/policy/document'
import { exposedClaims } from '@sallyport/policy/issuer-presets'
import { z } from 'zod'
import { checkClaims, type Payload } from './claims.ts'
import { provisionedPrefix } from './trust.ts'

/** Throws TOKEN_CLAIM_WRONG or TOKEN_GROUPS_OMITTED. */
export function foreignPrincipal(
  payload: Payload,
  subject: string,
  document: TrustedIssuerDocument,
  groups: readonly GroupDocument[],
): Principal {
  checkClaims(payload, document)
  const { issuer, principals, groupsClaim } = document.spec
  const shown = groupValues(payload, groupsClaim)
  const exposed = exposedClaims(document.spec).filter((name) => Object.hasOwn(payload, name))
  return {
    kind: principals,
    issuer,
    subject,
    groups: groups
      .filter(({ spec }) =>
        spec.members.some(
          (member) =>
            member.issuer === issuer &&
            ('subject' in member ? member.subject === subject : shown.includes(member.claim)),
        ),
      )
      .map(({ metadata }) => metadata.name),
    claims: Object.fromEntries(exposed.map((name) => [name, payload[name]])),
    display: subject,
    assurance: 'verified',
  }
}

/**
 * Which groups of a principal still stand: those of documents that are not here, since nothing here names them, and those that a
 * member of the document gives it. A token of the control plane says groups, not from which claim: one of the issuer will do.
 */
export const standingGroups = (
  { issuer, subject, groups }: Pick<Principal, 'issuer' | 'subject' | 'groups'>,
  documents: readonly GroupDocument[],
): readonly string[] =>
  groups.filter((name) => {
    const document = documents.find(({ metadata }) => metadata.name === name)
    if (document === undefined) return true
    return document.spec.members.some(
      (member) => member.issuer === issuer && (!('subject' in member) || member.subject === subject),
    )
  })

/**
 * groups that the issuer left out ("overage", of Microsoft also "hasgroups") are not the same as no groups, so the token
 * is refused.
 */
function groupValues(payload: Payload, claim: string): readonly string[] {
  const left = z.record(z.string(), z.unknown()).safeParse(payload['_claim_names'])
  if ((left.success && Object.hasOwn(left.data, claim)) || (claim === 'groups' && payload['hasgroups'] === true))
    throw new SallyportError('TOKEN_GROUPS_OMITTED', `the issuer left the claim "${claim}" out of the token`, {
      hint: 'have the issuer list the groups that are assigned to the application, at most 200',
    })
  const value = payload[claim]
  const values = typeof value === 'string' ? [value] : Array.isArray(value) ? value : []
  // A group that calls itself one of SCIM's is in none of them.
  return values.filter((entry) => typeof entry === 'string' && !entry.startsWith(provisionedPrefix))
}
