// Golden conversations: each file of testdata/machine is a whole trace. Its C> and <S lines are the input, everything
// else is what the machine has to say, in that order. `SALLYPORT_TEST_WRITE=1` writes them anew; read the difference.
// THREATS R-3.14.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'
import type { BackendMessage, FrontendMessage, TransactionStatus } from '@sallyport/wire/postgres/messages'
import { traceBackend, traceFrontend, traceLine } from '@sallyport/wire/postgres/trace'
import { describe, expect, it } from 'vitest'
import { toyGate } from '../../test/toy-gate.ts'
import { readBackend, readFrontend } from '../../test/trace-text.ts'
import type { Judgement } from '../session/gate.ts'
import { type Action, createMachine } from './machine.ts'

const folder = join(import.meta.dirname, 'testdata', 'machine')
const shownValues = { values: 'shown' } as const
const bytesOf = (text: string) => new TextEncoder().encode(text)

/** Plays the input lines of a trace against a new machine and returns the whole trace. */
function play(lines: readonly string[]): string[] {
  const shown: string[] = []
  const serverVersion = Number(/server ([0-9]+)/.exec(lines[0] ?? '')?.[1] ?? 180_004)
  const machine = createMachine({ serverVersion, hash: () => new Uint8Array(32) })
  const gate = toyGate()
  const waiting: FrontendMessage[] = []
  let status: TransactionStatus = 'I'
  let asks: FrontendMessage[] = []
  let asking = false
  let approved: Judgement | null = null
  // Of a gate that waits, for the disk or a catalog, until the trace says that it has judged.
  let isSlow = false
  let late: Judgement | null = null

  const answerAsk = (): void => {
    const ready = asks.at(-1)?.type === 'sync'
    asks = []
    asking = false
    shown.push('-- search_path asked')
    const answers: BackendMessage[] = [
      { type: 'parseComplete' },
      { type: 'bindComplete' },
      { type: 'dataRow', values: [bytesOf('[["pg_catalog","public"],"public","app","on","UTF8"]')] },
      { type: 'commandComplete', tag: 'SELECT 1' },
      { type: 'closeComplete' },
      { type: 'closeComplete' },
      ...(ready ? [{ type: 'readyForQuery', status } as const] : []),
    ]
    for (const message of answers) perform(machine.step({ from: 'target', message }))
  }
  const forward = (message: FrontendMessage): void => {
    if (message.type === 'parse' && message.name === '_sallyport_path') asking = true
    if (!asking) {
      shown.push(traceLine('>S', traceFrontend(message, shownValues)))
      return
    }
    asks.push(message)
  }
  const perform = (actions: readonly Action[]): void => {
    for (const action of actions) {
      switch (action.do) {
        case 'forward':
          forward(action.message)
          break
        case 'send':
          shown.push(traceLine('<C', traceBackend(action.message, shownValues)))
          break
        case 'judge': {
          const judgement = gate.judge(action.request)
          shown.push(`-- ${gate.judged.at(-1)}`)
          if (action.request.hold !== null) {
            approved = judgement
            break
          }
          if (isSlow) {
            late = judgement
            break
          }
          perform(machine.step({ from: 'gate', judgement }))
          break
        }
        case 'outcome': {
          const { running, result, tag, sqlstate } = action
          shown.push(
            `-- outcome ${running.judged.number} ${result} ${tag || sqlstate || '-'} rows ${running.rows} masked ${running.maskedValues}`,
          )
          break
        }
        case 'refused':
          shown.push(`-- refused ${action.what}: ${action.error.code}`)
          break
        case 'cancelTarget':
          shown.push('-- cancel the target')
          break
        case 'catalogChanged':
          shown.push('-- catalog changed')
          break
        case 'close':
          shown.push(`-- close: ${action.reason}${action.error === null ? '' : ` (${action.error.code})`}`)
      }
    }
  }
  const settle = (): void => {
    for (;;) {
      if (asking && (asks.at(-1)?.type === 'sync' || asks.at(-1)?.type === 'flush')) answerAsk()
      else if (machine.wantsClient && waiting.length > 0)
        perform(machine.step({ from: 'client', message: waiting.shift()! }))
      else return
    }
  }

  perform(machine.start())
  settle()
  shown.length = 0
  for (const line of lines) {
    if (line.startsWith('#') || line.trim() === '') shown.push(line)
    else if (line.startsWith('C> ')) {
      shown.push(line)
      waiting.push(readFrontend(line.slice(3)))
    } else if (line === '-- waits') {
      shown.push(line)
      perform(machine.step({ from: 'hold', notice: { message: 'held for approval', hint: 'https://x.test' } }))
    } else if (line === '-- approved' && approved !== null) {
      shown.push(line)
      perform(machine.step({ from: 'gate', judgement: approved }))
    } else if (line === '-- slow') {
      shown.push(line)
      isSlow = true
    } else if (line === '-- judged' && late !== null) {
      shown.push(line)
      isSlow = false
      const judgement = late
      late = null
      perform(machine.step({ from: 'gate', judgement }))
    } else if (line === '-- pending') {
      shown.push(line)
      const error = new SallyportError('HOLD_PENDING', 'waits for approval')
      perform(machine.step({ from: 'gate', judgement: { kind: 'refused', error, position: null } }))
    } else if (line.startsWith('<S ')) {
      shown.push(line)
      const message = readBackend(line.slice(3))
      if (message.type === 'readyForQuery') status = message.status
      perform(machine.step({ from: 'target', message }))
    }
    settle()
  }
  for (const running of machine.unfinished()) shown.push(`-- unfinished ${running.judged.number}`)
  return shown
}

describe('the machine', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.trace'))) {
    it(file.replace('.trace', '').replaceAll('-', ' '), () => {
      const path = join(folder, file)
      const golden = readFileSync(path, 'utf8').trimEnd().split('\n')
      const played = play(golden)
      if (process.env['SALLYPORT_TEST_WRITE'] === '1') writeFileSync(path, `${played.join('\n')}\n`)
      else expect(played).toEqual(golden)
    })
  }
})
