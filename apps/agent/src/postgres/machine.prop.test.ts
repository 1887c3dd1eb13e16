// Whatever a client and a target say, in whatever order: the machine never throws, never forwards what was refused, and
// says nothing after it has closed.
import { SallyportError } from '@sallyport/base/errors'
import type { BackendMessage, FrontendMessage } from '@sallyport/wire/postgres/messages'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toyGate } from '../../test/toy-gate.ts'
import type { Judgement, JudgeRequest } from '../session/gate.ts'
import { type Action, createMachine } from './machine.ts'

const runs = process.env['SALLYPORT_TEST'] === 'full' ? 5_000 : 200
const texts = fc.constantFrom(
  'select id from people',
  'select ssn from people',
  'denied',
  'begin',
  'commit',
  'rollback',
  '',
  'insert',
  'copyin people',
  'copyout other',
  'set search_path x',
  'create t',
  'prepare s as select ssn from people',
  'declare p cursor for select ssn from people',
  'deallocate all',
  'insert; denied',
  'held',
  'select ssn from people held',
)
const names = fc.constantFrom('', 's', 'p')
const secret = '123-45-6789'
const bytes = new TextEncoder().encode(secret)

const client: fc.Arbitrary<FrontendMessage> = fc.oneof(
  texts.map((text): FrontendMessage => ({ type: 'query', text })),
  fc.record({ type: fc.constant('parse' as const), name: names, text: texts, parameterTypes: fc.constant([]) }),
  fc.record({
    type: fc.constant('bind' as const),
    portal: names,
    statement: names,
    parameterFormats: fc.constant([]),
    parameters: fc.constant([]),
    resultFormats: fc.constantFrom([], [0 as const], [1 as const]),
  }),
  fc.record({
    type: fc.constantFrom('describe' as const, 'close' as const),
    what: fc.constantFrom('statement' as const, 'portal' as const),
    name: names,
  }),
  fc.record({ type: fc.constant('execute' as const), portal: names, rowsMax: fc.constantFrom(0, 1) }),
  fc.constantFrom<FrontendMessage>(
    { type: 'sync' },
    { type: 'flush' },
    { type: 'copyDone' },
    { type: 'copyFail', reason: '' },
    { type: 'copyData', bytes },
  ),
  fc.constant<FrontendMessage>({
    type: 'functionCall',
    functionOid: 1,
    argumentFormats: [],
    arguments: [],
    resultFormat: 0,
  }),
)

const column = (attributeNumber: number) =>
  ({ name: 'c', tableOid: 20_000, attributeNumber, typeOid: 25, typeSize: -1, typeModifier: -1, format: 0 }) as const
const target: fc.Arbitrary<BackendMessage> = fc.oneof(
  fc.constantFrom<BackendMessage>(
    { type: 'parseComplete' },
    { type: 'bindComplete' },
    { type: 'closeComplete' },
    { type: 'noData' },
    { type: 'emptyQueryResponse' },
    { type: 'portalSuspended' },
    { type: 'copyDone' },
    { type: 'parameterDescription', parameterTypes: [] },
    { type: 'commandComplete', tag: 'OK' },
    { type: 'dataRow', values: [bytes] },
    { type: 'rowDescription', columns: [column(1)] },
    { type: 'rowDescription', columns: [column(2)] },
    { type: 'copyInResponse', format: 0, columnFormats: [] },
    { type: 'copyOutResponse', format: 0, columnFormats: [] },
    {
      type: 'errorResponse',
      fields: [
        ['S', 'ERROR'],
        ['V', 'ERROR'],
        ['C', '23505'],
        ['M', secret],
      ],
    },
    {
      type: 'noticeResponse',
      fields: [
        ['S', 'NOTICE'],
        ['V', 'NOTICE'],
        ['C', '00000'],
        ['M', secret],
      ],
    },
  ),
  fc
    .constantFrom('I' as const, 'T' as const, 'E' as const)
    .map((status): BackendMessage => ({ type: 'readyForQuery', status })),
)

/** Answers that fit what was forwarded, so that runs get further than the first message. */
function honest(message: FrontendMessage): readonly BackendMessage[] {
  switch (message.type) {
    case 'parse':
      return message.name === '_sallyport_refused'
        ? [
            {
              type: 'errorResponse',
              fields: [
                ['S', 'ERROR'],
                ['V', 'ERROR'],
                ['C', '42601'],
                ['M', secret],
              ],
            },
          ]
        : [{ type: 'parseComplete' }]
    case 'bind':
      return [{ type: 'bindComplete' }]
    case 'close':
      return [{ type: 'closeComplete' }]
    case 'describe':
      return [
        ...(message.what === 'statement' ? [{ type: 'parameterDescription', parameterTypes: [] } as const] : []),
        { type: 'noData' },
      ]
    case 'execute':
      return message.portal === '_sallyport_path'
        ? [
            {
              type: 'dataRow',
              values: [new TextEncoder().encode('[["pg_catalog","public"],"public","app","on","UTF8"]')],
            },
            { type: 'commandComplete', tag: 'SELECT 1' },
          ]
        : [{ type: 'commandComplete', tag: 'OK' }]
    case 'sync':
      return [{ type: 'readyForQuery', status: 'I' }]
    case 'query':
      return [
        { type: 'commandComplete', tag: 'OK' },
        { type: 'readyForQuery', status: 'I' },
      ]
    default:
      return []
  }
}

type Step =
  | { from: 'client'; message: FrontendMessage }
  | { from: 'target'; message: BackendMessage }
  | { from: 'honest' }
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: client.map((message): Step => ({ from: 'client', message })) },
    { weight: 4, arbitrary: fc.constant<Step>({ from: 'honest' }) },
    { weight: 1, arbitrary: target.map((message): Step => ({ from: 'target', message })) },
  ),
  { maxLength: 60 },
)

/** Found once: the target speaks while only a Sync is due, though nothing ran that it could speak of. */
const wordsAtABareSync: Step[] = [
  { from: 'client', message: { type: 'sync' } },
  {
    from: 'target',
    message: {
      type: 'noticeResponse',
      fields: [
        ['S', 'NOTICE'],
        ['C', '00000'],
        ['M', secret],
      ],
    },
  },
]

function play(all: readonly Step[]) {
  const machine = createMachine({ serverVersion: 180_004, hash: () => new Uint8Array(32) })
  const gate = toyGate()
  const forwarded: FrontendMessage[] = []
  const sent: BackendMessage[] = []
  const due: BackendMessage[] = []
  const waiting: FrontendMessage[] = []
  let closed = false
  let afterClose = 0
  let helds = 0
  const verdicts: (() => void)[] = []
  const perform = (actions: readonly Action[]): void => {
    for (const action of actions) {
      if (closed) afterClose += 1
      if (action.do === 'forward') {
        forwarded.push(action.message)
        due.push(...honest(action.message))
      } else if (action.do === 'send') sent.push(action.message)
      else if (action.do === 'judge') judge(action.request)
      else if (action.do === 'close') closed = true
    }
  }
  /** Of the held statements that may wait, some are told so, and some are refused in the end. */
  const judge = (request: JudgeRequest): void => {
    const judgement = gate.judge(request)
    if (request.hold === null) {
      perform(machine.step({ from: 'gate', judgement }))
      return
    }
    helds += 1
    if (request.hold.mayWait && helds % 3 !== 0)
      perform(machine.step({ from: 'hold', notice: { message: 'held', hint: '' } }))
    const error = new SallyportError('HOLD_PENDING', 'waits')
    const verdict: Judgement = helds % 2 === 0 ? judgement : { kind: 'refused', error, position: null }
    verdicts.push(() => perform(machine.step({ from: 'gate', judgement: verdict })))
  }
  const settle = (): void => {
    while (machine.wantsClient && waiting.length > 0)
      perform(machine.step({ from: 'client', message: waiting.shift()! }))
  }
  perform(machine.start())
  for (const step of all) {
    if (step.from === 'client') waiting.push(step.message)
    else if (step.from === 'target') perform(machine.step(step))
    else {
      for (const message of due.splice(0)) perform(machine.step({ from: 'target', message }))
      verdicts.shift()?.()
    }
    settle()
  }
  return { forwarded, sent, afterClose }
}

describe('the machine', () => {
  it('never throws, never forwards a refused text, and is silent once closed', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { forwarded, afterClose } = play(all)
        expect(afterClose).toBe(0)
        for (const message of forwarded)
          if (message.type === 'query' || message.type === 'parse') expect(message.text).not.toContain('denied')
      }),
      { numRuns: runs },
    )
  })

  it('sends no row of the protected column as it came, and no text of the target while it is idle', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const onlySecrets = all.filter(
          (step) => step.from !== 'client' || !/^(copyData|functionCall)$/.test(step.message.type),
        )
        const selects = onlySecrets.map(
          (step): Step =>
            step.from === 'client' && step.message.type === 'query'
              ? { from: 'client', message: { type: 'query', text: 'select ssn from people' } }
              : step.from === 'client' && step.message.type === 'parse'
                ? { from: 'client', message: { ...step.message, text: 'select ssn from people' } }
                : step,
        )
        for (const message of play(selects).sent)
          if (message.type !== 'copyData')
            expect(
              JSON.stringify(message, (_, value) =>
                value instanceof Uint8Array ? new TextDecoder().decode(value) : value,
              ),
            ).not.toContain(secret)
      }),
      { numRuns: runs, examples: [[wordsAtABareSync]] },
    )
  })
})
