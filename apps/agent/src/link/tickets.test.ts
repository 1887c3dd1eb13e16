// What is kept of tickets, and what becomes of questions: every one of them ends.
import { create } from '@bufbuild/protobuf'
import { limits } from '@sallyport/base/limits'
import { TicketFoundSchema, type TicketWanted } from '@sallyport/proto/gen/sallyport/v1/ticket_pb'
import { describe, expect, test } from 'vitest'
import { linkTickets } from './tickets.ts'

function opened() {
  const asked: TicketWanted[] = []
  const timers = new Map<() => void, number>()
  const state = { isUp: true }
  let count = 0
  const tickets = linkTickets({
    send(body) {
      if (state.isUp && body.case === 'ticketWanted') asked.push(body.value)
      return state.isUp
    },
    after(ms, run) {
      timers.set(run, ms)
      return () => void timers.delete(run)
    },
    random: (bytes) => Buffer.alloc(bytes, count++),
  })
  const answer = (wanted: TicketWanted | undefined, record: string, spent = false) =>
    tickets.found(create(TicketFoundSchema, { call: wanted?.call ?? '', record, spent }))
  return { tickets, asked, timers, state, answer }
}
const id = 'a'.repeat(32)

describe('a question about a ticket', () => {
  test('is answered with the record, which is known from then on', async () => {
    const { tickets, asked, answer, timers } = opened()
    expect(tickets.known(id)).toBeNull()
    const question = tickets.ask(id, false)
    answer(asked[0], 'record')
    expect(await question).toEqual({ record: 'record', isSpent: false })
    expect(tickets.known(id)).toBe('record')
    expect(timers.size).toBe(0)
  })
  test('takes a use only when it asked for one', async () => {
    const { tickets, asked, answer } = opened()
    const question = tickets.ask(id, true)
    expect(asked[0]).toMatchObject({ ticket: id, spend: true })
    answer(asked[0], 'record', true)
    expect(await question).toEqual({ record: 'record', isSpent: true })
  })
  test('ends with nothing when the link is down, goes down, or is silent for too long', async () => {
    const { tickets, asked, timers, state, answer } = opened()
    const silent = tickets.ask(id, false)
    expect([...timers.values()]).toEqual([limits.ticketAnswerMsMax])
    for (const run of [...timers.keys()]) run()
    expect(await silent).toEqual({ record: null, isSpent: false })
    // What comes late changes nothing.
    answer(asked[0], 'record')
    expect(tickets.known(id)).toBeNull()
    const lost = tickets.ask(id, true)
    tickets.lost()
    expect(await lost).toEqual({ record: null, isSpent: false })
    state.isUp = false
    expect(await tickets.ask(id, false)).toEqual({ record: null, isSpent: false })
  })
  test('is not asked past the limit of questions at once', async () => {
    const { tickets, asked } = opened()
    const open = Array.from({ length: limits.ticketLookupsMax }, () => tickets.ask(id, false))
    expect(asked).toHaveLength(limits.ticketLookupsMax)
    expect(await tickets.ask(id, false)).toEqual({ record: null, isSpent: false })
    expect(asked).toHaveLength(limits.ticketLookupsMax)
    tickets.lost()
    await Promise.all(open)
  })
  test('that nobody asked is not answered, and a record of any length is not kept', async () => {
    const { tickets, asked, answer } = opened()
    answer(undefined, 'record')
    const question = tickets.ask(id, false)
    answer(asked[0], 'x'.repeat(limits.tokenBytesMax + 1))
    expect(await question).toEqual({ record: null, isSpent: false })
  })
})

test('the ticket that was used longest ago is forgotten first', async () => {
  const { tickets, asked, answer } = opened()
  const idOf = (number: number) => number.toString(16).padStart(32, '0')
  for (let number = 0; number <= limits.ticketsPerAgentMax; number++) {
    const question = tickets.ask(idOf(number), false)
    answer(asked.at(-1), `record ${number}`)
    await question
    if (number === 1) tickets.known(idOf(0))
  }
  expect(tickets.known(idOf(1))).toBeNull()
  expect(tickets.known(idOf(0))).toBe('record 0')
  expect(tickets.known(idOf(limits.ticketsPerAgentMax))).not.toBeNull()
})
