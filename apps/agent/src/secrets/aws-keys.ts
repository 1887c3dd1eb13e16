// The keys by which the agent signs at AWS: its own, those of its container, or those of a role that a token of its cluster stands
// for. Keys that end are asked for again before they do.
import { limits } from '@sallyport/base/limits'
import { z } from 'zod'
import { type Answer, askKeeper, unavailable } from './ask.ts'
import type { AwsSettings } from './aws-settings.ts'
import { type Environment, resolveCredential } from './broker.ts'
import type { AwsKeys } from './sigv4.ts'

export interface AwsKeysDeps {
  readonly settings: AwsSettings
  readonly environment: Environment
  readonly nowMs: () => number
}

interface Kept {
  readonly keys: AwsKeys
  readonly untilMs: number
}

/** Before their end, keys are asked for again, in milliseconds. */
const aheadMs = 300_000
/** Where nothing says when they end, in milliseconds. */
const unknownLifeMs = 60_000
const here = { target: '', address: '' }

/** Throws CREDENTIAL_UNAVAILABLE. */
export function awsKeys(deps: AwsKeysDeps): () => Promise<AwsKeys> {
  let kept: Promise<Kept> | null = null
  return async () => {
    const { auth } = deps.settings
    // Read anew each time, as every variable and file is.
    if ('keys' in auth) return await ownKeys(auth.keys, deps.environment)
    const known = kept
    if (known !== null) {
      const current = await known
      if (deps.nowMs() < current.untilMs) return current.keys
      if (kept === known) kept = null
    }
    kept ??= 'container' in auth ? containerKeys(auth.container, deps) : roleKeys(auth.webIdentity, deps)
    const asked = kept
    asked.catch(() => {
      if (kept === asked) kept = null
    })
    return (await asked).keys
  }
}

type Auth = AwsSettings['auth']
type Own = Extract<Auth, { keys: unknown }>['keys']
type Container = Extract<Auth, { container: unknown }>['container']
type WebIdentity = Extract<Auth, { webIdentity: unknown }>['webIdentity']

async function ownKeys(
  { accessKeyId, secretAccessKey, sessionToken }: Own,
  environment: Environment,
): Promise<AwsKeys> {
  const id = await resolveCredential(accessKeyId, environment, here)
  const secret = await resolveCredential(secretAccessKey, environment, here)
  const session = sessionToken === undefined ? null : await resolveCredential(sessionToken, environment, here)
  return { id: id.reveal(), secret: secret.reveal(), session: session?.reveal() ?? null }
}

const text = z.string().min(1).max(8_192)
const ContainerAnswer = z.object({ AccessKeyId: text, SecretAccessKey: text, Token: text, Expiration: text.optional() })

async function containerKeys({ uri, tokenFile }: Container, deps: AwsKeysDeps): Promise<Kept> {
  const headers = new Map<string, string>()
  if (tokenFile !== undefined) headers.set('authorization', await fileText(tokenFile, deps))
  const { status, json } = await ask('GET', uri, Object.fromEntries(headers))
  const parsed = ContainerAnswer.safeParse(json)
  if (status !== 200 || !parsed.success)
    throw unavailable(`the credentials of the agent's container were answered with status ${status}`)
  const { AccessKeyId: id, SecretAccessKey: secret, Token: session, Expiration } = parsed.data
  return keptUntil(deps, { id, secret, session }, Date.parse(Expiration ?? ''))
}

const RoleAnswer = z.object({
  AssumeRoleWithWebIdentityResponse: z.object({
    AssumeRoleWithWebIdentityResult: z.object({
      Credentials: z.object({
        AccessKeyId: text,
        SecretAccessKey: text,
        SessionToken: text,
        /** In seconds. */
        Expiration: z.number(),
      }),
    }),
  }),
})

async function roleKeys({ roleArn, tokenFile, region, sts }: WebIdentity, deps: AwsKeysDeps): Promise<Kept> {
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: roleArn,
    RoleSessionName: 'sallyport-agent',
    WebIdentityToken: await fileText(tokenFile, deps),
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const url = `${new URL(sts ?? `https://sts.${region}.amazonaws.com`).origin}/`
  const { status, json } = await ask('POST', url, headers, form.toString())
  const parsed = RoleAnswer.safeParse(json)
  if (status !== 200 || !parsed.success)
    throw unavailable(`AWS refused the role "${roleArn}" to the agent with status ${status}`)
  const given = parsed.data.AssumeRoleWithWebIdentityResponse.AssumeRoleWithWebIdentityResult.Credentials
  const { AccessKeyId: id, SecretAccessKey: secret, SessionToken: session, Expiration } = given
  return keptUntil(deps, { id, secret, session }, Expiration * 1_000)
}

function keptUntil({ nowMs }: AwsKeysDeps, keys: AwsKeys, endsMs: number): Kept {
  const lifeMs = Number.isFinite(endsMs) ? endsMs - nowMs() : unknownLifeMs
  // Those that end within minutes are used for half of what they live.
  return { keys, untilMs: nowMs() + Math.max(lifeMs - aheadMs, lifeMs / 2) }
}

const fileText = async (path: string, { environment }: AwsKeysDeps): Promise<string> =>
  (await resolveCredential({ file: path }, environment, here)).reveal()

const ask = async (
  method: 'GET' | 'POST',
  url: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<Answer> =>
  await askKeeper({
    keeper: 'AWS',
    method,
    url,
    headers,
    ...(body === undefined ? {} : { body }),
    msMax: limits.awsAnswerMsMax,
    bytesMax: limits.awsAnswerBytesMax,
  })
