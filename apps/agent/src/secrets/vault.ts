// Reads credentials from HashiCorp Vault over its HTTP API (developer.hashicorp.com/vault/api-docs): KV version 1 and 2, and
// static roles of the database engine, whose passwords Vault rotates. The agent's own login is renewed before it ends. A value is
// kept for seconds, so that many logins at a target are one request; nothing is written anywhere.
import { readFile } from 'node:fs/promises'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { Agent, request } from 'undici'
import { z } from 'zod'
import { resolveCredential } from './broker.ts'
import type { VaultSettings } from './vault-settings.ts'

export interface VaultReader {
  /** Throws CREDENTIAL_UNAVAILABLE, which names the path and never a value. */
  read(path: string, field: string): Promise<Secret>
}

interface VaultDeps {
  readonly settings: VaultSettings
  readonly clock: Clock
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Of the life of a login, after which another one is made. */
const renewAt = 2 / 3
/** Paths whose values are kept. */
const keptMax = 1_000

const LoginAnswer = z.object({
  auth: z.object({ client_token: z.string().min(1).max(4_096), lease_duration: z.number().min(0) }),
})
const Value = z.union([z.string(), z.number(), z.boolean()])
const ReadAnswer = z.object({
  lease_id: z.string().default(''),
  data: z.record(z.string(), z.unknown()),
})
/** KV 2 puts the values beside their metadata. */
const Kv2 = z.strictObject({
  data: z.record(z.string(), z.unknown()),
  metadata: z.looseObject({ version: z.number(), destroyed: z.boolean().optional() }),
})

interface Login {
  readonly token: Secret
  readonly sinceMs: number
  readonly untilMs: number
}
interface Kept {
  readonly values: Promise<ReadonlyMap<string, Secret>>
  readonly untilMs: number
}

const unavailable = (message: string, cause?: unknown): SallyportError =>
  new SallyportError('CREDENTIAL_UNAVAILABLE', message, {
    cause,
    hint: 'the operator of the agent finds the reason in its log',
  })

export function vaultReader(deps: VaultDeps): VaultReader {
  const kept = new Map<string, Kept>()
  let login: Promise<Login> | null = null
  const loginNow = async (): Promise<Login> => {
    const known = login
    if (known !== null) {
      const current = await known
      if (deps.clock.nowMs() < current.untilMs) return current
      if (login === known) login = null
    }
    login ??= logIn(deps)
    const current = login
    // A login that failed is tried again with the next credential.
    current.catch(() => {
      if (login === current) login = null
    })
    return await current
  }
  const valuesAt = async (path: string): Promise<ReadonlyMap<string, Secret>> => {
    const { token, sinceMs } = await loginNow()
    const first = await call(deps, 'GET', path, { token })
    // A path that is forbidden is no reason for a login each time somebody asks: a secret id has only so many uses.
    if (first.status !== 403 || deps.clock.nowMs() < sinceMs + limits.vaultAgeMsMax) return valuesOf(path, first, token)
    // The token may have been revoked at Vault: once more with a new one.
    login = null
    const next = await loginNow()
    return valuesOf(path, await call(deps, 'GET', path, { token: next.token }), next.token)
  }
  return {
    async read(path, field) {
      const nowMs = deps.clock.nowMs()
      const known = kept.get(path)
      const current =
        known !== undefined && nowMs < known.untilMs
          ? known
          : { values: valuesAt(path), untilMs: nowMs + limits.vaultAgeMsMax }
      if (current !== known) {
        const [oldest] = kept.keys()
        if (kept.size >= keptMax && oldest !== undefined) kept.delete(oldest)
        kept.set(path, current)
        current.values.catch(() => kept.get(path) === current && kept.delete(path))
      }
      const secret = (await current.values).get(field)
      if (secret === undefined) throw unavailable(`"${path}" in Vault has no field "${field}"`)
      return secret
    },
  }
}

async function logIn(deps: VaultDeps): Promise<Login> {
  const { auth } = deps.settings
  const nowMs = deps.clock.nowMs()
  if ('tokenFile' in auth) {
    // Whoever writes the file renews the token.
    const token = await fileOf(auth.tokenFile, deps)
    return { token, sinceMs: nowMs, untilMs: nowMs + limits.vaultAgeMsMax }
  }
  const [mount, body] =
    'appRole' in auth
      ? [
          auth.appRole.mount,
          {
            role_id: (await fileOf(auth.appRole.roleIdFile, deps)).reveal(),
            secret_id: (await fileOf(auth.appRole.secretIdFile, deps)).reveal(),
          },
        ]
      : [
          auth.kubernetes.mount,
          { role: auth.kubernetes.role, jwt: (await fileOf(auth.kubernetes.tokenFile, deps)).reveal() },
        ]
  const answer = await call(deps, 'POST', `auth/${mount}/login`, { body })
  const parsed = LoginAnswer.safeParse(answer.json)
  if (answer.status !== 200 || !parsed.success)
    throw unavailable(`Vault refused the agent's login at "${mount}" with status ${answer.status}`)
  const { client_token, lease_duration } = parsed.data.auth
  // 0 is a token without an end.
  const lifeMs =
    lease_duration === 0 ? limits.vaultLoginMsMax : Math.min(lease_duration * 1_000, limits.vaultLoginMsMax)
  return { token: new Secret(client_token), sinceMs: nowMs, untilMs: nowMs + lifeMs * renewAt }
}

/** As the credential of a file: a trailing newline is an editor's. */
const fileOf = async (path: string, { environment }: VaultDeps): Promise<Secret> =>
  await resolveCredential({ file: path }, environment, { target: '', address: '' })

interface Answer {
  readonly status: number
  readonly json: unknown
}

async function call(
  deps: VaultDeps,
  method: 'GET' | 'POST',
  path: string,
  sent: { readonly token?: Secret; readonly body?: object },
): Promise<Answer> {
  const { address, namespace, caFile } = deps.settings
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8').catch(() => undefined)
  if (caFile !== undefined && ca === undefined) throw unavailable(`the authority of Vault, "${caFile}", cannot be read`)
  const dispatcher = new Agent({ connect: ca === undefined ? {} : { ca }, connectTimeout: limits.vaultAnswerMsMax })
  try {
    const response = await request(`${new URL(address).origin}/v1/${path}`, {
      method,
      dispatcher,
      signal: AbortSignal.timeout(limits.vaultAnswerMsMax),
      headers: {
        accept: 'application/json',
        'x-vault-request': 'true',
        ...(sent.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
        ...(sent.token === undefined ? {} : { 'x-vault-token': sent.token.reveal() }),
      },
      ...(sent.body === undefined ? {} : { body: JSON.stringify(sent.body) }),
    })
    return { status: response.statusCode, json: await jsonOf(response.body) }
  } catch (cause) {
    throw cause instanceof SallyportError ? cause : unavailable('Vault cannot be reached by the agent', cause)
  } finally {
    await dispatcher.close().catch(() => undefined)
  }
}

async function jsonOf(body: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > limits.vaultAnswerBytesMax)
      throw unavailable(`Vault answered with more than ${limits.vaultAnswerBytesMax} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return null
  }
}

/** Some paths tell the login itself, which is no credential of a target, whatever a document says. */
function valuesOf(path: string, { status, json }: Answer, own: Secret): ReadonlyMap<string, Secret> {
  const parsed = ReadAnswer.safeParse(json)
  if (status !== 200 || !parsed.success) throw unavailable(`Vault answered ${status} for "${path}"`)
  // Each read of a dynamic role makes another user, with a name of its own that no target document knows.
  if (parsed.data.lease_id !== '')
    throw unavailable(`"${path}" in Vault makes a new user for each read; use a static role of the engine`)
  const kv2 = Kv2.safeParse(parsed.data.data)
  const values = kv2.success ? kv2.data.data : parsed.data.data
  if (Object.values(values).includes(own.reveal()))
    throw unavailable(`"${path}" in Vault holds the login of the agent, which is no credential of a target`)
  return new Map(
    Object.entries(values).flatMap(([name, value]) => {
      const text = Value.safeParse(value)
      return text.success && String(text.data) !== '' ? [[name, new Secret(String(text.data))] as const] : []
    }),
  )
}
