// How every call is answered: errors become statuses with our code, streams are registered so that they can be cut.
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js'
import { asSallyportError, type SallyportError } from '@sallyport/base/errors'
import { statusOf } from '@sallyport/proto/status'
import type { Logger } from 'pino'
import type { IngestCall } from './ingest.ts'
import type { LinkCall } from './link.ts'
import type { Links, OpenCall } from './links.ts'
import type { AgentIdentity } from './peer.ts'

function logged(log: Logger, method: string, thrown: unknown): SallyportError {
  const error = asSallyportError(thrown)
  const fields = { event: 'grpc-refused', method, code: error.code, reason: error.message }
  if (error.code === 'INTERNAL') log.error({ ...fields, err: error.cause })
  else log.info(fields)
  return error
}

/** One request, one answer; what is thrown becomes a status with our code. */
export function unary<Request, Response>(
  log: Logger,
  method: string,
  answer: (call: ServerUnaryCall<Request, Response>) => Promise<Response>,
) {
  return (call: ServerUnaryCall<Request, Response>, respond: sendUnaryData<Response>): void => {
    answer(call).then(
      (response) => respond(null, response),
      (thrown: unknown) => respond(statusOf(logged(log, method, thrown))),
    )
  }
}

type AnyCall = LinkCall | IngestCall

/** A stream that is being served. */
export interface Served {
  /** The last message before the call is cut, where the contract has one. */
  sayRevoked(reason: string): void
  /** Cleans up. */
  stop(): void
}

/** A stream of an agent: authenticated, registered so that it can be cut, cleaned up once. */
export function stream<Call extends AnyCall>(
  log: Logger,
  method: OpenCall['kind'],
  authenticated: (call: Call) => Promise<AgentIdentity>,
  links: Links,
  serve: (agent: AgentIdentity, call: Call, failed: (thrown: unknown) => void) => Served,
) {
  return (call: Call): void => {
    const cleanUp: (() => void)[] = []
    let isOver = false
    const end = (): void => {
      isOver = true
      for (const clean of cleanUp.splice(0)) clean()
    }
    const failed = (thrown: unknown): void => {
      if (isOver) return
      end()
      answerError(call, logged(log, method, thrown))
    }
    call.on('cancelled', end)
    call.on('error', end)
    call.on('end', () => {
      end()
      call.end()
    })
    const begin = (agent: AgentIdentity): void => {
      if (isOver) return
      let served: Served | undefined
      const cut = (error: SallyportError): void => {
        if (isOver) return
        if (error.code === 'AGENT_REVOKED') served?.sayRevoked(error.message)
        end()
        answerError(call, error)
      }
      cleanUp.push(links.add({ kind: method, agent, cut }))
      served = serve(agent, call, failed)
      cleanUp.push(served.stop)
    }
    authenticated(call).then(begin).catch(failed)
  }
}

const answerError = (call: AnyCall, error: SallyportError): void => {
  call.emit('error', statusOf(error))
}
