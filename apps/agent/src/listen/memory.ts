// Whether the process may take one more connection: refusing some is better than dying with all of them.
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

export interface MemoryGuard {
  readonly isFull: boolean
}

export interface MemoryUse {
  /** Resident memory of the process, bytes. */
  readonly residentBytes: number
  /** Of what V8 may use for objects, between 0 and 1. */
  readonly heapFraction: number
}

/** Resident memory up to this fraction of what the machine or its control group has. */
const residentFractionMax = 0.8
/** V8 ends the process when its heap is full, and collects garbage all the time shortly before. */
const heapFractionMax = 0.85
/** Looked at again after this long, in milliseconds. */
const readAgainMs = 250

/** Of this process. */
export const readMemory = (): MemoryUse => {
  const { used_heap_size, heap_size_limit } = getHeapStatistics()
  return { residentBytes: process.memoryUsage.rss(), heapFraction: used_heap_size / heap_size_limit }
}

/** What the control group or the machine gives, in bytes. */
export function memoryBytes(): number {
  // 0 or larger than the machine where nothing constrains it.
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

/** `bytesMax`: null for a fraction of what there is. */
export function createMemoryGuard(nowMs: () => number, bytesMax: number | null = null, use = readMemory): MemoryGuard {
  const residentBytesMax = bytesMax ?? memoryBytes() * residentFractionMax
  let readAtMs = Number.NEGATIVE_INFINITY
  let isFull = false
  return {
    get isFull() {
      const now = nowMs()
      // Also where the clock has gone back.
      if (Math.abs(now - readAtMs) >= readAgainMs) {
        readAtMs = now
        const { residentBytes, heapFraction } = use()
        isFull = residentBytes >= residentBytesMax || heapFraction >= heapFractionMax
      }
      return isFull
    },
  }
}
