// When bytes leave: at the end of a turn of the event loop, for all sessions that were woken in it. Entries of all of them are
// then written with one write(2), which comes first (record.ts); a session writes to each of its sockets once.

/** One for each process. */
export class Departures {
  #due: (() => void)[] = []

  /** Calls `leave` once, when everything else that woke up in this turn has had its turn. It must not throw. */
  add(leave: () => void): void {
    if (this.#due.length === 0) setImmediate(this.#depart)
    this.#due.push(leave)
  }

  readonly #depart = (): void => {
    const due = this.#due
    this.#due = []
    for (const leave of due) leave()
  }
}
