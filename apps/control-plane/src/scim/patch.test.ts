// PATCH of SCIM where it could be made to take the whole process along.
import { expect, it } from 'vitest'
import { applyPatch } from './patch.ts'

const members = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({ value: `user-${from + index}` }))

it('R-6.20: two lists as long as a request can hold are not compared each with each', () => {
  const many = 40_000
  const half = many / 2
  const changed = applyPatch({ members: members(0, many) }, [
    { op: 'add', path: 'members', value: members(half, many + half) },
    { op: 'remove', path: 'members', value: members(0, many) },
  ])
  expect(changed).toEqual({ members: members(many, many + half) })
})

it('of one member more or less leaves the others as they are', () => {
  const changed = applyPatch({ members: members(0, 20) }, [
    { op: 'add', path: 'members', value: [{ value: 'user-3', display: 'again' }, { value: 'user-20' }] },
    { op: 'remove', path: 'members', value: [{ value: 'user-0' }] },
  ])
  expect(changed).toEqual({ members: members(1, 21) })
})
