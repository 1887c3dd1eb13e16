// For our own bugs: a failed assertion ends the session it happens in. What the world does wrong is a SallyportError.

/** An invariant of ours does not hold. */
export class AssertionError extends Error {
  override name = 'AssertionError'
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** For the default arm of a closed union: does not compile while an arm is missing. */
export function unreachable(value: never, message = 'unreachable'): never {
  throw new AssertionError(`${message}: ${JSON.stringify(value)}`)
}
