// The credential of an HTTP target, put into one request. Nothing of it is kept longer than the request.
import { Secret } from '@sallyport/base/secret'
import type { HttpCredential, HttpTargetDocument } from '@sallyport/policy/document'
import { checkedField, type Fields } from '@sallyport/wire/http/fields'
import { type Bound, boundTo, type CredentialSources, resolveCredential } from '../secrets/broker.ts'
import { type SignedRequest, signature } from '../secrets/sigv4.ts'
import type { OauthTokens } from './oauth.ts'

export interface Injected {
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly query: readonly (readonly [name: string, value: string])[]
  /** What must not come back in any form. */
  readonly secrets: readonly Secret[]
  /** Fields that are made of the whole request; null where none are. */
  readonly sign: ((request: SignedRequest) => Fields) | null
}

const nothing: Injected = { fields: [], query: [], secrets: [], sign: null }

/** Throws CREDENTIAL_UNAVAILABLE, or PROTOCOL_VIOLATION for one that no header field can hold. */
export async function injectedCredential(
  target: HttpTargetDocument,
  environment: CredentialSources,
  tokens: OauthTokens,
  nowMs: number,
): Promise<Injected> {
  const { credential } = target.spec
  if (credential === 'none') return nothing
  const bound = boundTo(target)
  if ('oauth' in credential) {
    const { secret } = await tokens.of(target, credential.oauth)
    return { ...nothing, fields: [checkedField('authorization', `Bearer ${secret.reveal()}`)], secrets: [secret] }
  }
  if ('sigv4' in credential) return await signing(credential.sigv4, environment, bound, nowMs)
  if ('bearer' in credential) {
    const secret = await resolveCredential(credential.bearer, environment, bound)
    return { ...nothing, fields: [checkedField('authorization', `Bearer ${secret.reveal()}`)], secrets: [secret] }
  }
  if ('basic' in credential) {
    const { username, password } = credential.basic
    const secret = await resolveCredential(password, environment, bound)
    const pair = Buffer.from(`${username}:${secret.reveal()}`, 'utf8').toString('base64')
    return { ...nothing, fields: [checkedField('authorization', `Basic ${pair}`)], secrets: [secret, new Secret(pair)] }
  }
  if ('header' in credential) {
    const { name, value } = credential.header
    const secret = await resolveCredential(value, environment, bound)
    return { ...nothing, fields: [checkedField(name.toLowerCase(), secret.reveal())], secrets: [secret] }
  }
  const { name, value } = credential.query
  const secret = await resolveCredential(value, environment, bound)
  return { ...nothing, query: [[name, secret.reveal()]], secrets: [secret] }
}

async function signing(
  { region, service, accessKeyId, secretAccessKey, sessionToken }: Sigv4,
  environment: CredentialSources,
  bound: Bound,
  nowMs: number,
): Promise<Injected> {
  const id = await resolveCredential(accessKeyId, environment, bound)
  const secret = await resolveCredential(secretAccessKey, environment, bound)
  const session = sessionToken === undefined ? null : await resolveCredential(sessionToken, environment, bound)
  const keys = { id: id.reveal(), secret: secret.reveal(), session: session?.reveal() ?? null }
  return {
    ...nothing,
    secrets: session === null ? [secret] : [secret, session],
    sign: (request) => signature(request, keys, { region, service, nowMs }),
  }
}
type Sigv4 = Extract<HttpCredential, { sigv4: unknown }>['sigv4']
