// what a client may not do with what it says of the initiator: hold up the agent with a long text, or come by the
// rights of somebody else, or of the function alone, by a SET that is refused, a COMMIT that is skipped or a comment.
import type { FrontendMessage } from '@sallyport/wire/postgres/messages'
import { describe, expect, it } from 'vitest'
import { initiatorAnswered, initiatorAtReady, initiatorOf, noteJudged, withoutInitiator } from './initiator.ts'
import { takeClient } from './requests.ts'
import { openState, type State } from './state.ts'

type Query = Extract<FrontendMessage, { type: 'query' }>
const query = (state: State, text: string): Query => {
  const message = withoutInitiator(state, { type: 'query', text })
  if (message.type !== 'query') throw new Error('a Query stays one')
  return message
}
const whoOf = (state: State, text: string): string => {
  const message = query(state, text)
  const said = initiatorOf(state, message, message.text)
  return said === undefined ? 'nobody' : typeof said === 'string' ? said : said.value.reveal()
}
const effect = (kind: object) => [{ facts: { session: [kind] } }] as never
const set = (state: State, who: string): void => {
  noteJudged(state, query(state, `SET sallyport.initiator = '${who}'`), effect({ kind: 'set' }), undefined)
  initiatorAnswered(state, null)
  initiatorAtReady(state, state.status)
}
const inTransaction = (): State => {
  const state = openState(180_004)
  state.status = 'T'
  set(state, 'ann')
  return state
}

describe('a long text', () => {
  it('that begins like the end of a transaction is read in time that grows with its length', () => {
    const state = inTransaction()
    expect(whoOf(state, `rollback${' '.repeat(250_000)}x`)).toBe('ann')
    expect(whoOf(state, `rollback work${' '.repeat(250_000)};${' '.repeat(250_000)}`)).toBe('nobody')
    state.status = 'E'
    expect(whoOf(state, `commit${' '.repeat(250_000)}x`)).toBe('ann')
  })
})

describe('what was SET before', () => {
  it.each([
    "SET sallyport.initiator = E'bob'",
    "SET sallyport.initiator = 'bob'; select 1",
    'SET "sallyport"."initiator" = \'bob\'',
    'RESET "Sallyport"."initiator"',
    "select set_config(E'sallyport.initiator', 'bob', true)",
  ])('counts no longer after %s', (text) => {
    const state = openState(180_004)
    set(state, 'ann')
    takeClient(state, query(state, text), [])
    expect(whoOf(state, 'select 1')).toBe('past')
  })

  it('is used up by a text with a comment in the wrong place', () => {
    const state = openState(180_004)
    set(state, 'ann')
    takeClient(state, query(state, "select /*sallyport='bob'*/ 1"), [])
    initiatorAtReady(state, 'I')
    expect(whoOf(state, 'select 1')).toBe('nobody')
  })

  it.each(['query', 'execute'] as const)('is not forgotten where the COMMIT of a %s was skipped', (type) => {
    const state = inTransaction()
    const commit: FrontendMessage =
      type === 'query' ? query(state, 'update doors set n = 1; commit') : { type, portal: '', rowsMax: 0 }
    noteJudged(state, commit, effect({ kind: 'transaction', verb: 'commit' }), undefined)
    state.status = 'E'
    initiatorAtReady(state, 'E')
    // ROLLBACK TO would go on in the same transaction.
    expect(whoOf(state, 'rollback to s')).toBe('past')
    expect(whoOf(state, 'rollback')).toBe('nobody')
    state.status = 'I'
    initiatorAtReady(state, 'I')
    expect(whoOf(state, 'select 1')).toBe('nobody')
  })

  it('gives way to a token in a comment, and to no claim', () => {
    const state = inTransaction()
    expect(whoOf(state, "select 1 /*sallyport='bob'*/")).toBe('bob')
    expect(whoOf(state, "select 1 /*sallyport='claimed:bob'*/")).toBe('conflict')
    set(state, 'claimed:ann')
    expect(whoOf(state, "select 1 /*sallyport='claimed:bob'*/")).toBe('claimed:bob')
  })
})
