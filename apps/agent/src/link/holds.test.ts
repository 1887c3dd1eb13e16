// The agent's end of holds over the link, message by message: what is answered, what is not, and what is never believed.
import { create } from '@bufbuild/protobuf'
import { limits } from '@sallyport/base/limits'
import { HoldClaimedSchema, HoldStateSchema } from '@sallyport/proto/gen/sallyport/v1/hold_pb'
import type { AgentMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { describe, expect, it } from 'vitest'
import { manualAfter } from '../../test/manual-after.ts'
import { type HoldAnswer, linkHolds } from './holds.ts'

const request = 'a'.repeat(32)
const digest = 'b'.repeat(64)
const opening = (call: string, waits = true) => ({
  call,
  statementDigest: digest,
  evidence: new Uint8Array([1]),
  waits,
})
const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  await promise.then(
    () => 'fulfilled',
    (thrown) => thrown.code,
  )

function open(isUp = true) {
  const sent: AgentMessage['body'][] = []
  const timers = manualAfter()
  const link = { isUp }
  const holds = linkHolds({
    send(body) {
      if (link.isUp) sent.push(body)
      return link.isUp
    },
    after: timers.after,
  })
  const state = (call: string, changes: object = {}) =>
    holds.state(
      create(HoldStateSchema, {
        call,
        request,
        state: 'pending',
        expiresAtMs: 1_000n,
        approvalDigest: digest,
        evidenceDigest: digest,
        ...changes,
      }),
    )
  return { holds, sent, timers, link, state }
}

const answer: HoldAnswer = {
  state: 'approved',
  request,
  expiresAtMs: 1_000,
  approvalDigest: digest,
  evidenceDigest: digest,
  reason: '',
  decidedBy: [],
  signatures: [],
  isOwnEvidence: false,
}

describe('an opened call', () => {
  it('gets the first state, and then the first that is no longer pending', async () => {
    const { holds, sent, state } = open()
    const call = holds.open(opening('1'))
    expect(sent[0]).toMatchObject({ case: 'holdOpened', value: { call: '1', waits: true } })
    state('1')
    expect(await call.opened).toMatchObject({ state: 'pending', expiresAtMs: 1_000 })
    state('1', { decidedBy: ['Ann'] })
    state('1', { state: 'denied', reason: 'no\u001b[2J', decidedBy: ['Bob\n'] })
    expect(await call.decided).toMatchObject({ state: 'denied', reason: 'no?[2J', decidedBy: ['Bob?'] })
  })

  it.each([
    ['the link is down', false, () => {}],
    ['nobody answers in time', true, ({ timers }: ReturnType<typeof open>) => timers.advance(limits.holdAnswerMsMax)],
    ['the link is lost', true, ({ holds }: ReturnType<typeof open>) => holds.lost()],
    ['the state is none that it knows', true, ({ state }: ReturnType<typeof open>) => state('1', { state: 'maybe' })],
    ['the request is no id', true, ({ state }: ReturnType<typeof open>) => state('1', { request: '../x' })],
    ['the expiry is no time', true, ({ state }: ReturnType<typeof open>) => state('1', { expiresAtMs: -1n })],
  ])('is unavailable when %s', async (_, isUp, happens) => {
    const opened = open(isUp)
    const call = opened.holds.open(opening('1'))
    happens(opened)
    expect(await codeOf(call.opened)).toBe('HOLD_UNAVAILABLE')
    expect(await codeOf(call.decided)).toBe('HOLD_UNAVAILABLE')
  })

  it('is answered one moment before the time is over', async () => {
    const { holds, timers, state } = open()
    const call = holds.open(opening('1'))
    timers.advance(limits.holdAnswerMsMax - 1)
    state('1')
    timers.advance(10)
    expect((await call.opened).state).toBe('pending')
  })

  it('is refused with the code of the control plane, and with ours when that is none', async () => {
    const { holds, state } = open()
    const [first, second] = [holds.open(opening('1')), holds.open(opening('2'))]
    state('1', { state: 'refused', errorCode: 'REQUEST_INVALID', errorMessage: 'x' })
    state('2', { state: 'refused', errorCode: 'NO_SUCH_CODE', errorMessage: 'x' })
    expect([await codeOf(first.opened), await codeOf(second.opened)]).toEqual(['REQUEST_INVALID', 'HOLD_UNAVAILABLE'])
  })

  it('loses its wait with the link, though it was answered before', async () => {
    const { holds, state } = open()
    const call = holds.open(opening('1'))
    state('1')
    await call.opened
    holds.lost()
    expect(await codeOf(call.decided)).toBe('HOLD_UNAVAILABLE')
  })

  it('is not waited for past the bound of the agent', () => {
    const { holds, state } = open()
    const calls = Array.from({ length: limits.holdsWaitingPerAgentMax }, (_, index) => {
      expect(holds.isFull).toBe(false)
      const call = holds.open(opening(String(index)))
      state(String(index))
      return call
    })
    expect(holds.isFull).toBe(true)
    calls[0]?.release(request, 'pending')
    expect(holds.isFull).toBe(false)
  })
})

describe('a claim', () => {
  it.each([true, false])('is answered: granted %s', async (granted) => {
    const { holds, sent, state } = open()
    const call = holds.open(opening('1'))
    state('1', { state: 'approved' })
    const claimed = call.claim(answer)
    expect(sent.at(-1)).toMatchObject({
      case: 'holdClaim',
      value: { call: '1', request, statementDigest: digest, approvalDigest: digest },
    })
    holds.claimed(create(HoldClaimedSchema, { call: '1', granted }))
    expect(await claimed).toBe(granted)
  })

  it.each<[string, (opened: ReturnType<typeof open>) => void]>([
    ['nobody answers in time', ({ timers }) => timers.advance(limits.holdAnswerMsMax)],
    ['the link is lost', ({ holds }) => holds.lost()],
  ])('is not granted when %s', async (_, happens) => {
    const opened = open()
    const call = opened.holds.open(opening('1'))
    opened.state('1', { state: 'approved' })
    const claimed = call.claim(answer)
    happens(opened)
    expect(await codeOf(claimed)).toBe('HOLD_UNAVAILABLE')
    opened.holds.claimed(create(HoldClaimedSchema, { call: '1', granted: true }))
    expect(await codeOf(claimed)).toBe('HOLD_UNAVAILABLE')
  })

  it('is not made for a call that was lost with the link', async () => {
    const { holds, sent, link, state } = open()
    const call = holds.open(opening('1'))
    state('1', { state: 'approved' })
    link.isUp = false
    holds.lost()
    link.isUp = true
    expect(await codeOf(call.claim(answer))).toBe('HOLD_UNAVAILABLE')
    expect(sent.map((body) => body.case)).toEqual(['holdOpened'])
  })

  it('that is answered after the call was released is still heard', async () => {
    const { holds, sent, state } = open()
    const call = holds.open(opening('1'))
    state('1', { state: 'approved' })
    const claimed = call.claim(answer)
    call.release(request, 'cancelled')
    call.release(request, 'cancelled')
    holds.claimed(create(HoldClaimedSchema, { call: '1', granted: true }))
    expect(await claimed).toBe(true)
    expect(sent.map((body) => body.case)).toEqual(['holdOpened', 'holdClaim', 'holdReleased'])
  })
})
