// The way in for records: takes the messages of each agent in order, commits them, and answers after the commit.
import { randomBytes } from 'node:crypto'
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import type { IngestRequest, IngestResponse } from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import type { FastifyBaseLogger } from 'fastify'
import type { Db } from '../db.ts'
import { acceptAll } from './append.ts'
import { recordTools } from './signature.ts'

export interface IngestDeps {
  readonly db: Db
  readonly clock: Clock
  /** Cryptographically strong. */
  readonly randomBytes?: (size: number) => Buffer
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>
}

export interface Ingest {
  /**
   * Stores one message of an agent's Ingest stream; call it in the order of the stream, without waiting in between.
   * Rejects when nothing can be said about the batch (store gone, agent revoked): end the stream, the agent comes back.
   */
  accept(agentId: string, request: IngestRequest): Promise<IngestResponse>
}

interface Waiting {
  readonly request: IngestRequest
  readonly resolve: (response: IngestResponse) => void
  readonly reject: (reason: unknown) => void
}

export function createIngest(given: IngestDeps): Ingest {
  const deps = { randomBytes, ...given }
  const tools = recordTools()
  const queues = new Map<string, Waiting[]>()
  // One transaction takes all that an agent has sent meanwhile: a commit a batch would be the slowest part.
  const work = async (agentId: string, queue: Waiting[]): Promise<void> => {
    while (queue.length > 0) {
      const taken = queue.splice(0, limits.batchesInFlightMax)
      try {
        const responses = await acceptAll(
          deps,
          tools,
          agentId,
          taken.map(({ request }) => request),
        )
        for (const [index, response] of responses.entries()) taken[index]?.resolve(response)
      } catch (cause) {
        // What follows builds on what failed: the stream ends, and the agent sends it all again.
        for (const waiting of [...taken, ...queue.splice(0)]) waiting.reject(cause)
      }
    }
    queues.delete(agentId)
  }
  return {
    accept: (agentId, request) =>
      new Promise((resolve, reject) => {
        const queue = queues.get(agentId)
        const waiting = { request, resolve, reject }
        if (queue !== undefined) {
          queue.push(waiting)
          return
        }
        const begun = [waiting]
        queues.set(agentId, begun)
        void work(agentId, begun)
      }),
  }
}
