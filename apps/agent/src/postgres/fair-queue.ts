// Who waits, in the order in which they are served: callers take turns, and each caller's own come in the order in which they
// came, so that nobody who asks often keeps the others from being served.

export class FairQueue<T> {
  /** Callers in the order of their turns. INVARIANT: none of the lists is empty. */
  readonly #callers = new Map<string, T[]>()
  #length = 0

  get length(): number {
    return this.#length
  }

  lengthOf(caller: string): number {
    return this.#callers.get(caller)?.length ?? 0
  }

  add(caller: string, item: T): void {
    const own = this.#callers.get(caller)
    if (own === undefined) this.#callers.set(caller, [item])
    else own.push(item)
    this.#length += 1
  }

  /** False: it was not there. */
  remove(caller: string, item: T): boolean {
    const own = this.#callers.get(caller)
    const at = own?.indexOf(item) ?? -1
    if (own === undefined || at < 0) return false
    own.splice(at, 1)
    this.#length -= 1
    if (own.length === 0) this.#callers.delete(caller)
    return true
  }

  /** Whose turn comes next. */
  get first(): T | undefined {
    for (const [item] of this.#callers.values()) return item
    return undefined
  }

  /**
   * Takes out the one whose turn comes next, or, of each caller's first, the next one that fits; its caller has the last turn from
   * now on.
   */
  next(fits: (item: T) => boolean = () => true): T | undefined {
    for (const [caller, own] of this.#callers) {
      const [item] = own
      if (item === undefined || !fits(item)) continue
      own.shift()
      this.#length -= 1
      this.#callers.delete(caller)
      if (own.length > 0) this.#callers.set(caller, own)
      return item
    }
    return undefined
  }
}
