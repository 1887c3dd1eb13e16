// Where the session's own connection may be asked (docs/adr/0008): every state in which the question would show is left out.
import { describe, expect, it } from 'vitest'
import { readingPlace } from './own-place.ts'
import { openState, type Portal, type State } from './state.ts'

const portal = (holds: boolean): Portal => ({
  name: 'p',
  text: '',
  facts: null,
  statement: null,
  parameters: { values: [], formats: [], lengths: [] },
  bind: null,
  bytes: 0,
  resultFormats: [],
  protection: null,
  holds,
  pendingSegment: null,
  columns: null,
  sensitive: false,
  sets: undefined,
})
const at = (changes: Partial<State>, ...portals: readonly Portal[]) =>
  readingPlace({ ...openState(180_004), ...changes, portals: new Map(portals.map((one) => [one.name, one])) })

describe('the own connection is asked', () => {
  it.each<[string, Partial<State>, Portal[], ReturnType<typeof readingPlace>]>([
    ['outside of a block', {}, [], { block: false, unsynced: false }],
    ['in a block', { status: 'T' }, [portal(false)], { block: true, unsynced: false }],
    ['in a block, behind a Parse', { status: 'T', segmentOpen: true }, [], { block: true, unsynced: true }],
    ['behind a Parse', { segmentOpen: true }, [], { block: false, unsynced: true }],
    [
      'behind a Parse, with a cursor that is held',
      { segmentOpen: true },
      [portal(true)],
      { block: false, unsynced: true },
    ],
    ['never while a portal would die by it', { segmentOpen: true }, [portal(false)], 'impossible'],
    ['never in a failed transaction', { status: 'E' }, [], 'impossible'],
    ['never behind an Execute: a block may have begun', { segmentOpen: true, segmentRan: true }, [], 'impossible'],
    ['never behind an Execute: a block may have ended', { status: 'T', segmentRan: true }, [], 'impossible'],
  ])('%s', (_, changes, portals, expected) => {
    expect(at(changes, ...portals)).toEqual(expected)
  })
})
