// The agent's log: one JSON object a line, fields first, then the event's name. Errors are cut down to class, code and
// message, because errors of libraries may carry requests, answers and tokens as further fields.
import { type Logger, pino } from 'pino'
import { describeThrown } from './session/log.ts'

/** Names of fields that no log line shows, wherever they stand. */
const secretNames = ['token', 'password', 'secret', 'key', 'clientKey', 'serverKey', 'maskKey', 'authorization']

/** Writes to stdout unless told otherwise. */
export function createLog(level: string, write?: (line: string) => void): Logger {
  const options = {
    level,
    base: { app: 'agent' },
    serializers: { err: (thrown: unknown) => describeThrown(thrown) },
    redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
    timestamp: pino.stdTimeFunctions.isoTime,
  }
  return write === undefined ? pino(options) : pino(options, { write })
}
