// The memory of all processes of the agent together: the bound is one, whoever takes the connection.
import { createMemoryGuard, type MemoryGuard, readMemory } from '../listen/memory.ts'

export interface WorkerMemory extends MemoryGuard {
  /** A worker that has started. */
  enter(): { readonly resident: (bytes: number) => void; readonly leave: () => void }
}

/** A worker says with each connection what it has. */
export function createWorkerMemory(nowMs: () => number, bytesMax: number | null): WorkerMemory {
  const parts = new Set<{ bytes: number }>()
  const use = () => {
    const own = readMemory()
    const others = [...parts].reduce((sum, { bytes }) => sum + bytes, 0)
    return { ...own, residentBytes: own.residentBytes + others }
  }
  const guard = createMemoryGuard(nowMs, bytesMax, use)
  return {
    get isFull() {
      return guard.isFull
    },
    enter() {
      const part = { bytes: 0 }
      parts.add(part)
      return {
        resident: (bytes) => {
          part.bytes = bytes
        },
        leave: () => parts.delete(part),
      }
    },
  }
}
