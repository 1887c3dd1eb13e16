// Held statements of a worker: the primary asks for it and hands the answers on. What is lost on the way is not granted.
import { type HoldAnswer, type HoldCall, type Holds, type Settled, settled } from '../link/holds.ts'
import type { Asking } from './asking.ts'
import { errorSaid, type ToPrimary, type ToWorker } from './messages.ts'

type HoldMessage = Extract<ToWorker, { kind: 'holdOpened' | 'holdDecided' | 'holdClaimed' }>

export interface PassedHolds extends Holds {
  take(message: HoldMessage): void
}

interface Call {
  readonly opened: Settled<HoldAnswer>
  readonly decided: Settled<HoldAnswer>
  claiming: Settled<boolean> | null
}

export function passedHolds(send: (message: ToPrimary) => void, asking: Pick<Asking, 'ask'>): PassedHolds {
  const calls = new Map<string, Call>()
  return {
    get isFull() {
      return asking.ask({ kind: 'holdsFull' })
    },
    open(opening) {
      const call: Call = { opened: settled(), decided: settled(), claiming: null }
      calls.set(opening.call, call)
      send({ kind: 'holdOpen', opening })
      return callOf(opening.call, call, send, () => calls.delete(opening.call))
    },
    ran: (report) => send({ kind: 'holdRan', report }),
    take(message) {
      const call = calls.get(message.call)
      if (call === undefined) return
      if (message.kind !== 'holdClaimed')
        settle(message.kind === 'holdOpened' ? call.opened : call.decided, message.answer)
      else if (typeof message.granted !== 'boolean') call.claiming?.reject(errorSaid(message.granted))
      else {
        call.claiming?.resolve(message.granted)
        if (message.granted) calls.delete(message.call)
      }
    },
  }
}

function settle(
  promise: Settled<HoldAnswer>,
  answer: Extract<HoldMessage, { kind: 'holdOpened' | 'holdDecided' }>['answer'],
) {
  if ('code' in answer) promise.reject(errorSaid(answer))
  else promise.resolve(answer)
}

function callOf(id: string, call: Call, send: (message: ToPrimary) => void, forget: () => void): HoldCall {
  let isReleased = false
  return {
    opened: call.opened.promise,
    decided: call.decided.promise,
    claim(answer) {
      call.claiming = settled<boolean>()
      send({ kind: 'holdClaim', call: id, answer })
      return call.claiming.promise
    },
    release(request, why) {
      if (isReleased) return
      isReleased = true
      // The answer to a claim is still wanted: a run that was granted too late has to be given an end.
      if (call.claiming === null) forget()
      send({ kind: 'holdRelease', call: id, request, why })
    },
  }
}
