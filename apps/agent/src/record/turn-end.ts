// One write for all that waits for it in one turn of the event loop.

/** Settles when `write` has been called at the end of this turn; rejects with what it throws. */
export function atTurnEnd(write: () => void): () => Promise<void> {
  /** Of whoever waits now. */
  let turn: Promise<void> | undefined
  return () => {
    if (turn !== undefined) return turn
    turn = new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        turn = undefined
        try {
          write()
          resolve()
        } catch (thrown) {
          reject(thrown)
        }
      })
    })
    // Whoever waits is told; an outcome that nobody waits for is there for the next attempt.
    turn.catch(() => {})
    return turn
  }
}
