// The bearer tokens of SCIM clients (RFC 7644, 2): made by administrators for one provider, hashed at rest, with an end. Two
// may be good at the same time, so that one is changed for another without a gap.
import { createHash } from 'node:crypto'
import type { ScimTokenResponse, ScimTokens } from '@sallyport/api/scim-admin'
import { SallyportError } from '@sallyport/base/errors'
import type { FastifyRequest } from 'fastify'
import { inRowTransaction } from '../agents/store.ts'
import { appendAction } from '../audit/store.ts'
import { inTransaction, isStoreConflict } from '../db.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import type { ProviderConfig } from '../provider-config.ts'
import { addToken, countLiveTokens, findTokenByHash, listTokenRows, revokeTokenRow, touchToken } from './token-store.ts'

/** Tokens of one provider that are good at the same time. */
export const liveTokensMax = 2
/** Tokens that the list shows, those that have ended too. */
const listMax = 100
/** `lastUsedAt` is written at most this often. */
const touchMs = 60_000

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

export const scimBaseUrl = (config: { readonly publicUrl: string }): string => `${config.publicUrl}/scim/v2`

/** A SCIM client and the provider that it speaks for. */
export interface ScimClient {
  readonly provider: ProviderConfig
  /** How it stands in the audit and as who disabled somebody. */
  readonly actor: string
}

/** Throws LOGIN_REQUIRED, whatever is wrong with the token. */
export async function authenticateScim(
  deps: Pick<Deps, 'db' | 'clock' | 'config'>,
  request: FastifyRequest,
): Promise<ScimClient> {
  const shown = /^Bearer (sp-scim-[\w-]{43})$/i.exec(request.headers.authorization ?? '')?.[1]
  const token = shown === undefined ? null : await findTokenByHash(deps.db, hashOf(shown))
  const nowMs = deps.clock.nowMs()
  const isGood = token !== null && token.revokedAt === null && token.expiresAt.getTime() > nowMs
  const provider = deps.config.providers.find(({ name }) => name === token?.provider)
  if (!isGood || provider === undefined)
    throw new SallyportError('LOGIN_REQUIRED', 'this needs the token of a SCIM client', {
      hint: 'an administrator makes one for the provider',
    })
  if ((token.lastUsedAt?.getTime() ?? 0) + touchMs <= nowMs) await touchToken(deps.db, token.id, new Date(nowMs))
  return { provider, actor: `scim ${provider.name}` }
}

export async function listTokens(deps: Pick<Deps, 'db' | 'clock' | 'config'>): Promise<ScimTokens> {
  const now = new Date(deps.clock.nowMs())
  const rows = await listTokenRows(deps.db, listMax)
  return {
    baseUrl: scimBaseUrl(deps.config),
    items: rows.map((row) => ({
      id: row.id,
      provider: row.provider,
      state: row.revokedAt !== null ? 'revoked' : row.expiresAt <= now ? 'expired' : 'active',
      createdAt: row.createdAt.toISOString(),
      createdBy: row.createdBy,
      expiresAt: row.expiresAt.toISOString(),
      lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    })),
  }
}

type TokenDeps = Pick<Deps, 'db' | 'clock' | 'config' | 'providers' | 'randomBytes'>

/** Throws REQUEST_INVALID for a provider that is not configured, CONFLICT when two are good already. */
export async function createToken(
  deps: TokenDeps,
  actor: Actor,
  asked: { readonly provider: string; readonly expiresInDays: number },
): Promise<ScimTokenResponse> {
  const { name: provider } = deps.providers.find(asked.provider)
  const createdAt = new Date(deps.clock.nowMs())
  const expiresAt = new Date(createdAt.getTime() + asked.expiresInDays * 86_400_000)
  const token = `sp-scim-${deps.randomBytes(32).toString('base64url')}`
  const newId = () => deps.randomBytes(16).toString('hex')
  const id = newId()
  const createdBy = actorKey(actor)
  // Two requests at once must not pass the limit together: the transaction sees whether they would.
  const keep = inTransaction(deps.db, async (tx) => {
    if ((await countLiveTokens(tx, provider, createdAt)) >= liveTokensMax)
      throw new SallyportError('CONFLICT', `"${provider}" has ${liveTokensMax} tokens that are good`, {
        hint: 'revoke the older one first',
      })
    await addToken(tx, { id, provider, tokenHash: hashOf(token), createdAt, createdBy, expiresAt })
    const detail = { provider, expiresAt: expiresAt.toISOString() }
    const action = { id: newId(), at: createdAt, actor: createdBy, action: 'create-scim-token' }
    await appendAction(tx, { ...action, object: `ScimToken/${id}`, detail })
  })
  await keep.catch((cause: unknown) => {
    if (!isStoreConflict(cause)) throw cause
    throw new SallyportError('CONFLICT', `another token for "${provider}" was made at this moment`, {
      cause,
      hint: 'look at the list, and try again',
    })
  })
  return { id, token, expiresAt: expiresAt.toISOString() }
}

/** Throws NOT_FOUND when there is no such token that is good. */
export async function revokeToken(deps: TokenDeps, actor: Actor, id: string): Promise<void> {
  const at = new Date(deps.clock.nowMs())
  await inRowTransaction(deps.db, async (tx) => {
    const provider = await revokeTokenRow(tx, id, at)
    if (provider === null) throw new SallyportError('NOT_FOUND', 'there is no token of a SCIM client with this id')
    const action = { id: deps.randomBytes(16).toString('hex'), at, actor: actorKey(actor), action: 'revoke-scim-token' }
    await appendAction(tx, { ...action, object: `ScimToken/${id}`, detail: { provider } })
  })
}
