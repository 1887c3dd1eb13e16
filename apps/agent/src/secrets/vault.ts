// Reads credentials from HashiCorp Vault over its HTTP API (developer.hashicorp.com/vault/api-docs): KV version 1 and 2, and
// static roles of the database engine, whose passwords Vault rotates; dynamic ones stand in vault-leases.ts. The agent's own login is
// renewed before it ends. A value is
// kept for seconds, so that many logins at a target are one request; nothing is written anywhere.
import { readFile } from 'node:fs/promises'
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { z } from 'zod'
import { type After, realAfter } from '../link/holds.ts'
import { type Answer, askKeeper, type Question, unavailable } from './ask.ts'
import { resolveCredential } from './broker.ts'
import { type Asked, type LeasedUser, type LeasingLogin, vaultLeases } from './vault-leases.ts'
import type { VaultSettings } from './vault-settings.ts'

export interface VaultReader {
  /** Throws CREDENTIAL_UNAVAILABLE, which names the path and never a value. */
  read(path: string, field: string): Promise<Secret>
  /** The user of a dynamic role, of one lease for as long as it can be renewed. Throws CREDENTIAL_UNAVAILABLE. */
  user(path: string): Promise<LeasedUser>
  /** Passwords of the leases that there are now. */
  leased(): readonly Secret[]
  /** Gives back the leases at other paths than these, which no target asks for any more. */
  keep(paths: ReadonlySet<string>): void
  /** Gives every lease back, as far as Vault answers. */
  close(): Promise<void>
}

interface VaultDeps {
  readonly settings: VaultSettings
  readonly clock: Clock
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly after?: After
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

interface Login extends LeasingLogin {
  readonly token: Secret
  readonly sinceMs: number
  readonly lifeMs: number
  untilMs: number
}
interface Kept {
  readonly values: Promise<ReadonlyMap<string, Secret>>
  readonly untilMs: number
}

interface Sent {
  readonly token?: Secret
  readonly body?: object
}

export function vaultReader(deps: VaultDeps): VaultReader {
  const kept = new Map<string, Kept>()
  let login: Promise<Login> | null = null
  const loginNow = async (): Promise<Login> => {
    const known = login
    let former: Login | null = null
    if (known !== null) {
      const current = await known
      if (deps.clock.nowMs() < current.untilMs) return current
      former = current
      if (login === known) login = null
    }
    login ??= renewed(deps, former)
    const current = login
    // A login that failed is tried again with the next credential.
    current.catch(() => {
      if (login === current) login = null
    })
    return await current
  }
  const asked = async (method: Question['method'], path: string, body?: object): Promise<Asked<Login>> => {
    const sent = body === undefined ? {} : { body }
    const first = await loginNow()
    const answer = await call(deps, method, path, { token: first.token, ...sent })
    // A path that is forbidden is no reason for a login each time somebody asks: a secret id has only so many uses.
    if (answer.status !== 403 || deps.clock.nowMs() < first.sinceMs + limits.vaultAgeMsMax)
      return { answer, login: first }
    // The token may have been revoked at Vault: once more with a new one.
    login = null
    const next = await loginNow()
    return { answer: await call(deps, method, path, { token: next.token, ...sent }), login: next }
  }
  const valuesAt = async (path: string): Promise<ReadonlyMap<string, Secret>> => {
    const { answer, login: by } = await asked('GET', path)
    return valuesOf(path, answer, by.token)
  }
  const leases = vaultLeases({ ask: asked, nowMs: () => deps.clock.nowMs(), after: deps.after ?? realAfter })
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
    ...leases,
  }
}

/** The same token for longer, where Vault lets it be renewed: whatever it has leased ends with it. Otherwise another login. */
async function renewed(deps: VaultDeps, former: Login | null): Promise<Login> {
  if (former === null || 'tokenFile' in deps.settings.auth) return await logIn(deps)
  const answer = await call(deps, 'POST', 'auth/token/renew-self', { token: former.token, body: {} }).catch(() => null)
  const parsed = LoginAnswer.safeParse(answer?.json)
  const lifeMs = parsed.success ? parsed.data.auth.lease_duration * 1_000 : 0
  // Near its last end Vault gives less and less.
  if (answer?.status !== 200 || lifeMs < former.lifeMs / 2) return await logIn(deps)
  const nowMs = deps.clock.nowMs()
  former.endsMs = nowMs + lifeMs
  former.untilMs = nowMs + Math.min(lifeMs, limits.vaultLoginMsMax) * renewAt
  return former
}

async function logIn(deps: VaultDeps): Promise<Login> {
  const { auth } = deps.settings
  const nowMs = deps.clock.nowMs()
  if ('tokenFile' in auth) {
    // Whoever writes the file renews the token.
    const token = await fileOf(auth.tokenFile, deps)
    const untilMs = nowMs + limits.vaultAgeMsMax
    return { token, sinceMs: nowMs, lifeMs: 0, untilMs, endsMs: Number.POSITIVE_INFINITY }
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
  const endsMs = lease_duration === 0 ? Number.POSITIVE_INFINITY : nowMs + lease_duration * 1_000
  return { token: new Secret(client_token), sinceMs: nowMs, lifeMs, untilMs: nowMs + lifeMs * renewAt, endsMs }
}

/** As the credential of a file: a trailing newline is an editor's. */
const fileOf = async (path: string, { environment }: VaultDeps): Promise<Secret> =>
  await resolveCredential({ file: path }, environment, { target: '', address: '' })

async function call(deps: VaultDeps, method: Question['method'], path: string, sent: Sent): Promise<Answer> {
  const { address, namespace, caFile } = deps.settings
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8').catch(() => undefined)
  if (caFile !== undefined && ca === undefined) throw unavailable(`the authority of Vault, "${caFile}", cannot be read`)
  return await askKeeper({
    keeper: 'Vault',
    method,
    url: `${new URL(address).origin}/v1/${path}`,
    headers: {
      'x-vault-request': 'true',
      ...(sent.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
      ...(sent.token === undefined ? {} : { 'x-vault-token': sent.token.reveal() }),
    },
    ...(sent.body === undefined ? {} : { body: JSON.stringify(sent.body) }),
    ...(ca === undefined ? {} : { ca }),
    msMax: limits.vaultAnswerMsMax,
    bytesMax: limits.vaultAnswerBytesMax,
  })
}

/** Some paths tell the login itself, which is no credential of a target, whatever a document says. */
function valuesOf(path: string, { status, json }: Answer, own: Secret): ReadonlyMap<string, Secret> {
  const parsed = ReadAnswer.safeParse(json)
  if (status !== 200 || !parsed.success) throw unavailable(`Vault answered ${status} for "${path}"`)
  // Each read of a dynamic role makes another user, with a name of its own.
  if (parsed.data.lease_id !== '')
    throw unavailable(`"${path}" in Vault makes a new user for each read; say "dynamic: true", or use a static role`)
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
