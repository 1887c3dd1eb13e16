// Service accounts: workloads that no platform vouches for. Their keys are standing credentials, and are called so wherever the
// account is named; a key is exchanged for tokens of minutes and never reaches an agent.
// INVARIANT: a secret leaves in the answer that made it, and is nowhere kept; what is disabled or revoked ends its sessions.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { ServiceAccount, ServiceAccountKey } from '@sallyport/api/workloads'
import { SallyportError } from '@sallyport/base/errors'
import type { Principal } from '@sallyport/base/identity'
import { noteAction } from '../audit/note.ts'
import { inTransaction, isStoreConflict, type Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import { addRevocation, closingMs } from '../identities/revocation-store.ts'
import * as store from './store.ts'

export type AccountDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'config' | 'publish'>

/** Two can live at a time: the one in use, and the one that takes its place. */
export const liveKeysMax = 2
const secretBytes = 32
const prefix = 'spk'

/** As groups, rules and records name it. */
export const subjectOf = (name: string): string => `service-account:${name}`
export const serviceAccountDisplay = (name: string): string => `${name} (standing key)`

const newId = ({ randomBytes }: Pick<Deps, 'randomBytes'>): string => randomBytes(16).toString('hex')
const digestOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()
const notFound = (): SallyportError =>
  new SallyportError('NOT_FOUND', 'there is no such service account or key', {
    hint: '"sallyport service-account list" shows them',
  })

const note = async (
  deps: AccountDeps,
  tx: Tx,
  actor: Actor,
  action: string,
  name: string,
  detail: Readonly<Record<string, string>>,
): Promise<void> => await noteAction(deps, tx, actor, { action, object: `ServiceAccount/${name}`, detail })

/** Throws CONFLICT. */
export async function createAccount(
  deps: AccountDeps,
  actor: Actor,
  name: string,
  description: string,
): Promise<ServiceAccount> {
  const createdAt = new Date(deps.clock.nowMs())
  try {
    await inTransaction(deps.db, async (tx) => {
      await store.addAccount(tx, { name, description, createdAt, createdBy: actorKey(actor) })
      await note(deps, tx, actor, 'create-service-account', name, {})
    })
  } catch (cause) {
    if (!isStoreConflict(cause)) throw cause
    throw new SallyportError('CONFLICT', `there is a service account "${name}" already`, {
      cause,
      hint: 'take another name',
    })
  }
  return await readAccount(deps, name)
}

async function readAccount(deps: AccountDeps, name: string): Promise<ServiceAccount> {
  const row = await store.findAccount(deps.db, name)
  if (row === null) throw notFound()
  return showAccount(deps, row)
}

/** The secret is in the answer and nowhere else. Throws NOT_FOUND or CONFLICT. */
export async function addKey(deps: AccountDeps, actor: Actor, name: string, days: number) {
  const id = newId(deps)
  const random = deps.randomBytes(secretBytes).toString('base64url')
  const createdAt = new Date(deps.clock.nowMs())
  await inTransaction(deps.db, async (tx) => {
    const account = await store.findAccount(tx, name)
    if (account === null) throw notFound()
    if (account.disabledAt !== null)
      throw new SallyportError('CONFLICT', `the service account "${name}" is disabled`, { hint: 'make another one' })
    if (account.keys.filter((key) => stateOf(key, createdAt) === 'live').length >= liveKeysMax)
      throw new SallyportError('CONFLICT', `"${name}" has ${liveKeysMax} keys that are good`, {
        hint: 'revoke the one that is no longer used',
      })
    const expiresAt = new Date(createdAt.getTime() + days * 86_400_000)
    const digest = Uint8Array.from(digestOf(random))
    await store.addKey(tx, { id, accountName: name, digest, createdAt, createdBy: actorKey(actor), expiresAt })
    await note(deps, tx, actor, 'create-service-account-key', name, { key: id, expiresAt: expiresAt.toISOString() })
  })
  return { account: await readAccount(deps, name), id, secret: `${prefix}_${id}_${random}` }
}

/** Ends a key, the tokens that were made with it, and their sessions. Throws NOT_FOUND. */
export async function revokeKey(deps: AccountDeps, actor: Actor, name: string, id: string): Promise<void> {
  const at = new Date(deps.clock.nowMs())
  await inTransaction(deps.db, async (tx) => {
    const account = await store.findAccount(tx, name)
    if (account?.keys.some((key) => key.id === id) !== true) throw notFound()
    if (!(await store.revokeKey(tx, id, at))) return
    const revocation = { jti: id, issuer: deps.config.publicUrl, reason: 'key revoked' }
    await addRevocation(tx, { ...revocation, id: newId(deps), subject: null, at, by: actorKey(actor) })
    await note(deps, tx, actor, 'revoke-service-account-key', name, { key: id })
  })
  await deps.publish([`ServiceAccount/${name}`])
}

/** Ends the account with all its keys and sessions, for good. Throws NOT_FOUND. */
export async function disableAccount(deps: AccountDeps, actor: Actor, name: string): Promise<void> {
  const at = new Date(deps.clock.nowMs())
  await inTransaction(deps.db, async (tx) => {
    if ((await store.findAccount(tx, name)) === null) throw notFound()
    if (!(await store.disableAccount(tx, name, at))) return
    const revocation = {
      jti: null,
      before: new Date(at.getTime() + closingMs),
      issuer: deps.config.publicUrl,
      subject: subjectOf(name),
      reason: 'service account disabled',
    }
    await addRevocation(tx, { ...revocation, id: newId(deps), at, by: actorKey(actor) })
    await note(deps, tx, actor, 'disable-service-account', name, {})
  })
  await deps.publish([`ServiceAccount/${name}`])
}

/**
 * Who has this key, and the key's id. Whoever has none is told nothing but that. Throws TOKEN_INVALID, or TOKEN_EXPIRED and
 * TOKEN_REVOKED to whoever has shown the right secret.
 */
export async function provenBy(
  deps: Pick<AccountDeps, 'db' | 'clock'>,
  name: string,
  shown: string,
): Promise<{ readonly account: string; readonly key: string }> {
  const [, id = '', random = ''] = /^spk_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/.exec(shown) ?? []
  const account = await store.findAccount(deps.db, name)
  const key = account?.keys.find((one) => one.id === id)
  const digest = digestOf(random)
  const isRight = timingSafeEqual(digest, key === undefined ? digestOf('nobody has this') : Buffer.from(key.digest))
  if (account === null || key === undefined || !isRight)
    throw new SallyportError('TOKEN_INVALID', 'there is no such service account, or its key is another one', {
      hint: 'compare "client_id" and "client_secret" with what was shown when the key was made',
    })
  const at = new Date(deps.clock.nowMs())
  if (account.disabledAt !== null || stateOf(key, at) === 'revoked')
    throw new SallyportError('TOKEN_REVOKED', 'the key or its account was revoked', { hint: 'ask for another key' })
  if (stateOf(key, at) === 'expired')
    throw new SallyportError('TOKEN_EXPIRED', 'the key has expired', { hint: 'ask for another key' })
  await store.noteUse(deps.db, id, at)
  return { account: name, key: id }
}

/** What tokens of it say: its groups are those that name it, and no others. */
export const principalOf = (issuer: string, name: string, key: string, groups: readonly string[]): Principal => ({
  kind: 'workload',
  issuer,
  subject: subjectOf(name),
  groups,
  claims: { credential: 'standing-key', key },
  display: serviceAccountDisplay(name),
  assurance: 'verified',
})

const stateOf = (key: store.KeyRow, at: Date): ServiceAccountKey['state'] =>
  key.revokedAt !== null ? 'revoked' : key.expiresAt <= at ? 'expired' : 'live'

export function showAccount(
  { config, clock }: Pick<AccountDeps, 'config' | 'clock'>,
  row: store.AccountRow,
): ServiceAccount {
  const at = new Date(clock.nowMs())
  return {
    name: row.name,
    description: row.description,
    issuer: config.publicUrl,
    subject: subjectOf(row.name),
    credential: 'standing',
    state: row.disabledAt === null ? 'live' : 'disabled',
    createdAt: row.createdAt.toISOString(),
    keys: row.keys.map((key) => ({
      id: key.id,
      state: stateOf(key, at),
      createdAt: key.createdAt.toISOString(),
      createdBy: key.createdBy,
      expiresAt: key.expiresAt.toISOString(),
      lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
    })),
  }
}
