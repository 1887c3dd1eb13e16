// The log: one JSON object a line, event names and ids. Errors are cut down to type, code, message and stack, because
// errors of libraries may carry requests, answers and tokens as further fields.
import { limits } from '@sallyport/base/limits'
import { type DestinationStream, type Logger, pino } from 'pino'

interface Shown {
  readonly type: string
  readonly code?: string
  readonly message: string
  readonly stack?: string
  readonly cause?: Shown
}

/** Causes of causes that are shown. */
const causesMax = 5

/** What the log keeps of anything thrown. */
export function describeError(thrown: unknown, depth = 0): Shown {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: 'not an error' }
  const code = 'code' in thrown && typeof thrown.code === 'string' ? { code: thrown.code } : {}
  const stack = depth === 0 && thrown.stack !== undefined ? { stack: thrown.stack } : {}
  const cause =
    thrown.cause instanceof Error && depth < causesMax ? { cause: describeError(thrown.cause, depth + 1) } : {}
  return { type: thrown.name, ...code, message: thrown.message, ...stack, ...cause }
}

const secretNames = ['token', 'accessToken', 'idToken', 'password', 'secret', 'authorization', 'cookie', 'csrfToken']

/** Writes to stdout unless told otherwise. */
export function createLog(level: string, write?: (line: string) => void): Logger {
  const options = {
    level,
    base: { app: 'control-plane' },
    serializers: { err: (thrown: unknown) => describeError(thrown) },
    redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
    timestamp: pino.stdTimeFunctions.isoTime,
  }
  return pino(options, write === undefined ? standardOutput() : { write })
}

/** A log that cannot be written ends nothing: its lines wait for room, as many as fit. */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true, maxLength: limits.logBytesMax })
  output.on('error', () => {})
  return output
}
