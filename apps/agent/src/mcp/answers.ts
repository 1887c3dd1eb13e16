// What comes back from a server of MCP, message by message: read whole or as events, never with the agent's credential in it, and
// never a batch. It says what came; what of it goes on is decided by whoever asked.
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { readEvents, type ServerEvent } from '@sallyport/wire/http/events'
import { fieldOf } from '@sallyport/wire/http/fields'
import { charsetOf, mediaOf } from '@sallyport/wire/http/media'
import { type McpMessage, readMessage } from '@sallyport/wire/mcp/message'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import { decoded } from '../http/decode.ts'
import { echoScan, type Needles } from '../http/echo.ts'
import type { Answer } from '../http/upstream.ts'
import { answerBounds } from './results.ts'
import { unreadable } from './unreadable.ts'

export interface Incoming {
  /** Null: an event that holds no message. */
  readonly message: McpMessage | null
  /** Of the event; null without one. */
  readonly eventId: string | null
  readonly retry: string | null
}

export type AnswerForm = 'message' | 'events' | 'none'

/** Throws ANSWER_REFUSED where it is neither JSON nor events. */
export function formOf(answer: Answer): AnswerForm {
  const contentType = fieldOf(answer.fields, 'content-type')
  if (contentType === undefined) return 'none'
  const media = mediaOf(contentType)
  if (charsetOf(media) !== 'utf-8') throw unreadable('the answer is in a charset that does not pass')
  if (media.kind === 'json') return 'message'
  if (media.kind === 'events') return 'events'
  throw unreadable('the answer is neither JSON nor a stream of events')
}

/** Throws ANSWER_REFUSED for what is no message, and for one with the credential in it. */
export async function* incoming(answer: Answer, form: AnswerForm, needles: Needles): AsyncGenerator<Incoming> {
  try {
    yield* messagesIn(answer, form, needles)
  } catch (thrown) {
    // That is the server's doing, not the caller's.
    throw thrown instanceof ProtocolError ? unreadable(`it has ${thrown.message}`) : thrown
  }
}

async function* messagesIn(answer: Answer, form: AnswerForm, needles: Needles): AsyncGenerator<Incoming> {
  const pieces = clean(decoded(answer.body, answer.fields), needles)
  if (form === 'events') {
    const events = readEvents(limits.mcpMessageBytesMax)
    for await (const piece of pieces) for (const event of events.push(piece)) yield eventOf(event)
    return
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    if (bytes > limits.mcpMessageBytesMax)
      throw unreadable(`the answer is longer than ${limits.mcpMessageBytesMax} bytes`)
    chunks.push(piece)
  }
  if (bytes > 0) yield { message: readMessage(utf8(Buffer.concat(chunks)), answerBounds), eventId: null, retry: null }
}

function eventOf({ event, data, id, retry }: ServerEvent): Incoming {
  // Of an event with another name clients read nothing.
  const isMessage = data !== null && data !== '' && (event === null || event === 'message')
  return { message: isMessage ? readMessage(data, answerBounds) : null, eventId: id === '' ? null : id, retry }
}

async function* clean(body: AsyncIterable<Uint8Array>, needles: Needles): AsyncGenerator<Uint8Array> {
  const scan = echoScan(needles)
  for await (const chunk of body) {
    const next = scan.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
    if (next === null)
      throw new SallyportError('ANSWER_REFUSED', "the target's answer holds its own credential", {
        hint: 'the server repeats what it is sent; ask its owner to stop that',
      })
    yield next
  }
  yield scan.end()
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw unreadable('the answer is no UTF-8')
  }
}
