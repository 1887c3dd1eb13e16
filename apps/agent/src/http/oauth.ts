// Tokens for HTTP targets by the client credentials grant (RFC 6749, 4.4): asked for when one is needed, kept while it is good,
// asked for once however many requests need it. The client's secret goes to the token endpoint alone.
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import type { HttpCredential, HttpTargetDocument } from '@sallyport/policy/document'
import { z } from 'zod'
import { type CredentialSources, resolveCredential } from '../secrets/broker.ts'
import type { Answer, Upstreams } from './upstream.ts'

export type Oauth = Extract<HttpCredential, { oauth: unknown }>['oauth']

export interface OauthTokens {
  /** Throws CREDENTIAL_UNAVAILABLE; the cause is for the operator's log. */
  of(target: HttpTargetDocument, oauth: Oauth): Promise<OauthToken>
  /** The target refused its token: the next request asks for another one, unless this one is new. */
  refused(target: HttpTargetDocument): void
}

export interface OauthToken {
  readonly secret: Secret
  /** When it was asked for. */
  readonly sinceMs: number
  readonly untilMs: number
}

/** Where tokens come from that are not kept here. */
export type OauthSource = Pick<OauthTokens, 'of'> & Partial<OauthTokens>

interface Kept {
  readonly token: Promise<OauthToken>
  sinceMs: number
}

/** Documents of which tokens are kept: as many as targets, and a few that have changed. */
const keptMax = 1_000
/** A token is not used in the last moments of its life. */
const marginMs = 30_000
/** A target that refuses every token is no reason to ask for one with each request. */
const freshMs = 10_000

export function oauthTokens({ clock, source }: { readonly clock: Clock; readonly source: OauthSource }): OauthTokens {
  const kept = new Map<string, Kept>()
  return {
    async of(target, oauth) {
      const key = oauthKey(target)
      const nowMs = clock.nowMs()
      const known = kept.get(key)
      if (known !== undefined) {
        const token = await known.token
        if (nowMs < token.untilMs) return token
        if (kept.get(key) === known) kept.delete(key)
      }
      const raced = kept.get(key)
      if (raced !== undefined) return await raced.token
      const token = source.of(target, oauth)
      const made: Kept = { token, sinceMs: nowMs }
      const [oldest] = kept.keys()
      if (kept.size >= keptMax && oldest !== undefined) kept.delete(oldest)
      kept.set(key, made)
      token.then(
        ({ sinceMs }) => {
          made.sinceMs = sinceMs
        },
        // What failed is not kept.
        () => kept.get(key) === made && kept.delete(key),
      )
      return await token
    },
    refused(target) {
      const key = oauthKey(target)
      const known = kept.get(key)
      if (known === undefined || clock.nowMs() - known.sinceMs < freshMs) return
      kept.delete(key)
      source.refused?.(target)
    },
  }
}

/** Of a target as its document is. */
export const oauthKey = ({ metadata, spec }: HttpTargetDocument): string => JSON.stringify([metadata.name, spec])

/** RFC 6749, 5.1. */
const TokenAnswer = z.object({
  access_token: z
    .string()
    .regex(/^[A-Za-z0-9\-._~+/]+=*$/)
    .max(16_384),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.coerce.number().positive().optional(),
})
/** Where the server does not say. */
const lifeSecondsDefault = 300

interface EndpointDeps {
  readonly upstreams: Upstreams
  readonly environment: CredentialSources
  readonly clock: Clock
}

/** The token endpoints that documents name. */
export const oauthEndpoints = (deps: EndpointDeps): OauthSource => ({
  of: (target, oauth) => asked(deps, target, oauth, deps.clock.nowMs()),
})

async function asked(
  { upstreams, environment, clock }: EndpointDeps,
  target: HttpTargetDocument,
  oauth: Oauth,
  nowMs: number,
): Promise<OauthToken> {
  const { name } = target.metadata
  const url = new URL(oauth.tokenUrl)
  // Sealed for where it goes: the token endpoint, not the API.
  const secret = await resolveCredential(oauth.clientSecret, environment, { target: name, address: url.origin })
  // Reached as the target is: the same networks, and TLS verified by its own name.
  const { ca } = target.spec.tls
  const endpoint = { ...target, spec: { ...target.spec, url: url.origin, tls: ca === undefined ? {} : { ca } } }
  try {
    const answer = await upstreams.send(endpoint, {
      method: 'POST',
      path: `${url.pathname}${url.search}`,
      signal: AbortSignal.timeout(limits.oauthAnswerMsMax),
      ...formOf(oauth, secret),
    })
    const text = await textOf(answer)
    if (answer.status !== 200) throw new Error(`the token endpoint answered ${answer.status}`)
    const { access_token: token, expires_in: seconds = lifeSecondsDefault } = TokenAnswer.parse(jsonOf(text))
    const lifeMs = Math.min(seconds * 1_000, limits.oauthTokenMsMax)
    return {
      secret: new Secret(token),
      sinceMs: nowMs,
      untilMs: Math.max(nowMs, clock.nowMs()) + lifeMs - Math.min(marginMs, lifeMs / 4),
    }
  } catch (cause) {
    throw new SallyportError('CREDENTIAL_UNAVAILABLE', `the token endpoint of target "${name}" gave no token`, {
      hint: 'the operator of the agent finds the reason in its log',
      cause,
    })
  }
}

/** What the parser says of a text quotes it, and this one may hold a token. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('the answer of the token endpoint is no JSON')
  }
}

function formOf(
  { clientId, scope, audience, sendAs }: Oauth,
  secret: Secret,
): { readonly fields: readonly (readonly [string, string])[]; readonly body: Buffer } {
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (scope !== undefined) form.set('scope', scope)
  if (audience !== undefined) form.set('audience', audience)
  const fields = [
    ['content-type', 'application/x-www-form-urlencoded'],
    ['accept', 'application/json'],
    ['accept-encoding', 'identity'],
  ] as const
  if (sendAs === 'form') {
    form.set('client_id', clientId)
    form.set('client_secret', secret.reveal())
    return { fields, body: Buffer.from(form.toString()) }
  }
  // RFC 6749, 2.3.1: both are encoded as in a form first.
  const encoded = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2)
  const pair = Buffer.from(`${encoded(clientId)}:${encoded(secret.reveal())}`).toString('base64')
  return { fields: [...fields, ['authorization', `Basic ${pair}`]], body: Buffer.from(form.toString()) }
}

async function textOf({ body }: Answer): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > limits.oauthAnswerBytesMax) {
      body.destroy()
      throw new Error('the answer of the token endpoint is too long')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
