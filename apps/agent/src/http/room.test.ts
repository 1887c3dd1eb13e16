// Room that is lent in blocks never holds more than there is, and gives back what it does not need.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { lentRoom, roomOf } from './room.ts'

const block = 100

it('is never more than all of it, whoever takes and gives, and is refused only where others have less than two blocks to spare', () => {
  const step = fc.record({ who: fc.nat(2), bytes: fc.integer({ min: 1, max: 350 }), isGiven: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const all = roomOf(1_000)
      const lenders = [0, 1, 2].map(() => lentRoom(all, block))
      const taken: number[][] = [[], [], []]
      const inUse = () => taken.flat().reduce((sum, bytes) => sum + bytes, 0)
      for (const { who, bytes, isGiven } of steps) {
        const room = lenders[who]!
        const own = taken[who]!
        if (isGiven) {
          const given = own.pop()
          if (given !== undefined) room.give(given)
        } else if (room.take(bytes)) own.push(bytes)
        else expect(inUse() + bytes + 2 * 2 * block).toBeGreaterThan(1_000)
        expect(room.used).toBe(own.reduce((sum, one) => sum + one, 0))
        expect(inUse()).toBeLessThanOrEqual(all.used)
        expect(all.used).toBeLessThanOrEqual(1_000)
      }
    }),
  )
})

it('takes what is left where a block is too much', () => {
  const all = roomOf(150)
  const room = lentRoom(all, block)
  expect(room.take(10)).toBe(true)
  expect(room.take(140)).toBe(true)
  expect(room.take(1)).toBe(false)
  expect(all.used).toBe(150)
})

it('keeps a block for the next body, and no more', () => {
  const all = roomOf(10_000)
  const room = lentRoom(all, block)
  room.take(1_000)
  room.give(1_000)
  expect(all.used).toBe(block)
})
