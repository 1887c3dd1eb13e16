// Credentials of AWS: values of Secrets Manager (GetSecretValue), and tokens by which RDS lets a role of the database in. Requests are
// signed with Signature Version 4 by who the agent is; a value is kept for seconds, a token for most of its life.
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import type { CredentialReference } from '@sallyport/policy/document'
import { z } from 'zod'
import { askKeeper, unavailable } from './ask.ts'
import { awsKeys } from './aws-keys.ts'
import type { AwsSettings } from './aws-settings.ts'
import type { Environment } from './broker.ts'
import { type AwsKeys, presigned, signature } from './sigv4.ts'

export type AwsSecret = Extract<CredentialReference, { awsSecret: unknown }>['awsSecret']

export interface AwsReader {
  /** Throws CREDENTIAL_UNAVAILABLE, which names the secret and never a value. */
  secret(asked: AwsSecret): Promise<Secret>
  /** For this user of a database at `host:port`. Throws CREDENTIAL_UNAVAILABLE. */
  rdsToken(region: string, address: string, user: string): Promise<Secret>
}

export interface AwsDeps {
  readonly settings: AwsSettings
  readonly clock: Clock
  readonly environment: Environment
}

/** Of a token of RDS, in seconds: the longest there is (RDS User Guide, "Connecting using IAM authentication"). */
const rdsTokenSeconds = 900
/** For so long one is used, so that connections of one role are of one kind, in milliseconds. */
const rdsTokenUsedMs = 600_000
/** Secrets and tokens that are kept. */
const keptMax = 1_000

const SecretAnswer = z.object({ SecretString: z.string().min(1).max(65_536) })
const Failure = z.object({ __type: z.string().max(200) })

export function awsReader(deps: AwsDeps): AwsReader {
  const { clock, settings, environment } = deps
  const keys = awsKeys({ settings, environment, nowMs: () => clock.nowMs() })
  const secrets = keptFor<Secret>(clock, limits.awsAgeMsMax)
  const tokens = keptFor<Secret>(clock, rdsTokenUsedMs)
  return {
    async secret({ region, id, field }) {
      const whole = await secrets.of(`${region} ${id}`, async () => await readSecret(deps, await keys(), region, id))
      return field === undefined ? whole : fieldOf(whole, id, field)
    },
    async rdsToken(region, address, user) {
      const current = await keys()
      // Other keys, another token: those before may have ended.
      return await tokens.of(JSON.stringify([region, address, user, current.id]), async () => {
        const scope = { region, service: 'rds-db', nowMs: clock.nowMs() }
        const query = { Action: 'connect', DBUser: user }
        return new Secret(presigned({ host: address, query }, current, scope, rdsTokenSeconds))
      })
    },
  }
}

async function readSecret({ settings, clock }: AwsDeps, keys: AwsKeys, region: string, id: string): Promise<Secret> {
  const url = new URL(settings.secretsManager ?? `https://secretsmanager.${region}.amazonaws.com`)
  const body = JSON.stringify({ SecretId: id })
  const request = {
    method: 'POST',
    host: url.host,
    path: '/',
    fields: [
      ['content-type', 'application/x-amz-json-1.1'],
      ['x-amz-target', 'secretsmanager.GetSecretValue'],
    ] as const,
    body: Buffer.from(body),
  }
  const fields = signature(request, keys, { region, service: 'secretsmanager', nowMs: clock.nowMs() })
  const { status, json } = await askKeeper({
    keeper: 'AWS Secrets Manager',
    method: 'POST',
    url: `${url.origin}/`,
    headers: Object.fromEntries(fields),
    body,
    msMax: limits.awsAnswerMsMax,
    bytesMax: limits.awsAnswerBytesMax,
  })
  const parsed = SecretAnswer.safeParse(json)
  if (status === 200 && parsed.success) return new Secret(parsed.data.SecretString)
  const failure = Failure.safeParse(json)
  const why = failure.success ? ` (${failure.data.__type.replace(/^.*#/, '').slice(0, 80)})` : ''
  throw unavailable(`AWS Secrets Manager answered ${status}${why} for "${id}"`)
}

/** A text, number or truth value of a secret that is JSON. */
function fieldOf(whole: Secret, id: string, field: string): Secret {
  const parsed = z.record(z.string(), z.unknown()).safeParse(jsonOf(whole))
  const value = parsed.success && Object.hasOwn(parsed.data, field) ? parsed.data[field] : undefined
  const found = z.union([z.string().min(1), z.number(), z.boolean()]).safeParse(value)
  if (!found.success) throw unavailable(`"${id}" in AWS Secrets Manager has no field "${field}"`)
  return new Secret(String(found.data))
}

function jsonOf(whole: Secret): unknown {
  try {
    return JSON.parse(whole.reveal())
  } catch {
    // The parser's own words hold a piece of the text.
    return null
  }
}

/** Values by name for a while; those that failed are asked for again. */
function keptFor<V>(clock: Clock, ageMs: number) {
  const kept = new Map<string, { readonly value: Promise<V>; readonly untilMs: number }>()
  return {
    async of(name: string, make: () => Promise<V>): Promise<V> {
      const nowMs = clock.nowMs()
      const known = kept.get(name)
      if (known !== undefined && nowMs < known.untilMs) return await known.value
      const [oldest] = kept.keys()
      if (kept.size >= keptMax && oldest !== undefined) kept.delete(oldest)
      const made = { value: make(), untilMs: nowMs + ageMs }
      kept.set(name, made)
      made.value.catch(() => kept.get(name) === made && kept.delete(name))
      return await made.value
    },
  }
}
