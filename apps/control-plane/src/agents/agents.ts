// Agents: join tokens, enrolment, renewal, revocation, and the list that people see (THREATS ).
// INVARIANT: a join token makes at most one agent, under the name that it was made for.
import { createHash, createPublicKey, timingSafeEqual } from 'node:crypto'
import type { Agent, JoinTokenResponse } from '@sallyport/api/resources'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { isId } from '@sallyport/base/ids'
import { Secret } from '@sallyport/base/secret'
import type { JoinRequest, RenewRequest } from '@sallyport/proto/gen/sallyport/v1/enroll_pb'
import { encodeJoinToken } from '@sallyport/proto/join-token'
import { appendAction } from '../audit/store.ts'
import type { Db, Tx } from '../db.ts'
import { encodeCursor, pageOfRows } from '../http/page.ts'
import { appendOutbox } from '../notifications/outbox.ts'
import { readDocuments } from '../policies/store.ts'
import type { Authority } from './ca.ts'
import {
  type CertificateName,
  checkAdvertise,
  checkAgentName,
  checkedVersion,
  checkServerNames,
  shownName,
  stateOf,
  takenNames,
} from './rules.ts'
import * as store from './store.ts'

export interface AgentsDeps {
  readonly db: Db
  readonly clock: Clock
  readonly randomBytes: (size: number) => Buffer
}

const sha256 = (text: string | Uint8Array): Buffer => createHash('sha256').update(text).digest()

async function audit(tx: Tx, deps: AgentsDeps, actor: string, action: string, object: string, detail = {}) {
  const id = deps.randomBytes(16).toString('hex')
  await appendAction(tx, { id, at: new Date(deps.clock.nowMs()), actor, action, object, detail })
}

/** Outsiders hear of it by name, never of keys or addresses. */
async function tell(
  tx: Tx,
  deps: AgentsDeps,
  event: 'agent.joined' | 'agent.revoked',
  subject: string,
  payload: object,
) {
  const id = deps.randomBytes(16).toString('hex')
  await appendOutbox(tx, { id, at: new Date(deps.clock.nowMs()), event, subject, payload })
}

/** A token for one agent of this name. It is shown once; the store keeps a hash. */
export async function createJoinToken(
  deps: AgentsDeps & { readonly address: string; readonly caKeyHash: string },
  actor: string,
  request: { readonly agentName: string; readonly expiresInSeconds: number },
): Promise<JoinTokenResponse> {
  const { agentName } = request
  checkAgentName(agentName)
  const namesake = await store.findAgentByName(deps.db, agentName)
  if (namesake !== null && namesake.revokedAt === null) throw nameTaken(agentName)
  const id = deps.randomBytes(16).toString('hex')
  const secret = deps.randomBytes(32).toString('base64url')
  const createdAt = new Date(deps.clock.nowMs())
  const expiresAt = new Date(createdAt.getTime() + request.expiresInSeconds * 1_000)
  await store.inRowTransaction(deps.db, async (tx) => {
    // 256 random bits need no slow hash.
    const secretHash = sha256(secret).toString('hex')
    await store.addJoinToken(tx, { id, secretHash, agentName, createdAt, createdBy: actor, expiresAt })
    await audit(tx, deps, actor, 'join-token', `Agent/${agentName}`, { token: id, expiresAt: expiresAt.toISOString() })
  })
  const pinned = { address: deps.address, caKeyHash: deps.caKeyHash }
  const token = encodeJoinToken({ ...pinned, agentName, id, secret: new Secret(secret) })
  return { token, agentName, expiresAt: expiresAt.toISOString() }
}

const nameTaken = (name: string) =>
  new SallyportError('CONFLICT', `there is an agent "${name}" already`, {
    hint: 'revoke it first, or choose another name',
  })

export interface IssueDeps extends AgentsDeps {
  readonly authority: Authority
  /** Names of the control plane's own listener: no agent gets a certificate for them. */
  readonly ownNames: readonly string[]
}

export interface Enrolled {
  readonly agentId: string
  readonly clientCertificate: string
  readonly serverCertificate: string
}

/** Turns a join token into an agent. Throws JOIN_TOKEN_INVALID, JOIN_TOKEN_USED, JOIN_TOKEN_EXPIRED, CONFLICT. */
export async function enroll(deps: IssueDeps, request: JoinRequest): Promise<Enrolled> {
  checkAgentName(request.agentName)
  checkAdvertise(request.advertise)
  checkRecordKey(request.recordKey)
  await checkJoinToken(deps, request)
  const agentId = deps.randomBytes(16).toString('hex')
  const names = await freeNames(deps, deps.db, agentId, request.serverNames)
  const client = await deps.authority.issueAgent(request.clientCsr, agentId)
  const server = await deps.authority.issueListener(request.serverCsr, names)
  const at = new Date(deps.clock.nowMs())
  const recordKey = new Uint8Array(request.recordKey)
  const agent: store.NewAgent = {
    id: agentId,
    name: request.agentName,
    advertise: request.advertise,
    softwareVersion: checkedVersion(request.version),
    recordKey,
    recordKeyFingerprint: sha256(recordKey).toString('hex'),
    certificateSerial: client.serial,
    serverNames: valuesOf(names),
    enrolledAt: at,
  }
  await addEnrolled(deps, request.tokenId, agent)
  return { agentId, clientCertificate: client.pem, serverCertificate: server.pem }
}

/** Token and agent in one transaction: a name that is taken leaves the token unused. */
async function addEnrolled(deps: IssueDeps, tokenId: string, agent: store.NewAgent): Promise<void> {
  const run = async (tx: Tx): Promise<void> => {
    await store.lockServerNames(tx)
    await freeNames(deps, tx, agent.id, agent.serverNames)
    if (!(await store.consumeJoinToken(tx, tokenId, agent.enrolledAt, agent.id))) throw tokenUsed()
    if (!(await store.addAgent(tx, agent))) throw nameTaken(agent.name)
    await audit(tx, deps, `agent ${agent.id}`, 'enroll', `Agent/${agent.name}`, {
      token: tokenId,
      recordKeyFingerprint: agent.recordKeyFingerprint,
    })
    await tell(tx, deps, 'agent.joined', agent.id, { agent: agent.name })
  }
  await store.inRowTransaction(deps.db, run).catch((thrown: unknown) => {
    throw store.isNameRace(thrown) ? nameTaken(agent.name) : thrown
  })
}

const tokenUsed = () =>
  new SallyportError('JOIN_TOKEN_USED', 'this join token was used already; each one enrols one agent', {
    hint: 'make another with "sallyport agent join NAME"',
  })

/** An unknown id and a wrong secret get the same answer. */
async function checkJoinToken(deps: AgentsDeps, request: JoinRequest): Promise<void> {
  const row = isId(request.tokenId) ? await store.findJoinToken(deps.db, request.tokenId) : null
  const shown = sha256(request.tokenSecret)
  const expected = row === null ? sha256('') : Buffer.from(row.secretHash, 'hex')
  const isEqual = shown.length === expected.length && timingSafeEqual(shown, expected)
  if (row === null || !isEqual)
    throw new SallyportError('JOIN_TOKEN_INVALID', 'the join token is unknown here', {
      hint: 'make one with "sallyport agent join NAME"',
    })
  if (row.usedAt !== null) throw tokenUsed()
  if (row.expiresAt.getTime() <= deps.clock.nowMs())
    throw new SallyportError('JOIN_TOKEN_EXPIRED', 'the join token has expired', {
      hint: 'make another with "sallyport agent join NAME"',
    })
  if (row.agentName !== request.agentName)
    throw new SallyportError(
      'JOIN_TOKEN_INVALID',
      `the join token was made for another agent than "${request.agentName}"`,
      {
        hint: 'start the agent under the name that the token was made for',
      },
    )
}

function checkRecordKey(der: Uint8Array): void {
  const refuse = (cause?: unknown) =>
    new SallyportError('REQUEST_INVALID', 'the record key is no Ed25519 public key', { cause })
  let type: string | undefined
  try {
    type = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }).asymmetricKeyType
  } catch (cause) {
    throw refuse(cause)
  }
  if (type !== 'ed25519') throw refuse()
}

/** The names, checked, where nobody else goes by one of them. */
async function freeNames(
  deps: Pick<IssueDeps, 'ownNames'>,
  db: Db | Tx,
  agentId: string,
  wanted: readonly string[],
): Promise<CertificateName[]> {
  return checkServerNames(wanted, takenNames(await store.readNames(db), agentId, deps.ownNames))
}

const valuesOf = (names: readonly CertificateName[]): string[] => names.map(({ value }) => value)

/** New certificates for an agent that showed a valid one. */
export async function renew(
  deps: IssueDeps,
  agentId: string,
  request: RenewRequest,
): Promise<Omit<Enrolled, 'agentId'>> {
  const names = await store.inRowTransaction(deps.db, async (tx) => {
    await store.lockServerNames(tx)
    const free = await freeNames(deps, tx, agentId, request.serverNames)
    await store.keepServerNames(tx, agentId, valuesOf(free))
    return free
  })
  const client = await deps.authority.issueAgent(request.clientCsr, agentId)
  const server = await deps.authority.issueListener(request.serverCsr, names)
  await store.setCertificateSerial(deps.db, agentId, client.serial)
  return { clientCertificate: client.pem, serverCertificate: server.pem }
}

/** Revokes for good. The links of the agent are cut by whoever listens; see grpc/links.ts. */
export async function revoke(
  deps: AgentsDeps,
  actor: string,
  agentId: string,
  reason: string | null = null,
): Promise<void> {
  const at = new Date(deps.clock.nowMs())
  await store.inRowTransaction(deps.db, async (tx) => {
    const agent = await store.findAgent(tx, agentId)
    if (agent === null) throw new SallyportError('NOT_FOUND', 'there is no agent with this id')
    if (!(await store.revokeAgent(tx, agentId, at))) return
    const detail = reason === null ? { id: agentId } : { id: agentId, reason }
    await audit(tx, deps, actor, 'revoke-agent', `Agent/${agent.name}`, detail)
    await tell(tx, deps, 'agent.revoked', agentId, { agent: agent.name, by: actor })
  })
}

/** One page in order of names. */
export async function listAgents(
  deps: Pick<AgentsDeps, 'db' | 'clock'>,
  after: string,
  limit: number,
): Promise<{ items: Agent[]; next: string | null }> {
  const rows = await store.pageAgents(deps.db, after, limit + 1)
  const targets = (await readDocuments(deps.db, ['Target'])).map((stored) => stored.document)
  const nowMs = deps.clock.nowMs()
  const show = (row: (typeof rows)[number]): Agent => {
    const state = stateOf(row, nowMs)
    const served = targets.filter((target) => target.kind === 'Target' && target.spec.agents.includes(row.name))
    return {
      id: row.id,
      name: shownName(row.name),
      state,
      version: row.softwareVersion,
      advertise: row.advertise,
      enrolledAt: row.enrolledAt.toISOString(),
      lastSeenAt: row.lastSeenAt?.toISOString() ?? null,
      snapshotVersion: Number(row.snapshotApplied),
      recordKeyFingerprint: row.recordKeyFingerprint,
      targets: state === 'revoked' ? [] : served.map((target) => target.metadata.name),
    }
  }
  return pageOfRows(rows, limit, show, (last) => encodeCursor([last.name]))
}
