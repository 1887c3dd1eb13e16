// What a completed statement leaves in the session's tables, and what it must never put there.
import type { SessionEffect, StatementFacts } from '@sallyport/sql/facts'
import { describe, expect, it } from 'vitest'
import { factsOf } from '../../test/toy-gate.ts'
import { applyCompleted } from './facts.ts'
import { type Action, openState, type State } from './state.ts'

const declares = (name: string, column: string): SessionEffect => ({
  kind: 'declare',
  name,
  body: factsOf(`select ${column} from people`),
})
const completed = (state: State, verb: string, ...session: SessionEffect[]): readonly Action[] => {
  const out: Action[] = []
  const text = `${verb} …`
  const facts: StatementFacts = { ...factsOf('select 1'), verb, session, text }
  applyCompleted(state, facts, text, false, out)
  return out
}
const shownBy = (state: State, name: string) => state.portals.get(name)?.facts?.output?.map((column) => column.name)

describe('a completed DECLARE', () => {
  it('makes a cursor, and after CLOSE another one of its name', () => {
    const state = openState(180_000)
    completed(state, 'declare', declares('c', 'ssn'))
    completed(state, 'close', { kind: 'close', name: 'c' })
    expect(completed(state, 'declare', declares('c', 'name'))).toEqual([])
    expect(shownBy(state, 'c')).toEqual(['name'])
  })

  it('R-1.21: closes the session where a cursor of its name is open', () => {
    const state = openState(180_000)
    completed(state, 'declare', declares('c', 'ssn'))
    expect(completed(state, 'declare', declares('c', 'name'))).toMatchObject([{ do: 'close' }])
    expect(shownBy(state, 'c')).toEqual(['ssn'])
  })

  it('R-1.21: closes the session where another statement claims to have made a cursor', () => {
    const state = openState(180_000)
    expect(completed(state, 'explain', declares('c', 'name'))).toMatchObject([{ do: 'close' }])
    expect(state.portals.size).toBe(0)
  })

  it('takes the place of a held cursor, which a rollback may have taken away', () => {
    const state = openState(180_000)
    const text = 'declare c cursor with hold for select ssn from people'
    applyCompleted(state, factsOf(text), text, false, [])
    completed(state, 'rollback', { kind: 'transaction', verb: 'rollback' })
    expect(completed(state, 'declare', declares('c', 'name'))).toEqual([])
    expect(shownBy(state, 'c')).toEqual(['name'])
  })
})

describe('R-3.14: a catalog of the session counts no longer', () => {
  it.each([
    ['once it has changed objects', 'create table', true],
    ['once a function of the target has run, which may have', 'call mystery', true],
    ['and counts on after a read', 'select id from people', false],
  ])('%s', (_, text, changed) => {
    const state = openState(180_000)
    applyCompleted(state, factsOf(text), text, false, [])
    expect(state.objectsVersion > 0).toBe(changed)
  })

  it('when a rollback may have undone a change', () => {
    const state = openState(180_000)
    applyCompleted(state, factsOf('create table'), 'create table', false, [])
    const before = state.objectsVersion
    completed(state, 'rollback', { kind: 'transaction', verb: 'rollback-to' })
    expect(state.objectsVersion).toBeGreaterThan(before)
  })
})
