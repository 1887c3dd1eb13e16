// Connections that become no session: they are told why, if they still listen, and closed. Whoever showed nothing good too often
// is told later; nobody else waits for that.
import type { Duplex } from 'node:stream'
import { SallyportError, surfacesOf } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { encodeBackend } from '@sallyport/wire/postgres/encode'
import { pause } from '../link/backoff.ts'
import type { SessionDeps } from '../session/deps.ts'
import { describeThrown } from '../session/log.ts'
import { errorFields } from './refuse.ts'

export interface TurnedAway {
  readonly socket: Duplex
  readonly address: string
  /** Its login is refused. How long the answer has to wait, in milliseconds. */
  readonly onRefused: () => number
  /** Fires when the listener closes or the client vanishes. */
  readonly signal: AbortSignal
}

type Deps = Pick<SessionDeps, 'metrics' | 'log'>

/** `stream`: what the client reads, by now. */
export async function turnAway(
  stream: Duplex,
  error: SallyportError,
  connection: TurnedAway,
  deps: Deps,
): Promise<void> {
  deps.metrics.refusals.inc({ code: error.code })
  const waitMs = showsNobody(error) ? connection.onRefused() : 0
  const { address, socket } = connection
  const waits = waitMs === 0 ? {} : { waitMs }
  deps.log.warn({ code: error.code, address, ...waits, cause: describeThrown(error.cause) }, 'connection-refused')
  if (waitMs > 0 && !connection.signal.aborted) await pause(waitMs, connection.signal)
  if (stream.destroyed || !stream.writable) {
    socket.destroy()
    return
  }
  stream.end(encodeBackend({ type: 'errorResponse', fields: errorFields(error, 'FATAL') }))
  stream.resume()
  const timer = setTimeout(() => socket.destroy(), limits.lingerMsMax)
  timer.unref()
  stream.once('close', () => clearTimeout(timer))
}

/** What was shown says nothing of who it is. A caller that is known, and may not, is none of those who try. */
const showsNobody = ({ code }: SallyportError): boolean => surfacesOf(code).http === 401

/** One connection too many. It is told so in clear text, as the server does when it cannot fork. */
export function refuseConnection(socket: Duplex, address: string, deps: Deps, reason: string): void {
  const error = new SallyportError('CONNECTION_LIMIT', reason, {
    hint: 'close idle connections, or try again later',
  })
  deps.metrics.refusals.inc({ code: error.code })
  deps.log.warn({ code: error.code, address }, 'connection-refused')
  socket.end(encodeBackend({ type: 'errorResponse', fields: errorFields(error, 'FATAL') }))
  socket.resume()
  setTimeout(() => socket.destroy(), limits.lingerMsMax).unref()
}
