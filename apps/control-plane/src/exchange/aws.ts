// Callers of AWS, who have no tokens: they sign a request of their own to STS (GetCallerIdentity), and the control plane sends it
// on and hears from AWS who has signed it. What is sent is made here anew from the checked parts; nothing else of it leaves.
// INVARIANT: the signature covers our audience (as Vault's X-Vault-AWS-IAM-Server-ID does), so that a request signed for anybody
// else is good for nothing here (THREATS ), and each is used once.
import { createHash } from 'node:crypto'
import { SallyportError, type SallyportErrorCode } from '@sallyport/base/errors'
import type { Trust } from '@sallyport/identity/trust'
import type { TrustedIssuerDocument } from '@sallyport/policy/document'
import { z } from 'zod'
import type { IssuerFetch } from '../identities/issuer-fetch.ts'

/** The header that has to be signed, with an audience of the TrustedIssuer as its value. */
export const audienceHeader = 'x-sallyport-audience'
/** A signed request is taken for so long after its date, in milliseconds; AWS takes it for fifteen minutes. */
export const signedRequestMsMax = 300_000
const leewayMs = 60_000
const query = 'Action=GetCallerIdentity&Version=2011-06-15'

/** What Google's STS takes as `urn:ietf:params:aws:token-type:aws4_request`, so that libraries for it can be used. */
const SignedRequest = z.strictObject({
  url: z.string().max(256),
  method: z.literal('POST'),
  headers: z.array(z.strictObject({ key: z.string().max(64), value: z.string().max(4_096) })).max(16),
})

/** Headers that go to AWS, beside the audience. Session tokens of roles are long. */
const passed: ReadonlySet<string> = new Set([
  'authorization',
  'host',
  'x-amz-date',
  'x-amz-security-token',
  audienceHeader,
])

export interface AwsCaller {
  readonly document: TrustedIssuerDocument
  /** ARN of the role or user. */
  readonly subject: string
  /** As claims of a token would be. */
  readonly payload: Readonly<Record<string, unknown>>
  readonly signedAtMs: number
  /** Of this one request. */
  readonly signatureId: string
}

const refused = (code: SallyportErrorCode, message: string, hint: string): SallyportError =>
  new SallyportError(code, message, { hint })
const guide = 'docs/workloads.md shows how to sign one'

interface Checked extends Pick<AwsCaller, 'document' | 'signedAtMs' | 'signatureId'> {
  readonly headers: Readonly<Record<string, string>>
}

/** Asks AWS who has signed. Throws TOKEN_… or UPSTREAM_UNREACHABLE. */
export async function awsCaller(ask: IssuerFetch, token: string, trust: Trust, nowMs: number): Promise<AwsCaller> {
  const { headers, ...checked } = check(token, trust, nowMs)
  // It is that of the address, as was checked.
  const { host: _, ...sent } = headers
  const { issuer } = checked.document.spec
  const { status, text } = await ask(`${issuer}/?${query}`, {
    method: 'POST',
    headers: { ...sent, accept: 'application/json' },
  })
  if (status >= 500 || status === 429) throw new SallyportError('UPSTREAM_UNREACHABLE', `"${issuer}" answers ${status}`)
  if (status !== 200)
    throw refused('TOKEN_SIGNATURE_WRONG', 'AWS does not believe the signature', 'sign anew, with credentials in force')
  return { ...checked, ...identityOf(text, issuer) }
}

/** Everything that can be told without AWS. */
function check(token: string, trust: Trust, nowMs: number): Checked {
  const { url, headers } = readSigned(token)
  const document = documentOf(url, trust)
  const { signed, signature } = signatureOf(headers)
  if (headers['host'] !== new URL(document.spec.issuer).host)
    throw refused('TOKEN_ISSUER_UNKNOWN', 'the signed request is for another host than its address', guide)
  for (const name of ['host', 'x-amz-date', audienceHeader])
    if (!signed.has(name))
      throw refused('TOKEN_SIGNATURE_WRONG', `the signature of the request does not cover "${name}"`, guide)
  if (!document.spec.audiences.includes(headers[audienceHeader] ?? ''))
    throw refused(
      'TOKEN_AUDIENCE_WRONG',
      'the request was signed for another audience',
      `sign the header "${audienceHeader}" with the value "${document.spec.audiences[0]}"`,
    )
  const signedAtMs = signingTime(headers['x-amz-date'] ?? '')
  if (signedAtMs > nowMs + leewayMs)
    throw refused('TOKEN_NOT_YET_VALID', 'the request is signed for a later time', 'compare the clocks')
  if (signedAtMs + signedRequestMsMax <= nowMs)
    throw refused('TOKEN_EXPIRED', 'the request was signed more than five minutes ago', 'sign one for each token')
  // Of the signature alone: around it a space more or less is the same request (THREATS ).
  const signatureId = createHash('sha256').update(signature).digest('hex')
  return { document, headers, signedAtMs, signatureId }
}

function readSigned(token: string): { readonly url: string; readonly headers: Readonly<Record<string, string>> } {
  const invalid = (): SallyportError => refused('TOKEN_INVALID', 'the signed request cannot be read', guide)
  let read: unknown
  try {
    read = JSON.parse(token.startsWith('%7B') ? decodeURIComponent(token) : token)
  } catch {
    throw invalid()
  }
  const parsed = SignedRequest.safeParse(read)
  if (!parsed.success) throw invalid()
  const headers: Record<string, string> = {}
  for (const { key, value } of parsed.data.headers) {
    const name = key.toLowerCase()
    // What would be sent otherwise than it was signed is not sent at all: repeated, unknown, with control characters.
    if (!passed.has(name) || Object.hasOwn(headers, name) || !/^[\x20-\x7e]+$/.test(value)) throw invalid()
    headers[name] = value
  }
  return { url: parsed.data.url, headers }
}

/** Only hosts that a document names are asked, and by the address of the document. */
function documentOf(url: string, { issuers }: Trust): TrustedIssuerDocument {
  const [, host] = /^(https:\/\/[a-z0-9.-]+)\/?\?Action=GetCallerIdentity&Version=2011-06-15$/.exec(url) ?? []
  const document = host === undefined ? undefined : issuers.get(host)?.document
  if (document?.spec.preset === 'aws') return document
  throw refused(
    'TOKEN_ISSUER_UNKNOWN',
    'the signed request is for no host that is trusted here',
    `sign POST HOST/?${query} for the "issuer" of a TrustedIssuer with preset "aws"`,
  )
}

/** AWS, "Signature Version 4 signing process": the signature, and the names of the headers that it covers. */
function signatureOf(headers: Readonly<Record<string, string>>): {
  readonly signed: ReadonlySet<string>
  readonly signature: string
} {
  const form =
    /^AWS4-HMAC-SHA256 Credential=[A-Z0-9]{16,128}\/\d{8}\/[a-z0-9-]+\/sts\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/
  const [, names, signature] = form.exec(headers['authorization'] ?? '') ?? []
  if (names === undefined || signature === undefined)
    throw refused('TOKEN_ALGORITHM_WRONG', 'the request is not signed with Signature Version 4', guide)
  return { signed: new Set(names.split(';')), signature }
}

function signingTime(date: string): number {
  const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  const ms = iso === date ? Number.NaN : Date.parse(iso)
  if (Number.isNaN(ms)) throw refused('TOKEN_CLAIM_MISSING', 'the signed request has no date', guide)
  return ms
}

/** AWS STS API Reference, GetCallerIdentity; as JSON when that is asked for. */
const Identity = z.object({
  GetCallerIdentityResponse: z.object({
    GetCallerIdentityResult: z.object({
      Account: z.string().regex(/^\d{12}$/),
      Arn: z.string().max(1_024),
      UserId: z.string().max(256),
    }),
  }),
})

function identityOf(text: string, issuer: string): Pick<AwsCaller, 'subject' | 'payload'> {
  const parsed = Identity.safeParse(jsonOf(text))
  if (!parsed.success) throw new SallyportError('UPSTREAM_UNREACHABLE', `the answer of "${issuer}" cannot be read`)
  const { Account: account, Arn: arn, UserId: userId } = parsed.data.GetCallerIdentityResponse.GetCallerIdentityResult
  const partition = issuer.endsWith('.cn') ? 'aws-cn' : 'aws(-us-gov)?'
  const role = new RegExp(`^arn:(${partition}):sts::${account}:assumed-role/([\\w+=,.@-]+)/([\\w+=,.@-]+)$`).exec(arn)
  const user = new RegExp(`^arn:${partition}:iam::${account}:user/[\\w+=,.@/-]+$`).exec(arn)
  // The id is that of this role, and not of one that is made later under its name.
  const [id = ''] = userId.split(':')
  if (role !== null) {
    const [, name = '', session = ''] = [role[1], role.at(-2), role.at(-1)]
    const subject = `arn:${role[1]}:iam::${account}:role/${name}`
    return { subject, payload: { sub: subject, account, arn: subject, role: name, session, id } }
  }
  if (user !== null) return { subject: arn, payload: { sub: arn, account, arn, id } }
  throw refused(
    'TOKEN_CLAIM_WRONG',
    'the request was signed by neither a role nor a user',
    'give the function a role; the root user and federated users are never taken',
  )
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
