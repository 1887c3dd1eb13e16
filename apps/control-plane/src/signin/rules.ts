// Who belongs to which group and holds which role, where a login may return to, and what a claim may be. Pure.
import { SallyportError } from '@sallyport/base/errors'
import { provisionedPrefix } from '@sallyport/identity/trust'
import type { Document, RoleName } from '@sallyport/policy/document'
import { type Config, isSecure } from '../config.ts'

export type LoginKind = 'browser' | 'cli'

/** A login that is not used for this long has ended. */
export const loginIdleMsMax = 28_800_000
/** A login ends after this long, used or not. */
export const loginLifeMsMax = 86_400_000
/** A browser gets another token after this long. */
export const rotateMs = 900_000
/** The token before is still taken for this long: requests that were under way, tabs that have not heard. */
export const rotateGraceMs = 60_000
/** A provider that gave a refresh token is asked again after this long, whether it still knows the person. */
export const refreshMs = 600_000
/** One that does not answer is asked again at most this often. */
export const refreshRetryMs = 60_000
/** A provider that does not answer for this long has not confirmed anybody any more. */
export const refreshGraceMsMax = 3_600_000
/** Characters of what a browser calls itself. */
export const clientCharsMax = 200
/** Between the start of a login and its end at our callback. */
export const attemptMsMax = 600_000
/** Values of a groups claim. */
export const groupClaimsMax = 2_000
/** Characters of one value of a groups claim. */
export const groupClaimCharsMax = 256
/** Characters of a name that is shown. */
export const displayCharsMax = 120
/** Characters of a path to return to. */
export const returnToCharsMax = 2_000

/** The prefix makes the browser refuse the cookie without Secure, with a domain or another path. */
export const sessionCookieName = (config: Pick<Config, 'publicUrl'>): string =>
  isSecure(config) ? '__Host-sallyport' : 'sallyport'
export const attemptCookieName = (config: Pick<Config, 'publicUrl'>): string =>
  isSecure(config) ? '__Host-sallyport-login' : 'sallyport-login'

/** Only a path of our own pages: never another origin, however it is written. */
export function safeReturnTo(text: string | undefined, publicUrl: string): string {
  if (text === undefined || text === '') return '/'
  const refused = new SallyportError(
    'REQUEST_INVALID',
    '"returnTo" must be a path of this site, starting with one slash',
  )
  if (text.length > returnToCharsMax || !/^\/(?![/\\])[\x21-\x7e]*$/.test(text) || text.includes('\\')) throw refused
  const url = new URL(text, publicUrl)
  // Dots are gone by now, and what stood behind them may begin with two slashes: to a browser that is another site.
  if (url.origin !== new URL(publicUrl).origin || url.pathname.startsWith('//')) throw refused
  return `${url.pathname}${url.search}${url.hash}`
}

interface Identity {
  readonly issuer: string
  readonly subject: string
  readonly groupClaims: readonly string[]
  /** Groups that SCIM has put the person into, as values of the claim. */
  readonly provisioned: readonly string[]
}

/** A group of SCIM stands in Group documents as this value of the claim; no login can bring one along. */
export const provisionedClaim = (groupId: string): string => `${provisionedPrefix}${groupId}`

/** Sallyport groups of a principal: by claim value or by exact subject, always of the same issuer (THREATS ). */
export function groupsOf(identity: Identity, documents: readonly Document[]): string[] {
  const groups = new Set<string>()
  for (const document of documents) {
    if (document.kind !== 'Group') continue
    const isMember = document.spec.members.some(
      (member) =>
        member.issuer === identity.issuer &&
        ('claim' in member ? hasClaim(identity, member.claim) : member.subject === identity.subject),
    )
    if (isMember) groups.add(document.metadata.name)
  }
  return [...groups].sort()
}

const hasClaim = (identity: Identity, claim: string): boolean =>
  (claim.startsWith(provisionedPrefix) ? identity.provisioned : identity.groupClaims).includes(claim)

/** Roles by Role documents; everyone who is signed in is a member. */
export function rolesOf(groups: readonly string[], documents: readonly Document[]): RoleName[] {
  const roles = new Set<RoleName>(['member'])
  for (const document of documents)
    if (document.kind === 'Role' && document.spec.groups.some((group) => groups.includes(group)))
      roles.add(document.spec.role)
  return [...roles].sort()
}

type Claims = Readonly<Record<string, unknown>>

/**
 * Values of the groups claim. An overage (OpenID Connect Core 5.6.2, distributed claims; `hasgroups` of Entra ID) is
 * refused, not ignored: fewer groups can mean fewer rules that deny (THREATS ).
 */
export function groupClaimsOf(claims: Claims, claim: string, provider: string): string[] {
  const elsewhere = claims['_claim_names']
  const [first = claim] = claim.split('.')
  const isElsewhere =
    typeof elsewhere === 'object' &&
    elsewhere !== null &&
    (Object.hasOwn(elsewhere, claim) || Object.hasOwn(elsewhere, first))
  if (isElsewhere || (claims['hasgroups'] === true && claim === 'groups'))
    throw new SallyportError('LOGIN_FAILED', `"${provider}" did not send all groups of this person`, {
      hint: 'let the provider send only the groups that Group documents name',
    })
  const value = claimAt(claims, claim)
  const values = typeof value === 'string' ? [value] : (value ?? [])
  const isList = Array.isArray(values) && values.length <= groupClaimsMax
  const texts = isList ? values.filter((item) => typeof item === 'string' && item.length <= groupClaimCharsMax) : []
  if (!isList || texts.length !== values.length)
    throw new SallyportError(
      'LOGIN_FAILED',
      `the claim "${claim}" of "${provider}" is not a list of at most ${groupClaimsMax} short names`,
    )
  if (texts.some((text) => text.startsWith(provisionedPrefix)))
    throw new SallyportError('LOGIN_FAILED', `"${provider}" sent a group that starts with "${provisionedPrefix}"`, {
      hint: 'such names stand for groups of SCIM; call the group otherwise',
    })
  return [...new Set<string>(texts)]
}

/** The claim of this very name, or else the one at the end of a path: `realm_access.roles`. */
function claimAt(claims: Claims, claim: string): unknown {
  if (Object.hasOwn(claims, claim)) return claims[claim]
  let at: unknown = claims
  for (const part of claim.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined
    at = Reflect.get(at, part)
  }
  return at
}

const firstText = (claims: Claims, names: readonly string[]): string | undefined => {
  for (const name of names) {
    const value = claims[name]
    if (typeof value === 'string' && value.trim() !== '') return value.trim()
  }
  return undefined
}

/** A name to show, never a key. Control and format characters (bidi, zero width) are taken out. */
export function displayOf(claims: Claims, subject: string): string {
  const text = firstText(claims, ['name', 'preferred_username', 'email']) ?? subject
  const clean = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '').slice(0, displayCharsMax)
  return clean === '' ? 'unnamed' : clean
}
