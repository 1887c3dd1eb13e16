// Room for bodies that are kept whole, of all exchanges of one agent together. Whoever takes gives back.

export interface Room {
  /** False: there is none, and nothing was taken. */
  take(bytes: number): boolean
  give(bytes: number): void
  readonly used: number
}

/** What room is lent by, where several processes share it. */
export type Lender = Pick<Room, 'take' | 'give'>

export function roomOf(bytesMax: number): Room {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > bytesMax) return false
      used += bytes
      return true
    },
    give(bytes) {
      used -= bytes
    },
    get used() {
      return used
    },
  }
}

/** Room that is lent in blocks: bytes come piece by piece, and one question for each would cost more than they do. */
export function lentRoom(lender: Lender, blockBytes: number): Room {
  let lent = 0
  let used = 0
  return {
    take(bytes) {
      const lacking = used + bytes - lent
      if (lacking > 0) {
        // Where a whole block is too much, what is needed may still be there.
        const wanted = [Math.ceil(lacking / blockBytes) * blockBytes, lacking].find((more) => lender.take(more))
        if (wanted === undefined) return false
        lent += wanted
      }
      used += bytes
      return true
    },
    give(bytes) {
      used -= bytes
      // One block stays for the next body.
      const spare = lent - used - blockBytes
      if (spare < blockBytes) return
      lender.give(spare)
      lent -= spare
    },
    get used() {
      return used
    },
  }
}
