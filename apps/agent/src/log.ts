// The agent's log: one JSON object a line, fields first, then the event's name. Errors are cut down to class, code and
// message, because errors of libraries may carry requests, answers and tokens as further fields.
import { limits } from '@sallyport/base/limits'
import { type DestinationStream, type Logger, pino } from 'pino'
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
  return pino(options, write === undefined ? standardOutput() : { write })
}

/** A log that cannot be written ends nothing: its lines wait for room, as many as fit. */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true, maxLength: limits.logBytesMax })
  output.on('error', () => {})
  return output
}
