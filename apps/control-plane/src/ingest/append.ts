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
  findSessions,
  hashAt,
  headAt,
  heldAmong,
  type IngestTx,
  inIngest,
  lockAgent,
  raiseAlarm,
  type StoredSession,
} from './store.ts'
import { Unit } from './unit.ts'

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
    const agent = await activeAgent(tx, agentId)
    const ids = requests.map(({ batch }) => batch?.session ?? '')
    const unit = new Unit(tx, agent, await findSessions(tx, ids))
    const responses: IngestResponse[] = []
    for (const request of requests) responses.push(await acceptOne(deps, tools, unit, request))
    await unit.stored()
    return responses
  })
}

async function activeAgent(tx: IngestTx, agentId: string): Promise<AgentChain> {
  const agent = await lockAgent(tx, agentId)
  if (agent === null) throw new SallyportError('AGENT_NOT_ENROLLED', 'this agent is not enrolled')
  if (agent.revoked) throw new SallyportError('AGENT_REVOKED', 'this agent is revoked')
  return agent
}

async function acceptOne(deps: AppendDeps, tools: Tools, unit: Unit, request: IngestRequest): Promise<IngestResponse> {
  const { agent } = unit
  const batch = shownBatch(request)
  if (batch === null) {
    deps.log.error({ event: 'batch-malformed', agent: agent.id })
    return answer(request, -1, 'REQUEST_INVALID', 'the batch is empty or past its limits')
  }
  const session = unit.session(batch.session)
  const tipSeq = session?.agent === agent.id ? session.seq : -1
  const refuse = async (reason: string): Promise<IngestResponse> => {
    deps.log.error({ event: 'record-refused', agent: agent.id, session: batch.session, reason })
    const id = deps.randomBytes(16).toString('hex')
    const alarm = { id, at: new Date(deps.clock.nowMs()), agent: agent.id, session: batch.session, reason }
    await raiseAlarm(await unit.stored(), alarm)
    return answer(request, tipSeq, 'CHAIN_BROKEN', reason)
  }
  const head = checkHead(batch, agent, tools)
  if (head.kind === 'refused') return await refuse(head.reason)
  if (head.kind === 'seen') {
    const problem = await repetitionProblem(await unit.stored(), batch, head, tipSeq)
    return problem === null ? answer(request, tipSeq) : await refuse(problem)
  }
  unit.addHead(batch, head)
  const problem = await takeEntries(tools, unit, batch, head, session)
  return problem === null ? answer(request, head.head.seq) : await refuse(problem)
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

/** Null when the entries are stored, or will be with the rest; else why not. */
async function takeEntries(
  tools: Tools,
  unit: Unit,
  batch: ShownBatch,
  { head }: JudgedHead,
  session: StoredSession | null,
): Promise<string | null> {
  const previous = needsStoredPrevious(batch, session)
    ? await hashAt(await unit.stored(), batch.session, batch.firstSeq - 1)
    : null
  const checked = checkEntries(batch, head, session, previous, tools)
  if (checked.kind === 'refused') return checked.reason
  if (checked.fresh.length === 0) {
    const stored = await hashAt(await unit.stored(), batch.session, head.seq)
    return stored === head.hash ? null : 'entries that are stored already were sent again with other content'
  }
  unit.addEntries(batch.session, checked.fresh, await continuing(unit, batch.session, checked.fresh))
  return null
}

/** Tells approved intents that run under the number of a `held`, in this batch or an earlier one, from further statements. */
async function continuing(
  unit: Unit,
  session: string,
  fresh: readonly CheckedEntry[],
): Promise<(statement: number) => boolean> {
  const entries = fresh.map(({ entry }) => entry)
  const here = new Set(heldNumbers(entries))
  const open = approvedNumbers(entries).filter((statement) => !here.has(statement))
  const earlier = open.length === 0 ? new Set<number>() : await heldAmong(await unit.stored(), session, open)
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
