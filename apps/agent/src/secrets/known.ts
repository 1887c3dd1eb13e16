// Every credential that this agent may use, of all its targets: no request may carry one of them outward. Read anew with each
// snapshot and every half minute; what cannot be read is not known, and nobody can send it by knowing it.
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import type { Secret } from '@sallyport/base/secret'
import type { CredentialReference, HttpTargetDocument, TargetDocument } from '@sallyport/policy/document'
import type { Snapshots } from '../link/current.ts'
import { type Bound, boundTo, type CredentialSources, resolveCredential } from './broker.ts'
import { AgentSources } from './sealed.ts'

/** Shorter ones are found by chance, and a refusal would tell somebody who guesses that a guess was right. */
export const knownSecretCharsMin = 12

export interface KnownSecrets {
  /** The same list until something may have changed. */
  current(): Promise<readonly Secret[]>
}

export function knownSecrets(snapshots: Snapshots, environment: CredentialSources, clock: Clock): KnownSecrets {
  let known: { readonly of: object; readonly untilMs: number; readonly secrets: Promise<readonly Secret[]> } | null =
    null
  return {
    current() {
      const { targets } = snapshots.current()
      const nowMs = clock.nowMs()
      if (known !== null && known.of === targets && nowMs < known.untilMs) return known.secrets
      const secrets = secretsOf(
        [...targets.values()].map(({ document }) => document),
        environment,
      )
      known = { of: targets, untilMs: nowMs + limits.knownSecretsAgeMsMax, secrets }
      return secrets
    },
  }
}

async function secretsOf(
  targets: readonly TargetDocument[],
  environment: CredentialSources,
): Promise<readonly Secret[]> {
  const asked = new Map(
    targets
      .flatMap((target) => referencesOf(target).map(([reference, bound]) => ({ reference, bound })))
      .map((one) => [JSON.stringify(one), one]),
  )
  const found = await Promise.all(
    [...asked.values()].map(({ reference, bound }) =>
      resolveCredential(reference, environment, bound).catch(() => null),
    ),
  )
  const secrets = new Map<string, Secret>()
  const leased = environment instanceof AgentSources ? environment.leased() : []
  for (const secret of [...found, ...leased]) {
    const text = secret?.reveal() ?? ''
    if (secret !== null && text.length >= knownSecretCharsMin) secrets.set(text, secret)
  }
  return [...secrets.values()]
}

/** Each with what it was sealed for, if it was. */
function referencesOf(target: TargetDocument): readonly (readonly [CredentialReference, Bound])[] {
  const { spec } = target
  const bound = boundTo(target)
  if (spec.protocol === 'postgres')
    // Nobody is made at a database for this: what is leased now is asked for below.
    return spec.roles.flatMap(({ name, password }) =>
      'vault' in password && password.vault.dynamic === true ? [] : [[password, { ...bound, user: name }] as const],
    )
  const { credential, tls } = spec
  const address =
    credential !== 'none' && 'oauth' in credential ? new URL(credential.oauth.tokenUrl).origin : bound.address
  return [
    ...(tls.client === undefined ? [] : [[tls.client.key, bound] as const]),
    ...credentialReferences(credential).map((reference) => [reference, { ...bound, address }] as const),
  ]
}

function credentialReferences(credential: HttpTargetDocument['spec']['credential']): readonly CredentialReference[] {
  if (credential === 'none') return []
  if ('oauth' in credential) return [credential.oauth.clientSecret]
  if ('sigv4' in credential) {
    const { secretAccessKey, sessionToken } = credential.sigv4
    return [secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])]
  }
  if ('bearer' in credential) return [credential.bearer]
  if ('basic' in credential) return [credential.basic.password]
  return ['header' in credential ? credential.header.value : credential.query.value]
}
