// Makes a connection to a target what it was after its login, and proves it: DISCARD ALL, answered by nothing but itself, with
// every reported setting back at what it was. Whoever cannot prove that closes the connection (THREATS ).
import { limits } from '@sallyport/base/limits'
import { encodeFrontend } from '@sallyport/wire/postgres/encode'
import type { BackendMessage } from '@sallyport/wire/postgres/messages'
import { Conversation } from './conversation.ts'
import type { Upstream } from './upstream.ts'

/** One message of an answer. */
const messageBytesMax = 65_536
/** Settings that come back, notices, late notifications, rows. */
const messagesMax = 1_000

/** What the target said to a text of ours. */
export interface Answer {
  /** As text, of all results. */
  readonly rows: readonly (readonly (string | null)[])[]
  /** Settings that it reported. */
  readonly reported: ReadonlyMap<string, string>
}

/** True: clean, idle, paused, and nothing unread. Otherwise the socket is destroyed. Never rejects. */
export async function resetUpstream(upstream: Upstream): Promise<boolean> {
  const answer = await askUpstream(upstream, 'DISCARD ALL', ['DISCARD ALL'])
  if (answer === null) return false
  const isAsBefore = [...answer.reported].every(([name, value]) => upstream.parameters.get(name) === value)
  if (!isAsBefore) upstream.socket.destroy()
  return isAsBefore
}

/**
 * Asks on a connection that is nobody's. The answer is these tags, once each and in this order, and an idle ReadyForQuery;
 * with anything else, too late or with a byte behind it, the socket is destroyed and the answer is null. Never rejects.
 */
export async function askUpstream(
  upstream: Upstream,
  text: string,
  tags: readonly (string | RegExp)[],
): Promise<Answer | null> {
  const { socket } = upstream
  const timer = setTimeout(() => socket.destroy(), limits.poolResetMsMax)
  timer.unref()
  try {
    if (socket.destroyed || !socket.writable || upstream.leftover.length > 0) return broken(upstream)
    const conversation = new Conversation(socket, messageBytesMax)
    conversation.write(encodeFrontend({ type: 'query', text }))
    const answer = await answerOf(conversation, tags)
    const unread = conversation.release()
    return answer !== null && unread.length === 0 && !socket.destroyed ? answer : broken(upstream)
  } catch {
    return broken(upstream)
  } finally {
    clearTimeout(timer)
  }
}

function broken({ socket }: Upstream): null {
  socket.destroy()
  return null
}

async function answerOf(conversation: Conversation, tags: readonly (string | RegExp)[]): Promise<Answer | null> {
  const rows: (readonly (string | null)[])[] = []
  const reported = new Map<string, string>()
  let at = 0
  for (let count = 0; count < messagesMax; count++) {
    const message = await conversation.next()
    switch (message.type) {
      case 'noticeResponse':
      // Of a channel that the session listened to until a moment ago: nobody gets it.
      case 'notificationResponse':
      case 'rowDescription':
        break
      case 'parameterStatus':
        reported.set(message.name, message.value)
        break
      case 'dataRow':
        rows.push(textsOf(message))
        break
      case 'commandComplete':
        if (!isTag(message.tag, tags[at])) return null
        at += 1
        break
      case 'readyForQuery':
        return at === tags.length && message.status === 'I' ? { rows, reported } : null
      default:
        return null
    }
  }
  return null
}

const isTag = (tag: string, expected: string | RegExp | undefined): boolean =>
  typeof expected === 'string' ? tag === expected : expected?.test(tag) === true

const textsOf = ({ values }: Extract<BackendMessage, { type: 'dataRow' }>): (string | null)[] =>
  values.map((value) => (value === null ? null : Buffer.from(value).toString('utf8')))
