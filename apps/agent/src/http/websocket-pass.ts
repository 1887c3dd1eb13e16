// Two WebSockets that are one: messages pass whole, one after the other, and a side that does not read stops the other. Known
// credentials do not pass, in either direction; every end is an end of both.
import type { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { type RawData, WebSocket } from 'ws'
import type { ByteMeter } from '../limits/request.ts'
import { holdsNeedle, type Needles } from './echo.ts'

export interface Passing {
  /** What no message to the target may hold. */
  readonly outward: Needles
  /** What none of the target may. */
  readonly secrets: Needles
  /** Counts what goes to the client; null where no limit does. */
  readonly meter: ByteMeter | null
  /** Why it would be refused now; null: it may go on. Asked again and again. */
  readonly again: () => Promise<SallyportError | null>
  readonly ends: {
    /** Both end at once. */
    readonly session: AbortSignal
    /** They are told to go. */
    readonly leaving: AbortSignal
    readonly expiresInMs: number
  }
}

export interface Counted {
  readonly messages: number
  readonly bytes: number
}

export interface PassedSockets {
  readonly result: 'done' | 'failed' | 'cancelled'
  /** Of the closing frame that came first, or of ours. */
  readonly code: number
  /** From the client. */
  readonly received: Counted
  /** To the client. */
  readonly sent: Counted
}

/** RFC 6455, 7.4.1. */
const codes = { goingAway: 1001, none: 1005, abnormal: 1006, policy: 1008, internal: 1011 } as const
/** Past it whoever sends waits. */
const bufferedBytesMax = 65_536
/** The longest wait that a timer of Node knows. */
const timerMsMax = 2_147_483_647

/** Settles when both are closed. */
export async function passSockets(client: WebSocket, target: WebSocket, passing: Passing): Promise<PassedSockets> {
  const { ends, meter } = passing
  const received = { messages: 0, bytes: 0 }
  const sent = { messages: 0, bytes: 0 }
  let ended: Pick<PassedSockets, 'result' | 'code'> | null = null
  const end = (result: PassedSockets['result'], code: number): void => {
    if (ended !== null) return
    ended = { result, code }
    for (const side of [client, target]) close(side, code)
  }
  const idle = setTimeout(() => end('cancelled', codes.goingAway), limits.httpIdleMsMax)
  const late = setTimeout(() => end('cancelled', codes.policy), Math.min(Math.max(0, ends.expiresInMs), timerMsMax))
  const judged = setInterval(() => {
    // Whoever cannot be asked permits nothing.
    const refused = passing.again().catch(() => 'not judged')
    void refused.then((why) => why !== null && end('cancelled', codes.policy))
  }, limits.webSocketJudgedEveryMs)
  const leave = (): void => end('cancelled', codes.goingAway)
  const cut = (): void => {
    // A session also ends because its client has closed; what that said comes next.
    if (client.readyState === WebSocket.OPEN) end('cancelled', codes.goingAway)
    for (const side of [client, target]) side.terminate()
  }
  ends.leaving.addEventListener('abort', leave)
  ends.session.addEventListener('abort', cut)
  const refusal = (needles: Needles) => (bytes: Buffer) => (holdsNeedle(needles, bytes) ? codes.policy : null)
  const metered = refusal(passing.secrets)
  pass(client, target, { idle, count: received, refusal: refusal(passing.outward), end })
  pass(target, client, {
    idle,
    count: sent,
    refusal: (bytes) => metered(bytes) ?? codeOf(meter?.take(bytes.length) ?? null),
    end,
  })
  if (ends.leaving.aborted) leave()
  if (ends.session.aborted) cut()
  await Promise.all([closed(client), closed(target)])
  clearTimeout(idle)
  clearTimeout(late)
  clearInterval(judged)
  ends.leaving.removeEventListener('abort', leave)
  ends.session.removeEventListener('abort', cut)
  return { ...(ended ?? { result: 'failed', code: codes.abnormal }), received, sent }
}

interface Way {
  readonly idle: NodeJS.Timeout
  readonly count: { messages: number; bytes: number }
  /** Why a message does not pass; null: it does. */
  readonly refusal: (bytes: Buffer) => number | null
  readonly end: (result: PassedSockets['result'], code: number) => void
}

function pass(from: WebSocket, to: WebSocket, { idle, count, refusal, end }: Way): void {
  let isOver = false
  from.on('error', () => {})
  from.on('message', (raw: RawData, isBinary) => {
    if (isOver) return
    idle.refresh()
    const bytes = bufferOf(raw)
    const code = refusal(bytes)
    if (code !== null) {
      isOver = true
      return end('failed', code)
    }
    count.messages += 1
    count.bytes += bytes.length
    to.send(bytes, { binary: isBinary }, () => {
      if (to.bufferedAmount <= bufferedBytesMax) from.resume()
    })
    if (to.bufferedAmount > bufferedBytesMax) from.pause()
  })
  from.on('ping', (bytes: Buffer) => {
    idle.refresh()
    // A peer that asks and does not read is owed nothing.
    if (from.bufferedAmount <= bufferedBytesMax && from.readyState === WebSocket.OPEN) from.pong(bytes)
  })
  // What was sent before is on its way; reasons are texts that nobody has looked through.
  from.once('close', (code: number) => end(code === codes.abnormal ? 'failed' : 'done', code))
  from.resume()
}

function close(side: WebSocket, code: number): void {
  // A side that was stopped reads its closing frame.
  side.resume()
  if (code === codes.none) side.close()
  else side.close(code === codes.abnormal ? codes.internal : code)
}

async function closed(side: WebSocket): Promise<void> {
  if (side.readyState !== WebSocket.CLOSED) await new Promise<void>((resolve) => side.once('close', () => resolve()))
}

const codeOf = (error: SallyportError | null): number | null => (error === null ? null : codes.policy)

function bufferOf(raw: RawData): Buffer {
  if (Buffer.isBuffer(raw)) return raw
  return Array.isArray(raw) ? Buffer.concat(raw) : Buffer.from(raw)
}
