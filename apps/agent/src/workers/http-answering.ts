// The primary's answers to a worker that serves HTTP: places and room of all workers, sessions of MCP and what is known of their servers.
import { assert } from '@sallyport/base/assert'
import { asSallyportError } from '@sallyport/base/errors'
import type { RequestBudgets } from '../limits/budgets.ts'
import type { HttpShares } from '../listen/http-shares.ts'
import type { McpHolder, McpRegistry } from '../mcp/registry.ts'
import type { Entered } from './answering.ts'
import type { BlockHolder } from './caller-blocks.ts'
import type { HttpAnswers, HttpQuestion, HttpTold } from './http-questions.ts'
import { saidError } from './messages.ts'

export interface HttpAnswering {
  answer(question: HttpQuestion): HttpAnswers[HttpQuestion['kind']]
  hear(told: HttpTold): void
  /** Shows an answer to what another worker may have asked. */
  readonly show: McpRegistry['show']
  /** The worker is gone. */
  end(): void
}

export interface HttpAnsweringDeps {
  readonly budgets: RequestBudgets
  readonly shares: HttpShares
  readonly blocks: BlockHolder
  /** By the worker's own names. */
  readonly entered: Map<number, Entered>
  readonly resident: (bytes: number) => void
}

export function openHttpAnswering(deps: HttpAnsweringDeps, holder: McpHolder): HttpAnswering {
  const { budgets, shares, blocks } = deps
  const registry = shares.enterMcp(holder)
  let roomBytes = 0
  const more = (bytes: number): boolean => {
    const isTaken = shares.room.take(bytes)
    if (isTaken) roomBytes += bytes
    return isTaken
  }
  return {
    answer(question) {
      switch (question.kind) {
        case 'left':
          return budgets.left(question.claims)
        case 'enterPlaces':
        case 'enterHttpCaller':
        case 'enterHttpDoor':
          return enter(question, deps)
        case 'lendCaller':
          return blocks.lend(question)
        case 'bodyRoom':
          return more(question.bytes)
        case 'pinIsApproved':
          return shares.pins.isApproved(question.server, question.listed)
        case 'pinRefusal': {
          const refusal = shares.pins.refusal(question.server, question.name, question.pin)
          return refusal === null ? null : saidError(refusal)
        }
        case 'pinIsFresh':
          return shares.pins.isFresh(question.server, question.of)
        default:
          return ofSession(question, registry)
      }
    },
    hear(told) {
      if (told.kind !== 'bodyRoomBack') return hear(told, deps, registry)
      assert(told.bytes <= roomBytes, 'a worker gives back more room than it had')
      roomBytes -= told.bytes
      shares.room.give(told.bytes)
    },
    show: registry.show,
    end() {
      shares.room.give(roomBytes)
      roomBytes = 0
      blocks.leave()
      registry.leave()
    },
  }
}

type Entering = Extract<HttpQuestion, { kind: 'enterPlaces' | 'enterHttpCaller' | 'enterHttpDoor' }>

function enter(question: Entering, { budgets, shares, entered, resident }: HttpAnsweringDeps) {
  switch (question.kind) {
    case 'enterPlaces': {
      const places = budgets.enter(question.places)
      if ('full' in places) return places.full
      entered.set(question.place, places)
      return null
    }
    case 'enterHttpCaller':
      try {
        entered.set(question.place, { leave: shares.callers[question.what].enter(question) })
        return null
      } catch (thrown) {
        return saidError(asSallyportError(thrown))
      }
    case 'enterHttpDoor': {
      resident(question.residentBytes)
      const door = shares.admission.enter(question.address)
      if (typeof door === 'string') return door
      entered.set(question.place, door)
      return null
    }
  }
}

type OfSession = Extract<HttpQuestion, { kind: `mcp${string}` }>

function ofSession(question: OfSession, registry: McpRegistry): HttpAnswers[OfSession['kind']] {
  switch (question.kind) {
    case 'mcpOpen':
      return registry.open(question.owner, question.session)
    case 'mcpFind':
      return registry.find(question.owner, question.id)
    case 'mcpBegin':
      return registry.begin(question.id, question.key, question.progressToken)
    case 'mcpIsPending':
      return registry.isPending(question.id, question.key)
    case 'mcpHasToken':
      return registry.hasToken(question.id, question.token)
    case 'mcpEventOf':
      return registry.eventOf(question.id, question.event)
  }
}

function hear(
  told: Exclude<HttpTold, { kind: 'bodyRoomBack' }>,
  { budgets, shares, blocks }: HttpAnsweringDeps,
  registry: McpRegistry,
): void {
  switch (told.kind) {
    case 'callerBack':
      blocks.back(told, told.count)
      break
    case 'owe':
      budgets.owe(told.claims)
      break
    case 'mcpSettle':
      registry.settle(told.id, told.key)
      break
    case 'mcpEvent':
      registry.keepEvent(told.id, told.event, told.ofServer)
      break
    case 'mcpEnd':
      registry.end(told.id)
      break
    case 'pinsListed':
      shares.pins.listed(told.server, told.names, told.of)
      break
    case 'pinsChanged':
      shares.pins.changed(told.server, told.of)
      break
  }
}
