// What a schema cannot say about a TrustedIssuer: names that are taken, presets for whose platform the issuer is none, and
// documents that would believe every customer of a platform (THREATS ).
import { type CheckProblem, problem } from './check-problem.ts'
import type { TrustedIssuerDocument } from './document.ts'
import { azureTenantOf, azureTenantOfEveryone, presetRules } from './issuer-presets.ts'

/** The name and the issuer of the tokens that the control plane makes itself. */
const reservedIssuer = 'sallyport'

export function checkIssuer({ metadata, spec }: TrustedIssuerDocument): CheckProblem[] {
  const message = `"${reservedIssuer}" is reserved for the tokens of this installation; choose another`
  return [
    ...(metadata.name === reservedIssuer ? [problem(['metadata', 'name'], message)] : []),
    ...(spec.issuer.toLowerCase() === reservedIssuer ? [problem(['spec', 'issuer'], message)] : []),
    ...(/\s/.test(spec.issuer)
      ? [problem(['spec', 'issuer'], 'an issuer holds no space; write it as in the token')]
      : []),
    ...(spec.jwks !== undefined && spec.jwksUri !== undefined
      ? [problem(['spec', 'jwks'], 'keys are pinned here and fetched from "jwksUri"; keep one of them')]
      : []),
    ...keyProblems(spec.jwks?.keys ?? []),
    ...claimProblems(spec.requiredClaims),
    ...presetProblems(spec),
  ]
}

/** Documents are kept in Git and shown to auditors: what is secret of a key has no place in them. */
function keyProblems(keys: readonly Readonly<Record<string, unknown>>[]): CheckProblem[] {
  return keys.flatMap((key, index) => {
    const path = ['spec', 'jwks', 'keys', index]
    if (!['RSA', 'EC', 'OKP'].includes(String(key['kty'])))
      return [problem(path, 'only public keys of type RSA, EC or OKP verify tokens')]
    return 'd' in key ? [problem(path, 'the key is private; make a new pair, and give only the public half')] : []
  })
}

function claimProblems(claims: TrustedIssuerDocument['spec']['requiredClaims']): CheckProblem[] {
  return Object.entries(claims).flatMap(([name, wanted]) => {
    const path = ['spec', 'requiredClaims', name]
    const values = Array.isArray(wanted) ? wanted : [wanted]
    const isStarred = values.some((value) => typeof value === 'string' && value.includes('*'))
    return [
      ...(isStarred ? [problem(path, 'values are exact, and "*" stands for nothing but itself; list the values')] : []),
      ...(/^\/.*~(?![01])/.test(name) ? [problem(path, '"~" in a pointer is "~0", and "/" in a name is "~1"')] : []),
    ]
  })
}

function presetProblems(spec: TrustedIssuerDocument['spec']): CheckProblem[] {
  const { preset, issuer, principals, requiredClaims, jwks, jwksUri } = spec
  if (preset === undefined) return []
  const rules = presetRules[preset]
  const problems: CheckProblem[] = []
  if (rules.issuer !== null && !rules.issuer.test(issuer))
    problems.push(problem(['spec', 'issuer'], `this is no issuer of "${preset}"; it looks like "${rules.example}"`))
  if (preset === 'azure' && azureTenantOf(issuer) === azureTenantOfEveryone)
    problems.push(problem(['spec', 'issuer'], 'everybody with a private account is in this tenant; name your own'))
  if (rules.bound.length > 0 && !rules.bound.some((name) => Object.hasOwn(requiredClaims, name)))
    problems.push(
      problem(
        ['spec', 'requiredClaims'],
        `every customer of the platform gets tokens of this issuer; require one of: ${rules.bound.join(', ')}`,
      ),
    )
  const isOfPeople = preset === 'google' || preset === 'azure' || preset === 'oidc'
  if (principals === 'user' && !isOfPeople)
    problems.push(problem(['spec', 'principals'], `tokens of "${preset}" speak for workloads; write "workload"`))
  if (preset === 'aws' && (jwks !== undefined || jwksUri !== undefined))
    problems.push(problem(['spec', jwks === undefined ? 'jwksUri' : 'jwks'], 'AWS itself is asked; remove the keys'))
  return problems
}
