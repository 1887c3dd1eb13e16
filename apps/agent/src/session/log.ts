// The logger as the data path uses it, in pino's shape: fields first, then the event's name.
// INVARIANT: fields are ids, names, counts and codes; never a statement, a value, a token or a credential.

export type LogFields = Readonly<Record<string, unknown>>

export interface Log {
  debug(fields: LogFields, event: string): void
  info(fields: LogFields, event: string): void
  warn(fields: LogFields, event: string): void
  error(fields: LogFields, event: string): void
}

/** For tests and for callers that do not want to hear. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** What an operator may read of a thrown value: class, code and message, with the chain of causes. */
export function describeThrown(thrown: unknown, depthMax = 4): readonly string[] {
  if (depthMax === 0 || !(thrown instanceof Error)) return thrown === undefined ? [] : [String(thrown)]
  return [`${thrown.name}: ${thrown.message}`, ...describeThrown(thrown.cause, depthMax - 1)]
}
