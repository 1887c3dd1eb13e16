// For whom a statement runs when its client says so: a token of the exchange, verified and held against the connection that
// sent it, or a name that is claimed only (DESIGN §3, THREATS ).
// INVARIANT: a chain has the connection's own principal as its outermost actor, so that a token that was copied to another
// workload is good for nothing there, and no statement has more rights than its connection.
import { createHash } from 'node:crypto'
import type { Clock } from '@sallyport/base/clock'
import { asSallyportError, SallyportError, type SallyportErrorCode } from '@sallyport/base/errors'
import { type Chain, type Principal, principalKey } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import type { Secret } from '@sallyport/base/secret'
import { actorWithoutRight } from '@sallyport/identity/may-act'
import { isStillTrusted } from '@sallyport/identity/standing'
import { initiatorTypes, type VerifiedToken, verifyToken } from '@sallyport/identity/verify'
import type { CurrentSnapshot, Snapshots } from '../link/current.ts'
import type { Tokens } from '../link/tokens.ts'

/** One time that a client said for whom it acts. Its identity counts: a token for one use is used up once for each. */
export interface Said {
  readonly value: Secret
}

/** For whom statements are judged, other than for the session's own chain. */
export interface Behalf {
  readonly chain: Chain
  /** `jti` of the token; empty for a claim. */
  readonly tokenId: string
  /** Why it is good no longer; null while it is. */
  refusal(): SallyportError | null
}

export interface Initiators {
  /** At once for what is known, a promise while a token is looked at. Never throws or rejects. */
  of(said: Said): Behalf | SallyportError | Promise<Behalf | SallyportError>
}

export interface InitiatorDeps {
  /** Of the session: who has proved itself when it was opened. */
  readonly chain: Chain
  readonly target: string
  /** The session's role; null where targets know none. */
  readonly upstreamRole: string | null
  /** The target knows the connection by its initiator, so that statements cannot have others. */
  readonly isTold?: boolean
  readonly snapshots: Pick<Snapshots, 'current'>
  readonly tokens: Tokens
  readonly clock: Clock
}

/** Before a name that nobody has verified. */
export const claimPrefix = 'claimed:'
const claimCharsMax = 512

export function sessionInitiators(deps: InitiatorDeps): Initiators {
  // By what was said, and by the hash of a token: a chain that comes again is the same object, for which decisions are kept.
  const bySaid = new WeakMap<Said, Behalf>()
  const byHash = new Map<string, Behalf>()
  const keep = (hash: string, behalf: Behalf): void => {
    byHash.delete(hash)
    byHash.set(hash, behalf)
    const [oldest] = byHash.keys()
    if (byHash.size > limits.initiatorsPerSessionMax && oldest !== undefined) byHash.delete(oldest)
  }
  const find = async (said: Said, hash: string): Promise<Behalf | SallyportError> => {
    try {
      const { behalf, isOnce } = await verifiedBehalf(deps, said.value.reveal())
      bySaid.set(said, behalf)
      if (!isOnce) keep(hash, behalf)
      return behalf
    } catch (thrown) {
      return asSallyportError(thrown)
    }
  }
  return {
    of(said) {
      if (deps.isTold === true && deps.chain.actors.length === 0) return toldAlready()
      const value = said.value.reveal()
      const hash = createHash('sha256').update(value).digest('base64')
      const known = bySaid.get(said) ?? byHash.get(hash)
      if (known !== undefined) {
        bySaid.set(said, known)
        if (byHash.has(hash)) keep(hash, known)
        return known.refusal() ?? known
      }
      if (!value.startsWith(claimPrefix)) return find(said, hash)
      const claimed = claimedBehalf(deps, value.slice(claimPrefix.length))
      if (!(claimed instanceof SallyportError)) keep(hash, claimed)
      return claimed
    },
  }
}

const toldAlready = (): SallyportError =>
  refused(
    'INITIATOR_CONFLICT',
    'the target is told for whom a connection is when it is opened, and statements cannot say otherwise',
    'connect with the token of the exchange as the password',
  )

/** Who sends on this connection. */
const callerOf = ({ actors, initiator }: Chain): Principal => actors[0] ?? initiator

/** A name that nobody has verified: it is recorded, and opens nothing (packages/policy). */
function claimedBehalf(deps: InitiatorDeps, text: string): Behalf | SallyportError {
  const caller = callerOf(deps.chain)
  if (deps.chain.actors.length > 0 || caller.kind !== 'workload') return conflict()
  // The length first: the expression takes longer than a text is long.
  const isLong = text.length > claimCharsMax
  const [, issuer = '', subject = ''] = isLong ? [] : (/^(?:(\S+:\/\/\S*) )?(.+)$/s.exec(text) ?? [])
  if (subject === '') return refused('INITIATOR_INVALID', 'a claimed initiator has a name of at most 512 characters')
  const initiator: Principal = {
    kind: 'user',
    issuer,
    subject,
    groups: [],
    claims: {},
    display: subject,
    assurance: 'claimed',
  }
  return { chain: { initiator, actors: [caller] }, tokenId: '', refusal: () => null }
}

async function verifiedBehalf(
  deps: InitiatorDeps,
  value: string,
): Promise<{ readonly behalf: Behalf; readonly isOnce: boolean }> {
  const snapshot = deps.snapshots.current()
  const token = await verifyToken(value, snapshot, deps.clock.nowMs(), initiatorTypes).catch((thrown: unknown) => {
    throw asInitiatorError(thrown)
  })
  const problem = misfit(deps, token)
  if (problem !== null) throw problem
  const chain: Chain = { initiator: token.principal, actors: [callerOf(deps.chain), ...token.actors.slice(1)] }
  const behalf: Behalf = { chain, tokenId: token.token.id, refusal: refusalOf(deps, token, chain) }
  const now = behalf.refusal()
  if (now !== null) throw now
  // Last of all, so that whoever has only a copy cannot use it up.
  if (token.isOnce && !(await deps.tokens.take(token.token.id, token.expiresAtMs)))
    throw refused(
      'INITIATOR_REPLAYED',
      "the initiator's token was used before, or the control plane could not be asked",
      'ask for a new token for each use',
    )
  return { behalf, isOnce: token.isOnce }
}

/** Why a good token is not good on this connection. */
function misfit({ chain, target, upstreamRole }: InitiatorDeps, token: VerifiedToken): SallyportError | null {
  if (token.target !== target)
    return refused(
      'INITIATOR_AUDIENCE_WRONG',
      "the initiator's token is for another target",
      `ask for audience "${target}"`,
    )
  const [outermost] = token.actors
  if (outermost === undefined || principalKey(outermost) !== principalKey(callerOf(chain)))
    return refused(
      'INITIATOR_COPIED',
      "the initiator's token was made for another actor than the one that has connected",
      'a function sends the tokens that it got itself',
    )
  if (chain.actors.length > 0 && principalKey(token.principal) !== principalKey(chain.initiator)) return conflict()
  if (token.upstreamRole === null || upstreamRole === null || token.upstreamRole === upstreamRole) return null
  return refused('UPSTREAM_ROLE_FORBIDDEN', `the initiator's token is for role "${token.upstreamRole}"`)
}

/** What can change while a token is kept: time, revocations, trust, and who may act for whom. */
function refusalOf(deps: InitiatorDeps, token: VerifiedToken, chain: Chain): () => SallyportError | null {
  const endsMs = token.expiresAtMs + limits.clockLeewaySeconds * 1_000
  let under: CurrentSnapshot | null = null
  let found: SallyportError | null = null
  return () => {
    if (deps.clock.nowMs() >= endsMs)
      return refused('INITIATOR_EXPIRED', "the initiator's token has expired", 'exchange for a new one')
    try {
      const snapshot = deps.snapshots.current()
      if (snapshot !== under) found = withdrawn(deps, token, chain, snapshot)
      under = snapshot
    } catch (thrown) {
      return asSallyportError(thrown)
    }
    return found
  }
}

function withdrawn(
  { target }: InitiatorDeps,
  token: VerifiedToken,
  chain: Chain,
  snapshot: CurrentSnapshot,
): SallyportError | null {
  if (!isStillTrusted(token, snapshot)) return refused('INITIATOR_INVALID', "the initiator's token was revoked")
  const served = snapshot.targets.get(target)
  // Without the target the gate itself says what is wrong.
  if (served === undefined || actorWithoutRight(served.document, chain) === undefined) return null
  return refused(
    'ACTOR_FORBIDDEN',
    `nothing lets an actor of the chain act for this initiator at "${target}"`,
    'the owner of the target lists under "mayAct" which actors may act for which groups',
  )
}

/** A comment claims somebody where a token was SET, or the connection is for one person. */
export const conflict = (): SallyportError =>
  refused(
    'INITIATOR_CONFLICT',
    'the connection speaks for somebody already',
    'statements for others need a connection of the function itself',
  )

const refused = (code: SallyportErrorCode, message: string, hint = 'exchange for a new token'): SallyportError =>
  new SallyportError(code, message, { hint })

/** A login's refusal in the words of a statement: the connection goes on. */
const initiatorCodes: Partial<Record<SallyportErrorCode, readonly [SallyportErrorCode, string]>> = {
  TOKEN_EXPIRED: ['INITIATOR_EXPIRED', "the initiator's token has expired"],
  TOKEN_TYPE_WRONG: ['INITIATOR_TYPE_WRONG', "the initiator's token is none of the token exchange"],
  TOKEN_ALGORITHM_WRONG: [
    'INITIATOR_ALGORITHM_WRONG',
    "the algorithm of the initiator's token is none of its issuer's",
  ],
  TOKEN_AUDIENCE_WRONG: ['INITIATOR_AUDIENCE_WRONG', "the initiator's token was made for another installation"],
}

function asInitiatorError(thrown: unknown): SallyportError {
  const cause = asSallyportError(thrown)
  if (!cause.code.startsWith('TOKEN_')) return cause
  const [code, message] = initiatorCodes[cause.code] ?? [
    'INITIATOR_INVALID' as const,
    `the initiator's token is not valid: ${cause.message}`,
  ]
  return new SallyportError(code, message, { hint: 'exchange for a new token (POST /oauth2/token)', cause })
}

/** What was prepared for somebody, or comes after a SET that was refused, runs for nobody else by itself. */
export const pastInitiator = (): SallyportError =>
  new SallyportError('INITIATOR_REQUIRED', 'for whom the statement runs was said before, and no longer counts', {
    hint: "say it again: SET sallyport.initiator = '…'; or prepare the statement again with its comment",
  })

/** Where it cannot be told for what it counts. */
export const misplacedInitiator = (): SallyportError =>
  new SallyportError('INITIATOR_PLACE', 'the text says in a place where it cannot be read for whom it runs', {
    hint: "end the text with /*sallyport='…'*/, or send alone: SET sallyport.initiator = '…'; SELECT set_config('sallyport.initiator', $1, false)",
  })
