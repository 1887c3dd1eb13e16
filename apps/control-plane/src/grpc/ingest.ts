// The stream Ingest: batches of entries up, acknowledgements down, in order. A few batches may be under way at once, so
// that they share a commit; past that the stream is not read.
// INVARIANT: an agent writes under the identity of its certificate only; nothing in a message can name another.
import type { ServerDuplexStream } from '@grpc/grpc-js'
import { limits } from '@sallyport/base/limits'
import type { IngestRequest, IngestResponse } from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import type { Served } from './calls.ts'
import type { AgentIdentity } from './peer.ts'
import { written } from './stream.ts'

/** What ingest/ offers: checks and commits a batch, then says what was committed. Called in the order of the stream. */
export interface Ingest {
  accept(agentId: string, request: IngestRequest): Promise<IngestResponse>
}

export type IngestCall = ServerDuplexStream<IngestRequest, IngestResponse>

/** Serves one call until it ends. `failed` answers it with an error. */
export function serveIngest(
  ingest: Ingest,
  agent: AgentIdentity,
  call: IngestCall,
  failed: (thrown: unknown) => void,
): Served {
  let underWay = 0
  let isOver = false
  const take = async (request: IngestRequest): Promise<void> => {
    const response = await ingest.accept(agent.agentId, request)
    if (!isOver) await written(call, response, () => call.cancelled)
    underWay -= 1
    call.resume()
  }
  call.on('data', (request: IngestRequest) => {
    if (isOver) return
    underWay += 1
    if (underWay >= limits.batchesInFlightMax) call.pause()
    take(request).catch((thrown: unknown) => {
      isOver = true
      // What still comes is read and dropped, so that the agent sees our status and not a full window.
      call.resume()
      failed(thrown)
    })
  })
  return {
    sayRevoked: () => undefined,
    stop() {
      isOver = true
    },
  }
}
