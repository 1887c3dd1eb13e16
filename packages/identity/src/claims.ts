// What must stand in a token beside its signature: the exact claims that a TrustedIssuer requires, and what its platform always
// puts into its tokens (THREATS ). Pure; a refusal names the rule and never a value of the token.
import { SallyportError } from '@sallyport/base/errors'
import type { TrustedIssuerDocument } from '@sallyport/policy/document'
import { azureTenantOf, type IssuerPreset } from '@sallyport/policy/issuer-presets'
import { z } from 'zod'

export type Payload = Readonly<Record<string, unknown>>

const Nested = z.record(z.string(), z.unknown())

/** A claim by its name, or by a JSON Pointer where the name begins with "/" (RFC 6901); undefined where there is none. */
export function claimOf(payload: Payload, name: string): unknown {
  if (!name.startsWith('/')) return Object.hasOwn(payload, name) ? payload[name] : undefined
  let here: unknown = payload
  for (const step of name.slice(1).split('/')) {
    const parent = Nested.safeParse(here)
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (!parent.success || !Object.hasOwn(parent.data, key)) return undefined
    here = parent.data[key]
  }
  return here
}

/** Throws TOKEN_CLAIM_WRONG, naming the claim's rule. Values are exact: no prefixes, no wildcards, no other type. */
export function checkClaims(payload: Payload, document: TrustedIssuerDocument): void {
  const { name } = document.metadata
  const claim = missedClaim(payload, document, 'all')
  if (claim !== undefined)
    throw wrong(
      `the token's claim "${claim}" is not what TrustedIssuer "${name}" requires`,
      `compare requiredClaims["${claim}"] of TrustedIssuer "${name}" with the token`,
    )
  const problem = presetProblem(document.spec, payload)
  if (problem !== null)
    throw wrong(
      `the token is none of "${document.spec.preset}" as TrustedIssuer "${name}" says: ${problem}`,
      'docs/workloads.md lists what each preset checks',
    )
}

/** The first required claim that is another one here. `known`: of some of a token's claims, so that an absent one says nothing. */
const missedClaim = (payload: Payload, { spec }: TrustedIssuerDocument, which: 'all' | 'known'): string | undefined =>
  Object.entries(spec.requiredClaims).find(([claim, wanted]) => {
    const shown = claimOf(payload, claim)
    const accepted: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted]
    return !(which === 'known' && shown === undefined) && !accepted.includes(shown)
  })?.[0]

export const hasRequiredClaims = (payload: Payload, document: TrustedIssuerDocument, which: 'all' | 'known'): boolean =>
  missedClaim(payload, document, which) === undefined

const wrong = (message: string, hint: string): SallyportError =>
  new SallyportError('TOKEN_CLAIM_WRONG', message, { hint })

type Spec = Pick<TrustedIssuerDocument['spec'], 'preset' | 'issuer' | 'principals' | 'requiredClaims'>

const presetProblem = (spec: Spec, payload: Payload): string | null => checks[spec.preset ?? 'oidc'](payload, spec)

const checks: Readonly<Record<IssuerPreset, (payload: Payload, spec: Spec) => string | null>> = {
  kubernetes: serviceAccount,
  'github-actions': (payload) => below(payload, 'repository_owner', 'repository'),
  'gitlab-ci': (payload) => below(payload, 'namespace_path', 'project_path'),
  google: googleAccount,
  azure: azurePrincipal,
  // Made by the control plane from the answer of AWS, which has no tokens.
  aws: () => null,
  oidc: () => null,
}

/**
 * Bound service account tokens (kubernetes.io, "Service account token volume projection"): the subject and the claim say the
 * same. Tokens from Secrets have neither this claim nor an end.
 */
function serviceAccount(payload: Payload): string | null {
  const account = /^system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)$/.exec(String(payload['sub']))
  if (account === null) return 'its subject is no service account'
  const [, namespace, name] = account
  const isSame =
    claimOf(payload, '/kubernetes.io/namespace') === namespace &&
    claimOf(payload, '/kubernetes.io/serviceaccount/name') === name
  return isSame ? null : 'its claim "kubernetes.io" does not name the service account of its subject'
}

/** A path is inside of its owner's, as both platforms write them. */
function below(payload: Payload, owner: string, path: string): string | null {
  const [above, whole] = [payload[owner], payload[path]]
  const isBelow = typeof above === 'string' && typeof whole === 'string' && whole.startsWith(`${above}/`)
  return isBelow ? null : `its claims "${owner}" and "${path}" do not belong together`
}

/** An address counts for nothing until Google has seen that it is the account's (OpenID Connect Core 1.0, 5.1). */
function googleAccount(payload: Payload): string | null {
  return payload['email'] !== undefined && payload['email_verified'] !== true ? 'its e-mail is not verified' : null
}

/**
 * Microsoft identity platform, "Access token claims reference": `tid` is the issuer's tenant, and a token that an application got
 * for itself has no `scp`, and its own object as subject.
 */
function azurePrincipal(payload: Payload, { issuer, principals }: Spec): string | null {
  if (payload['tid'] !== azureTenantOf(issuer)) return 'its tenant is not that of its issuer'
  if (payload['ver'] !== (issuer.endsWith('/v2.0') ? '2.0' : '1.0')) return 'its version is not that of its issuer'
  if (principals === 'user') return payload['idtyp'] === 'app' ? 'it speaks for an application' : null
  const isApp = payload['scp'] === undefined && payload['idtyp'] !== 'user' && payload['oid'] === payload['sub']
  return isApp ? null : 'it does not speak for an application alone'
}
