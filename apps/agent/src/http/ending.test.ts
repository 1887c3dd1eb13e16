// Endings: who is told, how often, and that a real signal says the same.
import { expect, it, vi } from 'vitest'
import { Ending } from './ending.ts'

it('tells whoever listens once, and nobody who does not any more', () => {
  const ending = new Ending()
  const [first, second] = [vi.fn(), vi.fn()]
  ending.addEventListener('abort', first)
  ending.addEventListener('abort', second)
  ending.removeEventListener('abort', second)
  ending.abort('why')
  ending.abort('again')
  expect([ending.aborted, ending.reason]).toEqual([true, 'why'])
  expect(first).toHaveBeenCalledTimes(1)
  expect(second).not.toHaveBeenCalled()
})

it('has a signal that says the same, asked for before or after', () => {
  const before = new Ending()
  const { signal } = before
  expect(signal.aborted).toBe(false)
  before.abort('why')
  expect([signal.aborted, signal.reason]).toEqual([true, 'why'])
  const after = new Ending()
  after.abort('why')
  expect([after.signal.aborted, after.signal.reason]).toEqual([true, 'why'])
  expect(after.signal).toBe(after.signal)
})
