// What one session may keep, and under which names: its statements, portals and bound values are memory of all sessions.
import { limits } from '@sallyport/base/limits'
import type { FrontendMessage } from '@sallyport/wire/postgres/messages'
import { describe, expect, it } from 'vitest'
import { toyGate } from '../../test/toy-gate.ts'
import { type Action, createMachine, type Machine } from './machine.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

/** A machine that knows its search_path. */
function started(): Machine {
  const machine = createMachine({ serverVersion: 180_004, hash: () => new Uint8Array(32) })
  machine.start()
  for (const message of [
    { type: 'dataRow', values: [bytesOf('[["pg_catalog","public"],"public","app","on","UTF8"]')] },
    { type: 'closeComplete' },
    { type: 'closeComplete' },
    { type: 'readyForQuery', status: 'I' },
  ] as const)
    machine.step({ from: 'target', message })
  return machine
}

/** Says it and has it judged; true when it went to the target as it is. */
function passes(machine: Machine, message: FrontendMessage): boolean {
  const gate = toyGate()
  const forwarded: FrontendMessage[] = []
  const perform = (actions: readonly Action[]): void => {
    for (const action of actions) {
      if (action.do === 'forward') forwarded.push(action.message)
      if (action.do === 'judge') perform(machine.step({ from: 'gate', judgement: gate.judge(action.request) }))
    }
  }
  perform(machine.step({ from: 'client', message }))
  return forwarded.includes(message)
}
const parse = (name: string, text = 'select id from other'): FrontendMessage => ({
  type: 'parse',
  name,
  text,
  parameterTypes: [],
})
const bind = (portal: string, parameters: readonly (Uint8Array | null)[]): FrontendMessage => ({
  type: 'bind',
  portal,
  statement: 's',
  parameterFormats: [1],
  parameters,
  resultFormats: [],
})

describe('what a session keeps', () => {
  it('R-1.37: is bounded over the values of all its portals', () => {
    const machine = started()
    expect(passes(machine, parse('s'))).toBe(true)
    const value = new Uint8Array(limits.clientMessageBytesMax - 1_024)
    const fitting = Math.floor(limits.keptBytesPerSessionMax / value.length)
    for (let portal = 0; portal < fitting; portal++) expect(passes(machine, bind(`p${portal}`, [value]))).toBe(true)
    expect(passes(machine, bind('more', [value]))).toBe(false)
  })

  it('R-1.37: counts values that are NULL', () => {
    const machine = started()
    passes(machine, parse('s'))
    const nulls = Array.from({ length: limits.parametersMax }, () => null)
    let kept = 0
    while (kept < limits.portalsPerSessionMax && passes(machine, bind(`p${kept}`, nulls))) kept += 1
    expect(kept).toBeLessThan(100)
  })

  it('R-1.37: is bounded over the texts of its statements', () => {
    const machine = started()
    const text = 'select id from other'.padEnd(limits.statementBytesMax, 'x')
    let kept = 0
    while (kept < limits.statementsPerSessionMax && passes(machine, parse(`s${kept}`, text))) kept += 1
    expect(kept).toBe(limits.keptBytesPerSessionMax / limits.statementBytesMax - 1)
  })

  it('has no statement or portal under a name that is ours', () => {
    expect(passes(started(), parse('_sallyport_path'))).toBe(false)
    const machine = started()
    passes(machine, parse('s'))
    expect(passes(machine, bind('_sallyport_path', []))).toBe(false)
    expect(passes(started(), parse('sallyport_path'))).toBe(true)
  })
})
