// The primary's end of a worker's pipe: what the worker asks about budgets, places, permits and the spool is answered in the order
// in which it comes, and what it holds is given back when it is gone.
// INVARIANT: an answer waits for nothing, so that a worker that waits for it never waits for another worker.
import type { Duplex } from 'node:stream'
import { assert } from '@sallyport/base/assert'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import type { RequestBudgets } from '../limits/budgets.ts'
import type { Holds } from '../link/holds.ts'
import type { Admission } from '../listen/admission.ts'
import type { HttpShares } from '../listen/http-shares.ts'
import type { McpHolder } from '../mcp/registry.ts'
import type { ShareNews } from '../postgres/pool-share.ts'
import type { PassedChains } from '../record/passed.ts'
import type { Callers } from '../session/callers.ts'
import type { Caller, CallerBlocks } from './caller-blocks.ts'
import { type HttpAnswering, openHttpAnswering } from './http-answering.ts'
import { saidError } from './messages.ts'
import type { PermitHolder, Permits } from './permits.ts'
import { messageKinds, packedAnswer, type Question, Splitter, type Told } from './question.ts'
import type { WorkerMemory } from './worker-memory.ts'

/** What all workers share. */
export interface AnsweringDeps {
  readonly budgets: RequestBudgets
  readonly callers: Callers
  readonly admission: Admission
  readonly permits: Permits
  readonly holds: Pick<Holds, 'isFull'>
  readonly memory: WorkerMemory
  /** Null where no HTTP is served. */
  readonly http: HttpShares | null
  /** For requests of HTTP. */
  readonly blocks: CallerBlocks
}

export interface Answering {
  /** Null where no HTTP is served. */
  readonly http: Pick<HttpAnswering, 'show'> | null
  /** The worker is gone: what it held is free, and its sessions are closed in the record. */
  end(): void
}

/** What a worker has entered by a name of its own. */
export interface Entered {
  readonly leave: () => void
  readonly authenticated?: () => void
  readonly refused?: () => number
}

/** `broken`: the worker sends what no worker sends. */
export function openAnswering(
  deps: AnsweringDeps,
  worker: {
    readonly pipe: Duplex
    readonly chains: PassedChains
    readonly tell: (news: ShareNews) => void
    readonly broken: (why: SallyportError) => void
    readonly mcp: McpHolder
    /** What it has to spare of this caller is asked back. */
    readonly recall: (caller: Caller) => void
  },
): Answering {
  const { pipe, chains, tell, broken } = worker
  const splitter = new Splitter()
  const entered = new Map<number, Entered>()
  const memory = deps.memory.enter()
  const permits = deps.permits.enter(tell)
  const { resident } = memory
  const httpDeps = (shares: HttpShares) => ({
    ...{ budgets: deps.budgets, shares, entered, resident },
    blocks: deps.blocks.enter(worker.recall),
  })
  const http = deps.http === null ? null : openHttpAnswering(httpDeps(deps.http), worker.mcp)
  const take = (kind: number, content: Buffer): Buffer | null => {
    if (kind === messageKinds.entries) return packedAnswer(written(chains, content))
    if (kind === messageKinds.told) {
      hear(JSON.parse(content.toString('utf8')), entered, permits, http)
      return null
    }
    const question: Question = JSON.parse(content.toString('utf8'))
    if (question.kind === 'room') return packedAnswer(chains.roomBytes)
    if (question.kind === 'enterDoor') resident(question.residentBytes)
    return packedAnswer(answerOf(question, deps, entered, permits, http))
  }
  // Its end is noticed by whoever started it.
  pipe.on('error', () => {})
  pipe.on('data', (chunk: Buffer) => {
    try {
      const answers = splitter.push(chunk).flatMap(({ kind, content }) => take(kind, content) ?? [])
      if (answers.length > 0) pipe.write(Buffer.concat(answers))
    } catch (cause) {
      broken(new SallyportError('INTERNAL', 'a worker sent what cannot be read', { cause }))
    }
  })
  return {
    http,
    end() {
      pipe.destroy()
      http?.end()
      for (const { leave } of entered.values()) leave()
      entered.clear()
      permits.leave()
      memory.leave()
      chains.closeAll()
    },
  }
}

function written(chains: PassedChains, frames: Buffer) {
  try {
    chains.write(frames)
    return chains.roomBytes
  } catch (thrown) {
    return saidError(asSallyportError(thrown))
  }
}

function answerOf(
  question: Exclude<Question, { kind: 'room' }>,
  { budgets, callers, admission, holds }: AnsweringDeps,
  entered: Map<number, Entered>,
  permits: PermitHolder,
  http: HttpAnswering | null,
): unknown {
  switch (question.kind) {
    case 'take':
      return budgets.take(question.claims)
    case 'look':
      return budgets.look(question.claims)
    case 'enterDoor': {
      const door = admission.enter(question.address)
      if (typeof door === 'string') return door
      entered.set(question.place, door)
      return null
    }
    case 'enterCaller':
      try {
        entered.set(question.place, { leave: callers.enter(question) })
        return null
      } catch (thrown) {
        return saidError(asSallyportError(thrown))
      }
    case 'refusedLogin':
      return entered.get(question.place)?.refused?.() ?? 0
    case 'more':
      return permits.more(question.group, question.max)
    case 'wait':
      return permits.wait(question.group, question.caller, question.max)
    case 'holdsFull':
      return holds.isFull
    default:
      assert(http !== null, 'a worker serves HTTP that was not told to')
      return http.answer(question)
  }
}

function hear(told: Told, entered: Map<number, Entered>, permits: PermitHolder, http: HttpAnswering | null): void {
  switch (told.kind) {
    case 'authenticated':
      entered.get(told.place)?.authenticated?.()
      break
    case 'leave':
      entered.get(told.place)?.leave()
      entered.delete(told.place)
      break
    case 'give':
      permits.give(told.group, told.count)
      break
    case 'waited':
      permits.waited(told.group, told.caller)
      break
    default:
      assert(http !== null, 'a worker serves HTTP that was not told to')
      http.hear(told)
  }
}
