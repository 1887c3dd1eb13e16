// What goes on as it stands is what the long way would have sent, and both ways know the same afterwards.

import { ByteWriter } from '@sallyport/wire/bytes/writer'
import { decodeBackend } from '@sallyport/wire/postgres/decode'
import { encodeBackend } from '@sallyport/wire/postgres/encode'
import { headerBytes } from '@sallyport/wire/postgres/frames'
import type { BackendMessage, FrontendMessage } from '@sallyport/wire/postgres/messages'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { toyGate } from '../../test/toy-gate.ts'
import { type Action, createMachine, type Machine } from './machine.ts'
import { passes } from './passing.ts'
import { RowRun } from './row-run.ts'

const runs = process.env['SALLYPORT_TEST'] === 'full' ? 5_000 : 300

const asked = fc.constantFrom(
  'select id from people',
  'select ssn from people',
  'insert',
  'copyout other',
  'select id from people held',
  'denied',
  '',
)
const client: fc.Arbitrary<readonly FrontendMessage[]> = fc.oneof(
  asked.map((text): FrontendMessage[] => [{ type: 'query', text }]),
  fc
    .tuple(asked, fc.boolean())
    .map(([text, described]): FrontendMessage[] => [
      { type: 'parse', name: '', text, parameterTypes: [] },
      { type: 'bind', portal: '', statement: '', parameterFormats: [], parameters: [], resultFormats: [] },
      ...(described ? [{ type: 'describe', what: 'portal', name: '' } as const] : []),
      { type: 'execute', portal: '', rowsMax: 0 },
      { type: 'sync' },
    ]),
)
type Step = readonly FrontendMessage[] | BackendMessage
const column = (attributeNumber: number) =>
  ({ name: 'c', tableOid: 20_000, attributeNumber, typeOid: 25, typeSize: -1, typeModifier: -1, format: 0 }) as const
const value = fc.option(fc.uint8Array({ maxLength: 14 }), { nil: null })
const target: fc.Arbitrary<BackendMessage> = fc.oneof(
  { weight: 4, arbitrary: fc.array(value, { minLength: 1, maxLength: 2 }).map(rowOf) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<BackendMessage>(
      { type: 'rowDescription', columns: [column(1)] },
      { type: 'rowDescription', columns: [column(2)] },
      { type: 'rowDescription', columns: [column(1), column(2)] },
      { type: 'commandComplete', tag: 'SELECT 1' },
      { type: 'readyForQuery', status: 'I' },
      { type: 'parseComplete' },
      { type: 'bindComplete' },
      { type: 'noData' },
    ),
  },
)
function rowOf(values: readonly (Uint8Array | null)[]): BackendMessage {
  return { type: 'dataRow', values: values.map((each) => (each === null ? null : Buffer.from(each))) }
}

/** A whole result of a masked column beside one that is not, which random messages hardly ever make. */
const result = fc
  .record({
    isPrepared: fc.boolean(),
    rows: fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 5 }),
    odd: fc.option(fc.tuple(fc.nat(5), fc.array(value, { minLength: 1, maxLength: 3 }))),
  })
  .map(({ isPrepared, rows, odd }): Step[] => {
    const text = 'select id, ssn from people'
    const all = rows.map(([id, ssn]) => rowOf([id, ssn]))
    // One that has another number of columns than were described.
    if (odd !== null) all.splice(odd[0], 0, rowOf(odd[1]))
    const described: BackendMessage = { type: 'rowDescription', columns: [column(1), column(2)] }
    const end: BackendMessage[] = [
      { type: 'commandComplete', tag: `SELECT ${rows.length}` },
      { type: 'readyForQuery', status: 'I' },
    ]
    if (!isPrepared) return [[{ type: 'query', text }], described, ...all, ...end]
    const asked: FrontendMessage[] = [
      { type: 'parse', name: '', text, parameterTypes: [] },
      { type: 'bind', portal: '', statement: '', parameterFormats: [], parameters: [], resultFormats: [1] },
      { type: 'describe', what: 'portal', name: '' },
      { type: 'execute', portal: '', rowsMax: 0 },
      { type: 'sync' },
    ]
    return [asked, { type: 'parseComplete' }, { type: 'bindComplete' }, described, ...all, ...end]
  })

const one = fc.oneof(client, target).map((step): Step[] => [step])

/** What one side says and does, as text. */
const shown = (action: Action): string => {
  if (action.do === 'send') return `send ${encodeBackend(action.message).toString('hex')}`
  if (action.do === 'outcome')
    return `outcome ${action.result} ${action.running.rows} rows, ${action.running.maskedValues} masked`
  if (action.do === 'close') return `close ${action.reason}`
  return action.do === 'forward' ? `forward ${JSON.stringify(action.message)}` : action.do
}

/** One session's machine with a gate of its own; `goesOn`: what may goes on without being taken apart. */
function session(goesOn: boolean) {
  const machine = createMachine({ serverVersion: 180_004, hash: () => new Uint8Array(32) })
  const gate = toyGate()
  const said: string[] = []
  const perform = (actions: readonly Action[]): void => {
    for (const action of actions) {
      said.push(shown(action))
      if (action.do === 'judge') perform(machine.step({ from: 'gate', judgement: gate.judge(action.request) }))
    }
  }
  const hear = (message: BackendMessage): void => {
    const bytes = encodeBackend(message)
    const gone = goesOn ? passed(machine, bytes) : null
    if (gone !== null) said.push(`send ${gone.toString('hex')}`)
    else
      perform(
        machine.step({
          from: 'target',
          message: decodeBackend({ typeByte: bytes[0]!, body: bytes.subarray(headerBytes) }),
        }),
      )
  }
  perform(machine.start())
  for (const message of answers) hear(message)
  return { machine, said, perform, hear }
}

/** What goes on of a message that is not taken apart; null: it has to be. */
function passed(machine: Machine, bytes: Buffer): Buffer | null {
  const writer = new ByteWriter()
  const rows = new RowRun(writer)
  if (!passes(machine, rows, bytes[0]!, bytes, headerBytes, bytes.length)) return null
  rows.finish()
  return writer.take()
}

const answers: readonly BackendMessage[] = [
  { type: 'parseComplete' },
  { type: 'bindComplete' },
  rowOf([Buffer.from('[["pg_catalog","public"],"public","app","on","UTF8"]')]),
  { type: 'commandComplete', tag: 'SELECT 1' },
  { type: 'closeComplete' },
  { type: 'closeComplete' },
  { type: 'readyForQuery', status: 'I' },
]

it('says what the long way says', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(one, one, one, result), { maxLength: 40 }), (parts) => {
      const steps = parts.flat()
      const [short, long] = [session(true), session(false)]
      for (const step of steps)
        for (const one of [short, long]) {
          if ('type' in step) one.hear(step)
          else
            for (const message of step)
              if (one.machine.wantsClient) one.perform(one.machine.step({ from: 'client', message }))
        }
      expect(short.said).toEqual(long.said)
      expect(short.machine.isClean).toBe(long.machine.isClean)
    }),
    { numRuns: runs },
  )
})
