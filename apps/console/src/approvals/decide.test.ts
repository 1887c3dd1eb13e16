// From looking to a sent verdict: no way leads to a verdict that nobody meant.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Act,
  armedMsMax,
  armedMsMin,
  type Deciding,
  decide,
  looking,
  reasonCharactersMax,
  reasonOf,
} from './decide.ts'

const rules = { isHighRisk: false, reasonRequired: false, digest: 'd1', nowMs: 1_000 }
const high = { ...rules, isHighRisk: true }
const run = (acts: readonly (readonly [Act, typeof rules])[]) =>
  acts.reduce<Deciding>((state, [act, when]) => decide(state, act, when), looking)

const approve: Act = { do: 'approve' }
const deny: Act = { do: 'deny' }
const send: Act = { do: 'send' }

describe('deciding', () => {
  it('takes one press for a request without high risk', () => {
    expect(run([[approve, rules]])).toEqual({ step: 'sending', digest: 'd1', verdict: 'approved', reason: '' })
  })

  it('takes two presses for a high risk', () => {
    const once = run([[approve, high]])
    expect(once.step).toBe('armed')
    expect(decide(once, approve, { ...high, nowMs: 1_000 + armedMsMin }).step).toBe('sending')
  })

  it('takes a double click for one press', () => {
    expect(
      run([
        [approve, high],
        [approve, { ...high, nowMs: 1_000 + armedMsMin - 1 }],
      ]).step,
    ).toBe('armed')
  })

  it('forgets the first press after its time', () => {
    const late = { ...high, nowMs: 1_000 + armedMsMax + 1 }
    expect(
      run([
        [approve, high],
        [approve, late],
      ]),
    ).toEqual({ step: 'armed', digest: 'd1', atMs: late.nowMs })
  })

  it('begins again when the request changes between two presses', () => {
    const changed = { ...high, digest: 'd2', nowMs: 1_000 + armedMsMin }
    expect(
      run([
        [approve, high],
        [approve, changed],
      ]),
    ).toEqual({ step: 'armed', digest: 'd2', atMs: changed.nowMs })
  })

  it('never denies without a reason', () => {
    expect(
      run([
        [deny, rules],
        [send, rules],
      ]).step,
    ).toBe('reasoning')
    expect(
      run([
        [deny, rules],
        [{ do: 'type', text: '  ' }, rules],
        [send, rules],
      ]).step,
    ).toBe('reasoning')
    expect(
      run([
        [deny, rules],
        [{ do: 'type', text: 'no' }, rules],
        [send, rules],
      ]),
    ).toEqual({
      step: 'sending',
      digest: 'd1',
      verdict: 'denied',
      reason: 'no',
    })
  })

  it('takes chips as a reason, and takes them back', () => {
    const chip: Act = { do: 'chip', chip: 'Looks wrong' }
    expect(
      run([
        [deny, rules],
        [chip, rules],
        [send, rules],
      ]).step,
    ).toBe('sending')
    expect(
      run([
        [deny, rules],
        [chip, rules],
        [chip, rules],
        [send, rules],
      ]).step,
    ).toBe('reasoning')
  })

  it('keeps what was written when the request changes, and asks for the press again', () => {
    const changed = { ...rules, digest: 'd2' }
    const state = run([
      [deny, rules],
      [{ do: 'type', text: 'no' }, rules],
      [send, changed],
    ])
    expect(state).toMatchObject({ step: 'reasoning', text: 'no', digest: 'd2' })
    expect(decide(state, send, changed)).toMatchObject({ step: 'sending', digest: 'd2' })
  })

  it('asks for a reason to approve where the rule wants one', () => {
    const required = { ...rules, reasonRequired: true }
    expect(run([[approve, required]])).toMatchObject({ step: 'reasoning', verdict: 'approved' })
    expect(
      run([
        [approve, required],
        [approve, required],
      ]).step,
    ).toBe('reasoning')
    expect(
      run([
        [approve, required],
        [{ do: 'type', text: 'T-1' }, required],
        [approve, required],
      ]),
    ).toMatchObject({
      step: 'sending',
      verdict: 'approved',
      reason: 'T-1',
    })
  })

  it('steps back from everything but a verdict that is on its way', () => {
    expect(
      run([
        [approve, high],
        [{ do: 'back' }, high],
      ]),
    ).toBe(looking)
    expect(
      run([
        [deny, rules],
        [{ do: 'back' }, rules],
      ]),
    ).toBe(looking)
    expect(
      run([
        [approve, rules],
        [{ do: 'back' }, rules],
      ]).step,
    ).toBe('sending')
  })

  it('sends no high risk without two approving presses, and no denial without a reason, whatever is pressed', () => {
    const act = fc.oneof(
      fc.constantFrom<Act>(approve, deny, send, { do: 'back' }, { do: 'chip', chip: 'x' }),
      fc.string({ maxLength: 3 }).map((text): Act => ({ do: 'type', text })),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(act, fc.nat({ max: 2_000 })), { maxLength: 20 }), (presses) => {
        let state: Deciding = looking
        let nowMs = 0
        for (const [next, after] of presses) {
          nowMs += after
          const before: Deciding = state
          state = decide(before, next, { ...high, nowMs })
          if (state.step !== 'sending' || before.step === 'sending') continue
          if (state.verdict === 'approved') expect(before.step).toBe('armed')
          else expect(state.reason.trim()).not.toBe('')
        }
      }),
      { numRuns: 200 },
    )
  })

  it('sends a reason of the longest length, and cuts one character more', () => {
    expect(reasonOf([], 'x'.repeat(reasonCharactersMax))).toHaveLength(reasonCharactersMax)
    expect(reasonOf([], 'x'.repeat(reasonCharactersMax + 1))).toHaveLength(reasonCharactersMax)
  })
})
