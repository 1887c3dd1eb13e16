// Identical requests are one row; what differs in any way that matters is not.
import { describe, expect, it } from 'vitest'
import { groupsOf, neighbour } from './groups.ts'
import { approvalWith } from './testing.ts'

const ana = approvalWith().initiator

describe('groups of requests', () => {
  it('hold requests of the same fingerprint, caller and target, oldest first', () => {
    const [group, ...others] = groupsOf([
      approvalWith({ id: 'b', createdAt: '2026-11-24T10:01:00Z' }),
      approvalWith({ id: 'a', createdAt: '2026-11-24T10:00:00Z' }),
    ])
    expect(others).toEqual([])
    expect(group?.first.id).toBe('a')
    expect(group?.items).toHaveLength(2)
  })

  it('put a caller that waits in its connection before older ones that do not', () => {
    const [group] = groupsOf([
      approvalWith({ id: 'a', createdAt: '2026-11-24T10:00:00Z', waiting: 0 }),
      approvalWith({ id: 'b', createdAt: '2026-11-24T10:01:00Z', waiting: 1 }),
    ])
    expect(group?.first.id).toBe('b')
  })

  it.each([
    ['fingerprint', { fingerprint: 'f2' }],
    ['target', { target: 'warehouse' }],
    ['initiator', { initiator: { ...ana, subject: 'somebody else' } }],
    ['issuer, though the subject is the same', { initiator: { ...ana, issuer: 'https://other.test' } }],
    ['assurance', { initiator: { ...ana, assurance: 'claimed' as const } }],
    ['actor', { actors: [] }],
    ['right to decide', { mine: false }],
    ['state', { state: 'approved' as const }],
  ])('keep a different %s apart', (_, change) => {
    expect(groupsOf([approvalWith({ id: 'a' }), approvalWith({ id: 'b', ...change })])).toHaveLength(2)
  })
})

describe('walking through the list', () => {
  const ids = ['a', 'b', 'c']
  it.each([
    [undefined, 1, 'a'],
    ['a', 1, 'b'],
    ['c', 1, 'c'],
    ['a', -1, 'a'],
    ['gone', 1, 'a'],
  ] as const)('from %s by %s comes to %s', (open, by, expected) => {
    expect(neighbour(ids, open, by)).toBe(expected)
  })
  it('stays where it is in an empty list', () => {
    expect(neighbour([], 'a', 1)).toBeUndefined()
  })
})
