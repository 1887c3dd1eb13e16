// The stream Ingest: batches of entries up, acknowledgements down, one batch at a time and in order.
// INVARIANT: an agent writes under the identity of its certificate only; nothing in a message can name another.
import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { IngestRequest, IngestResponse } from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import type { Served } from './calls.ts'
import type { AgentIdentity } from './peer.ts'
import { eachInOrder, written } from './stream.ts'

/** What ingest/ offers: checks and commits a batch, then says what was committed. */
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
  const take = async (request: IngestRequest): Promise<void> => {
    const response = await ingest.accept(agent.agentId, request)
    await written(call, response, () => call.cancelled)
  }
  eachInOrder(call, take, failed)
  return { sayRevoked: () => undefined, stop: () => undefined }
}
