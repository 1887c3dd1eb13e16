// How long one session may keep others waiting: with a message that is not whole, with a result that it does not read, and
// with a transaction that it leaves open (THREATS ). Each says what the session then ends with.
import { SallyportError } from '@sallyport/base/errors'
import { MessageDeadline } from './message-deadline.ts'
import { StateDeadline } from './state-deadline.ts'

/** In milliseconds. */
export interface DeadlineBounds {
  /** For one message of the client, while it is read. */
  readonly messageMsMax: number
  /** For the client to take what was written to it. */
  readonly stalledMsMax: number
  /** For the client to go on with a transaction that it has opened. */
  readonly idleInTransactionMsMax: number
}

export interface DeadlinesDeps extends DeadlineBounds {
  readonly nowMs: () => number
  /** The client's bytes are being read. */
  readonly isReading: () => boolean
  readonly onLate: (reason: string, error: SallyportError) => void
}

export class Deadlines {
  readonly #message: MessageDeadline
  readonly #stalled: StateDeadline
  readonly #idleInTransaction: StateDeadline

  constructor(deps: DeadlinesDeps) {
    const { messageMsMax, stalledMsMax, idleInTransactionMsMax, nowMs, isReading, onLate } = deps
    this.#message = new MessageDeadline({
      msMax: messageMsMax,
      isReading,
      onLate: () => onLate('a message took too long', messageTooSlow(messageMsMax)),
    })
    this.#stalled = new StateDeadline({
      msMax: stalledMsMax,
      nowMs,
      onLate: () => onLate('the client does not read', clientStalled(stalledMsMax)),
    })
    this.#idleInTransaction = new StateDeadline({
      msMax: idleInTransactionMsMax,
      nowMs,
      onLate: () => onLate('idle in a transaction', idleInTransaction(idleInTransactionMsMax)),
    })
  }

  /** A chunk of the client's came: so many bytes of a message are not whole, so many messages are. */
  clientSpoke(pendingBytes: number, completed: number): void {
    this.#message.note(pendingBytes, completed)
    this.#idleInTransaction.note(false)
  }

  /** The client has not taken all that was written to it. */
  noteStalled(isStalled: boolean): void {
    this.#stalled.note(isStalled)
  }

  /** A transaction is open and nothing is due but the client's next message. */
  noteWaiting(waitsForClient: boolean): void {
    this.#idleInTransaction.note(waitsForClient)
  }

  clear(): void {
    this.#message.clear()
    this.#stalled.clear()
    this.#idleInTransaction.clear()
  }
}

const inSeconds = (ms: number): string => `${Math.ceil(ms / 1_000)} seconds`

const messageTooSlow = (msMax: number): SallyportError =>
  new SallyportError('PROTOCOL_VIOLATION', `a message was not whole within ${inSeconds(msMax)}`, {
    hint: 'connect again; send less in one message',
  })

const clientStalled = (msMax: number): SallyportError =>
  new SallyportError('SESSION_ENDED', `the session was ended: its client read nothing for ${inSeconds(msMax)}`, {
    hint: 'connect again; read results as they come, or fetch them in parts with a cursor',
  })

const idleInTransaction = (msMax: number): SallyportError =>
  new SallyportError('IDLE_IN_TRANSACTION', `the session left a transaction open and idle for ${inSeconds(msMax)}`, {
    hint: 'connect again; end a transaction soon after its last statement',
  })
