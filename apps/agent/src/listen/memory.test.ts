// Memory that is full, and what this machine has.
import { expect, test } from 'vitest'
import { createMemoryGuard, memoryBytes } from './memory.ts'

test('is full at its ceiling or with little heap left, and looks again after a while', () => {
  let nowMs = 0
  let use = { residentBytes: 99, heapFraction: 0.1 }
  const guard = createMemoryGuard(
    () => nowMs,
    100,
    () => use,
  )
  const later = (residentBytes: number, heapFraction: number): boolean => {
    use = { residentBytes, heapFraction }
    nowMs += 250
    return guard.isFull
  }
  expect(guard.isFull).toBe(false)
  use = { residentBytes: 100, heapFraction: 0.1 }
  expect(guard.isFull).toBe(false)
  expect(later(100, 0.1)).toBe(true)
  expect(later(99, 0.1)).toBe(false)
  expect(later(99, 0.85)).toBe(true)
  nowMs -= 10_000
  use = { residentBytes: 1, heapFraction: 0.1 }
  expect(guard.isFull).toBe(false)
})

test('knows what this machine has, and that a test needs less', () => {
  expect(memoryBytes()).toBeGreaterThan(1e8)
  expect(createMemoryGuard(() => 0).isFull).toBe(false)
  expect(createMemoryGuard(() => 0, 1).isFull).toBe(true)
})
