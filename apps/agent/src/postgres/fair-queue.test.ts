// Who is served when, with callers that come and leave.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FairQueue } from './fair-queue.ts'

it('serves callers in turn, and each in the order in which it came', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'a2', 'a3', 'b1', 'b2', 'c1']) queue.add(item.charAt(0), item)
  const served = Array.from({ length: 7 }, () => queue.next())
  expect(served).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', undefined])
})

it('serves, of each one first, whoever fits next, and the others keep their turns', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'b1', 'b2', 'c1']) queue.add(item.charAt(0), item)
  expect(queue.next((item) => item.startsWith('b'))).toBe('b1')
  expect(queue.next((item) => item === 'd1')).toBeUndefined()
  expect([queue.length, queue.lengthOf('b')]).toEqual([3, 1])
  expect([queue.next(), queue.next(), queue.next(), queue.next()]).toEqual(['a1', 'c1', 'b2', undefined])
})

it('nobody waits for more than one turn of each other caller, whoever comes and leaves', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), caller: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ do: fc.constant('next' as const) }),
    fc.record({ do: fc.constant('remove' as const), caller: fc.constantFrom('a', 'b', 'c') }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new FairQueue<{ caller: string; number: number }>()
      const own = new Map<string, { caller: string; number: number }[]>([
        ['a', []],
        ['b', []],
        ['c', []],
      ])
      /** Turns that others had while one waited. */
      const others = new Map<string, Map<string, number>>()
      let number = 0
      for (const one of steps) {
        if (one.do === 'next') {
          expect(queue.first).toBe(queue.first)
          const first = queue.first
          const next = queue.next()
          expect(next).toBe(first)
          if (next === undefined) continue
          expect(own.get(next.caller)?.shift()).toBe(next)
          others.delete(next.caller)
          for (const [caller, seen] of others)
            if (caller !== next.caller) {
              seen.set(next.caller, (seen.get(next.caller) ?? 0) + 1)
              expect(seen.get(next.caller)).toBe(1)
            }
          if ((own.get(next.caller) ?? []).length > 0) others.set(next.caller, new Map())
          continue
        }
        const list = own.get(one.caller) ?? []
        if (one.do === 'add') {
          number += 1
          const item = { caller: one.caller, number }
          queue.add(one.caller, item)
          list.push(item)
          if (list.length === 1) others.set(one.caller, new Map())
        } else {
          const item = list.pop()
          if (item !== undefined) expect(queue.remove(one.caller, item)).toBe(true)
          if (list.length === 0) others.delete(one.caller)
        }
        expect(queue.length).toBe([...own.values()].flat().length)
        expect(queue.lengthOf(one.caller)).toBe(list.length)
      }
    }),
  )
})
