// Makes a connection to a target what it was after its login, and proves it: DISCARD ALL, answered by nothing but itself, with
// every reported setting back at what it was. Whoever cannot prove that closes the connection (THREATS ).
import { limits } from '@sallyport/base/limits'
import { encodeFrontend } from '@sallyport/wire/postgres/encode'
import { Conversation } from './conversation.ts'
import type { Upstream } from './upstream.ts'

/** One message of an answer to DISCARD ALL. */
const messageBytesMax = 65_536
/** Settings that come back, notices, late notifications. */
const messagesMax = 1_000

/** True: clean, idle, paused, and nothing unread. Otherwise the socket is destroyed. Never rejects. */
export async function resetUpstream(upstream: Upstream): Promise<boolean> {
  const { socket } = upstream
  const timer = setTimeout(() => socket.destroy(), limits.poolResetMsMax)
  timer.unref()
  try {
    if (socket.destroyed || !socket.writable || upstream.leftover.length > 0) return await broken(upstream)
    const conversation = new Conversation(socket, messageBytesMax)
    conversation.write(encodeFrontend({ type: 'query', text: 'DISCARD ALL' }))
    const isReset = await hasReset(conversation, upstream.parameters)
    const unread = conversation.release()
    if (isReset && unread.length === 0 && !socket.destroyed) return true
    return await broken(upstream)
  } catch {
    return await broken(upstream)
  } finally {
    clearTimeout(timer)
  }
}

async function broken({ socket }: Upstream): Promise<false> {
  socket.destroy()
  return false
}

/** DISCARD ALL's own tag and an idle ReadyForQuery, once each and in this order. */
async function hasReset(conversation: Conversation, parameters: ReadonlyMap<string, string>): Promise<boolean> {
  let isDiscarded = false
  for (let count = 0; count < messagesMax; count++) {
    const message = await conversation.next()
    switch (message.type) {
      case 'noticeResponse':
      // Of a channel that the session listened to until a moment ago: nobody gets it.
      case 'notificationResponse':
        break
      case 'parameterStatus':
        if (parameters.get(message.name) !== message.value) return false
        break
      case 'commandComplete':
        if (isDiscarded || message.tag !== 'DISCARD ALL') return false
        isDiscarded = true
        break
      case 'readyForQuery':
        return isDiscarded && message.status === 'I'
      default:
        return false
    }
  }
  return false
}
