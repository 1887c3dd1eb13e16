// Fetches the public keys of a trusted issuer (THREATS ), by discovery or from where its document says.
// Keys are narrowed to their public members; what is no signature key is left out.
import { SallyportError } from '@sallyport/base/errors'
import type { TrustedIssuerDocument } from '@sallyport/policy/document'
import { z } from 'zod'
import { type IssuerFetch, unreachable } from './issuer-fetch.ts'
import type { StoredKeys } from './issuer-store.ts'

/** Keys of one issuer; large identity providers have fewer than ten. */
export const issuerKeysMax = 100

export type PublicJwk = Record<string, string | string[]>

export interface JwksDeps {
  readonly ask: IssuerFetch
}

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.string() })
const KeySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(issuerKeysMax) })

/** Throws UPSTREAM_UNREACHABLE or REQUEST_INVALID; the message is shown to administrators. */
export async function fetchKeys(deps: JwksDeps, document: TrustedIssuerDocument): Promise<PublicJwk[]> {
  const { issuer, jwksUri } = document.spec
  const answer = await fetchJson(deps, jwksUri ?? (await discover(deps, issuer)))
  const keySet = KeySet.safeParse(answer)
  if (!keySet.success) throw refused(issuer, 'its answer is no JWK set')
  const keys = keySet.data.keys.map(publicPart).filter((key) => key !== undefined)
  if (keys.length === 0) throw refused(issuer, 'its JWK set holds no public signature key')
  return keys
}

const refused = (issuer: string, why: string, cause?: unknown) =>
  new SallyportError('REQUEST_INVALID', `the keys of issuer "${issuer}" cannot be used: ${why}`, { cause })

/** OpenID Connect Discovery 1.0, section 4: the issuer named in the answer must be the one that was asked, exactly. */
async function discover(deps: JwksDeps, issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const discovery = Discovery.safeParse(await fetchJson(deps, url))
  if (!discovery.success) throw refused(issuer, 'its discovery document names no jwks_uri')
  if (discovery.data.issuer !== issuer) throw refused(issuer, 'its discovery document speaks for another issuer')
  return discovery.data.jwks_uri
}

async function fetchJson({ ask }: JwksDeps, address: string): Promise<unknown> {
  const { status, text } = await ask(address, { method: 'GET', headers: { accept: 'application/json' } })
  if (status < 200 || status > 299) throw unreachable(address, `status ${status}`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unreachable(address, 'the answer is not JSON', cause)
  }
}

/** Keys that verify tokens of an issuer now: those that its document pins, or that were fetched. */
export function keysOf(
  { spec }: TrustedIssuerDocument,
  fetched: ReadonlyMap<string, Pick<StoredKeys, 'jwks' | 'source'>>,
): StoredKeys['jwks'] {
  if (isUnfetched(spec)) return { keys: (spec.jwks?.keys ?? []).map(publicPart).filter((key) => key !== undefined) }
  const stored = fetched.get(spec.issuer)
  return stored !== undefined && isFrom(stored, spec) ? stored.jwks : { keys: [] }
}

/** Where they are fetched from by this document; null: where discovery says. */
export const sourceOf = ({ jwksUri }: TrustedIssuerDocument['spec']): string | null => jwksUri ?? null

/** Keys of a place that the document no longer names are believed no more. */
export const isFrom = ({ source }: Pick<StoredKeys, 'source'>, spec: TrustedIssuerDocument['spec']): boolean =>
  source === undefined || source === sourceOf(spec)

/** Keys are pinned, or there are none: AWS signs no tokens. */
export const isUnfetched = ({ jwks, preset }: TrustedIssuerDocument['spec']): boolean =>
  jwks !== undefined || preset === 'aws'

// RFC 7518, section 6; RFC 8037 for OKP. Symmetric keys ("oct") are never taken: HS256 with a public key is an attack.
const members: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
}

/** Only what verifies signatures; private members of a careless issuer never enter the store. */
function publicPart(key: Readonly<Record<string, unknown>>): PublicJwk | undefined {
  const { kty, use } = key
  if (typeof kty !== 'string' || !Object.hasOwn(members, kty) || (use !== undefined && use !== 'sig')) return undefined
  const kept: PublicJwk = { kty }
  for (const name of members[kty] ?? []) {
    const value = key[name]
    if (typeof value !== 'string') return undefined
    kept[name] = value
  }
  for (const name of ['kid', 'alg', 'use']) {
    const value = key[name]
    if (typeof value === 'string' && value.length <= 256) kept[name] = value
  }
  return kept
}
