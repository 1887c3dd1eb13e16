// Stores the batches of agents: judged by check.ts, committed with what they change, and only then acknowledged.
// A batch that does not verify is kept out; its head, which the agent signed, is kept as evidence.
import { create } from '@bufbuild/protobuf'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { equalBytes } from '@sallyport/ledger/bytes'
import {
  type IngestRequest,
  type IngestResponse,
  IngestResponseSchema,
} from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import type { FastifyBaseLogger } from 'fastify'
import type { Db } from '../db.ts'
import {
  type AgentChain,
  type CheckedEntry,
  checkEntries,
  needsStoredPrevious,
  type ShownBatch,
  type Tools,
} from './check.ts'
import { approvedNumbers, heldNumbers } from './columns.ts'
import { checkHead, type JudgedHead } from './heads.ts'
import {
  appendEntries,
  appendHead,
  findSession,
  hashAt,
  headAt,
  heldAmong,
  type IngestTx,
  inIngest,
  lockAgent,
  raiseAlarm,
  type StoredSession,
  saveSession,
} from './store.ts'
import { additionOf } from './summary.ts'

export interface AppendDeps {
  readonly db: Db
  readonly clock: Clock
  /** Cryptographically strong. */
  readonly randomBytes: (size: number) => Buffer
  readonly log: Pick<FastifyBaseLogger, 'error'>
}

/** Judges and stores the messages in one transaction. Throws when nothing can be said about them; then none is stored. */
export async function acceptAll(
  deps: AppendDeps,
  tools: Tools,
  agentId: string,
  requests: readonly IngestRequest[],
): Promise<IngestResponse[]> {
  return await inIngest(deps.db, async (tx) => {
    const responses: IngestResponse[] = []
    let agent = await activeAgent(tx, agentId)
    for (const request of requests) {
      const { response, head } = await acceptOne(deps, tools, tx, agent, request)
      if (head !== null) agent = { ...agent, headCounter: head.head.counter, headHash: head.hash }
      responses.push(response)
    }
    return responses
  })
}

async function activeAgent(tx: IngestTx, agentId: string): Promise<AgentChain> {
  const agent = await lockAgent(tx, agentId)
  if (agent === null) throw new SallyportError('AGENT_NOT_ENROLLED', 'this agent is not enrolled')
  if (agent.revoked) throw new SallyportError('AGENT_REVOKED', 'this agent is revoked')
  return agent
}

interface Accepted {
  readonly response: IngestResponse
  /** Where the agent's chain stands afterwards, when it moved. */
  readonly head: JudgedHead | null
}

async function acceptOne(
  deps: AppendDeps,
  tools: Tools,
  tx: IngestTx,
  agent: AgentChain,
  request: IngestRequest,
): Promise<Accepted> {
  const batch = shownBatch(request)
  if (batch === null) {
    deps.log.error({ event: 'batch-malformed', agent: agent.id })
    return { response: answer(request, -1, 'REQUEST_INVALID', 'the batch is empty or past its limits'), head: null }
  }
  const refuse = async (reason: string, head: JudgedHead | null, tipSeq: number): Promise<Accepted> => {
    deps.log.error({ event: 'record-refused', agent: agent.id, session: batch.session, reason })
    const id = deps.randomBytes(16).toString('hex')
    await raiseAlarm(tx, { id, at: new Date(deps.clock.nowMs()), agent: agent.id, session: batch.session, reason })
    return { response: answer(request, tipSeq, 'CHAIN_BROKEN', reason), head }
  }
  const head = checkHead(batch, agent, tools)
  const session = await findSession(tx, batch.session)
  const tipSeq = session?.agent === agent.id ? session.seq : -1
  if (head.kind === 'refused') return await refuse(head.reason, null, tipSeq)
  if (head.kind === 'seen') {
    const problem = await repetitionProblem(tx, batch, head, tipSeq)
    return problem === null ? { response: answer(request, tipSeq), head: null } : await refuse(problem, null, tipSeq)
  }
  await appendHead(tx, batch, head)
  const problem = await storeEntries(tx, tools, batch, head, session)
  return problem === null ? { response: answer(request, head.head.seq), head } : await refuse(problem, head, tipSeq)
}

/** A head whose counter was used before is the same one again, or a fork. */
async function repetitionProblem(
  tx: IngestTx,
  batch: ShownBatch,
  { head }: JudgedHead,
  tipSeq: number,
): Promise<string | null> {
  const stored = await headAt(tx, head.agent, head.counter)
  if (stored === null || !equalBytes(stored, batch.head))
    return `another head with counter ${head.counter} was stored before`
  if (head.session !== batch.session) return 'the head is of another session than the batch'
  return head.seq <= tipSeq ? null : 'the entries under this head were refused before'
}

/** Null when the entries are stored; else why not. */
async function storeEntries(
  tx: IngestTx,
  tools: Tools,
  batch: ShownBatch,
  { head }: JudgedHead,
  session: StoredSession | null,
): Promise<string | null> {
  const previous = needsStoredPrevious(batch, session) ? await hashAt(tx, batch.session, batch.firstSeq - 1) : null
  const checked = checkEntries(batch, head, session, previous, tools)
  if (checked.kind === 'refused') return checked.reason
  const last = checked.entries.at(-1)
  if (last === undefined || checked.fresh.length === 0) {
    const stored = await hashAt(tx, batch.session, head.seq)
    return stored === head.hash ? null : 'entries that are stored already were sent again with other content'
  }
  const continues = await continuing(tx, batch.session, checked.fresh)
  await appendEntries(tx, batch.session, checked.fresh, continues)
  const tip = { seq: last.entry.seq, hash: last.hash }
  await saveSession(tx, head.agent, batch.session, session, additionOf(checked.fresh, continues), tip)
  return null
}

/** Tells approved intents that run under the number of a `held`, in this batch or an earlier one, from further statements. */
async function continuing(
  tx: IngestTx,
  session: string,
  fresh: readonly CheckedEntry[],
): Promise<(statement: number) => boolean> {
  const entries = fresh.map(({ entry }) => entry)
  const here = new Set(heldNumbers(entries))
  const open = approvedNumbers(entries).filter((statement) => !here.has(statement))
  const earlier = await heldAmong(tx, session, open)
  return (statement) => here.has(statement) || earlier.has(statement)
}

/** The batch of a request; null when it lacks a part or is past the limits of a batch. */
function shownBatch(request: IngestRequest): ShownBatch | null {
  const { batch } = request
  if (batch?.head === undefined) return null
  const bytes = batch.entries.reduce((sum, entry) => sum + entry.length, 0)
  if (batch.entries.length === 0 || batch.entries.length > limits.batchEntriesMax) return null
  if (bytes > limits.batchBytesMax || batch.firstSeq > BigInt(Number.MAX_SAFE_INTEGER)) return null
  return {
    session: batch.session,
    firstSeq: Number(batch.firstSeq),
    entries: batch.entries,
    head: batch.head.head,
    signature: batch.head.signature,
  }
}

const answer = (request: IngestRequest, tipSeq: number, code = '', message = ''): IngestResponse =>
  create(IngestResponseSchema, {
    batchId: request.batchId,
    session: request.batch?.session ?? '',
    acknowledgedSeq: BigInt(Math.max(0, tipSeq)),
    errorCode: code,
    errorMessage: message,
  })
