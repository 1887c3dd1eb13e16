// Questions that wait for an answer by number, each of one kind.

export interface Calls<A> {
  /** The number and the answer to come. */
  begin(): { readonly call: number; readonly answer: Promise<A> }
  /** One that nobody waits for is dropped. */
  answered(call: number, answer: A): void
}

export function openCalls<A>(): Calls<A> {
  const open = new Map<number, (answer: A) => void>()
  let last = 0
  return {
    begin() {
      last += 1
      const call = last
      return { call, answer: new Promise<A>((resolve) => open.set(call, resolve)) }
    },
    answered(call, answer) {
      open.get(call)?.(answer)
      open.delete(call)
    },
  }
}
