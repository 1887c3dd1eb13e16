// The primary's end of a worker's held statements. A worker that is gone waits for nobody, and what it was running then has an
// outcome that nobody knows.
import { asSallyportError } from '@sallyport/base/errors'
import type { HoldCall, HoldRanReport, Holds } from '../link/holds.ts'
import { saidError, type ToPrimary, type ToWorker } from './messages.ts'

type HoldMessage = Extract<ToPrimary, { kind: 'holdOpen' | 'holdClaim' | 'holdRelease' | 'holdRan' }>

export interface Holding {
  take(message: HoldMessage): void
  end(): void
}

const endOf = (request: string, result: HoldRanReport['result']): HoldRanReport => ({
  ...{ request, result, tag: '', sqlstate: '' },
  ...{ rows: 0, durationUs: 0 },
})

export function openHolding(holds: Holds, send: (message: ToWorker) => void): Holding {
  const open: OpenCalls = new Map()
  /** Requests whose one run was granted to the worker. */
  const running = new Set<string>()
  let isGone = false

  const claim = ({ call: id, answer }: Extract<HoldMessage, { kind: 'holdClaim' }>): void => {
    const one = open.get(id)
    if (one === undefined) return void send({ kind: 'holdClaimed', call: id, granted: false })
    one.call.claim(answer).then(
      (granted) => {
        if (granted) open.delete(id)
        if (granted && isGone) holds.ran(endOf(answer.request, 'cancelled'))
        else if (granted) running.add(answer.request)
        send({ kind: 'holdClaimed', call: id, granted })
      },
      (thrown: unknown) => send({ kind: 'holdClaimed', call: id, granted: saidError(asSallyportError(thrown)) }),
    )
  }
  return {
    take(message) {
      switch (message.kind) {
        case 'holdOpen':
          begin(open, holds.open(message.opening), message.opening.call, send)
          break
        case 'holdClaim':
          claim(message)
          break
        case 'holdRelease':
          open.get(message.call)?.call.release(message.request, message.why)
          open.delete(message.call)
          break
        case 'holdRan':
          running.delete(message.report.request)
          holds.ran(message.report)
          break
      }
    },
    end() {
      isGone = true
      for (const { call, request } of open.values()) call.release(request, 'vanished')
      open.clear()
      for (const request of running) holds.ran(endOf(request, 'unknown'))
      running.clear()
    },
  }
}

type OpenCalls = Map<string, { readonly call: HoldCall; request: string }>

function begin(open: OpenCalls, call: HoldCall, id: string, send: (message: ToWorker) => void): void {
  const one = { call, request: '' }
  open.set(id, one)
  call.opened.then(
    (answer) => {
      one.request = answer.request
      send({ kind: 'holdOpened', call: id, answer })
    },
    (thrown: unknown) => {
      open.delete(id)
      send({ kind: 'holdOpened', call: id, answer: saidError(asSallyportError(thrown)) })
    },
  )
  call.decided.then(
    (answer) => send({ kind: 'holdDecided', call: id, answer }),
    (thrown: unknown) => send({ kind: 'holdDecided', call: id, answer: saidError(asSallyportError(thrown)) }),
  )
}
