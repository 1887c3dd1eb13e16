// Room for bodies that are kept whole, of all exchanges of one agent together. Whoever takes gives back.

export interface Room {
  /** False: there is none, and nothing was taken. */
  take(bytes: number): boolean
  give(bytes: number): void
  readonly used: number
}

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
