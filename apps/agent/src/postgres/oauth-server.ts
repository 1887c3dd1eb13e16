// OAUTHBEARER as PostgreSQL 18 speaks it (RFC 7628): the client's one message with its token, and what a client that has none
// is told. Pure; it verifies no token, fetches nothing, and names no address that came from the client (THREATS ).
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { builtInIssuerName, type Trust } from '@sallyport/identity/trust'

export const oauthMechanism = 'OAUTHBEARER'

/** A user name that ends so asks for the exchange: a server offers one way to log in, before it knows the client's. */
const userSuffix = ':oauth'

/** The user name without what asks for the exchange; null when nothing does. */
export const oauthUserOf = (user: string): string | null =>
  user.length > userSuffix.length && user.endsWith(userSuffix) ? user.slice(0, -userSuffix.length) : null

/** The token and the few bytes around it. */
export const oauthMessageBytesMax = limits.tokenBytesMax + limits.saslMessageBytesMax

/** Where people get tokens: an identity provider that this installation trusts. */
export interface OAuthPlace {
  readonly issuer: string
  readonly scope: string
}

/** The first issuer of people that is not the control plane itself. */
export function oauthPlaceOf({ issuers }: Pick<Trust, 'issuers'>): OAuthPlace | null {
  for (const { document } of issuers.values())
    if (document.spec.principals === 'user' && document.metadata.name !== builtInIssuerName)
      return { issuer: document.spec.issuer, scope: 'openid' }
  return null
}

const malformed = (why: string): SallyportError =>
  new SallyportError('PROTOCOL_VIOLATION', `an OAUTHBEARER message ${why}`)

/** The token; null for a client that asks where to get one (RFC 7628, 4.3). Throws PROTOCOL_VIOLATION. */
export function readBearer(mechanism: string, response: Uint8Array | null): string | null {
  if (mechanism !== oauthMechanism) throw malformed('of another mechanism')
  if (response === null) throw malformed('without its first part')
  const text = Buffer.from(response).toString('latin1')
  // gs2-header (RFC 5801): no channel binding is offered, and nobody speaks for others here.
  const [, binding = '', authorise = '', rest = ''] = /^([^,]*),([^,]*),(.*)$/s.exec(text) ?? []
  if (binding !== 'n' && binding !== 'y') throw malformed('that asks for channel binding, or has no header')
  if (authorise !== '') throw malformed('that names another user')
  const value = authOf(rest)
  if (value === '') return null
  const token = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(value)?.[1]
  if (token === undefined) throw malformed('without a bearer token')
  return token
}

const separator = '\x01'

/** Of `key=value` pairs, each with a 0x01 behind it; others than `auth` say nothing. */
function authOf(rest: string): string {
  const found: string[] = []
  // One before the first, one behind each, and one at the end.
  const [first, ...pairs] = rest.split(separator)
  if (first !== '' || pairs.length < 3 || pairs.pop() !== '' || pairs.pop() !== '') throw malformed('that does not end')
  for (const pair of pairs) {
    const [, key, value] = /^([A-Za-z]+)=([\t\n\r\x20-\x7e]*)$/.exec(pair) ?? []
    if (key === undefined || value === undefined) throw malformed('with a pair that is none')
    if (key === 'auth') found.push(value)
  }
  const [only] = found
  if (found.length !== 1 || only === undefined) throw malformed('with none or several "auth"')
  return only
}

/** What a client without a token is told (RFC 7628, 3.2.2): where to get one, from our own configuration alone. */
export function bearerWanted(place: OAuthPlace | null): Buffer {
  const where =
    place === null
      ? {}
      : {
          'openid-configuration': `${place.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
          scope: place.scope,
        }
  return Buffer.from(JSON.stringify({ status: 'invalid_token', ...where }))
}
