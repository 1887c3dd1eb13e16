// Hints over Redis: one connection that publishes, one that listens. A Redis that does not answer counts as gone at once,
// and both connections come back by themselves.
import type { Secret } from '@sallyport/base/secret'
import { Redis, type RedisOptions } from 'ioredis'
import type { Carrier, OpenCarrier } from './bus.ts'

/** For Redis to answer, in milliseconds; past it the connection is cut and hints go the other way. */
const answerMsMax = 500
const connectMsMax = 2_000
/** A connection that carries nothing is tried this often, in milliseconds. */
const pingMs = 10_000
/** Between two tries to connect, in milliseconds: at first, and at most. */
const retryMsMin = 100
const retryMsMax = 5_000

const options: RedisOptions = {
  lazyConnect: true,
  // Nothing waits for a Redis that is away, and nothing is sent twice.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  connectTimeout: connectMsMax,
  commandTimeout: answerMsMax,
  retryStrategy: (times) => Math.min(retryMsMin * 2 ** Math.min(times, 10), retryMsMax),
}

export const redisCarrier =
  (url: Secret, installation: string): OpenCarrier =>
  async (events) => {
    const channel = `sallyport:${installation}:hints`
    const sender = new Redis(url.reveal(), options)
    const listener = new Redis(url.reveal(), options)
    let isListening = false
    let heardFirst = (): void => undefined
    const both = [sender, listener]
    const change = (): void => {
      if (isListening && sender.status === 'ready') events.up()
    }
    const cut = (redis: Redis, cause: unknown): void => {
      events.down(cause)
      redis.disconnect(true)
    }
    const listen = async (): Promise<void> => {
      await listener.subscribe(channel)
      isListening = true
      heardFirst()
      change()
    }
    for (const redis of both) {
      let last: unknown = new Error('the connection ended')
      redis.on('error', (cause: unknown) => {
        last = cause
      })
      redis.on('close', () => {
        if (redis === listener) {
          isListening = false
          heardFirst()
        }
        events.down(last)
      })
    }
    sender.on('ready', change)
    listener.on('ready', () => void listen().catch((cause: unknown) => cut(listener, cause)))
    listener.on('message', (_channel: string, message: string) => events.received(message))
    const ping = setInterval(() => {
      for (const redis of both) if (redis.status === 'ready') redis.ping().catch((cause: unknown) => cut(redis, cause))
    }, pingMs)
    ping.unref()
    const settled = new Promise<void>((resolve) => {
      heardFirst = resolve
    })
    await Promise.all(both.map((redis) => redis.connect().catch(() => undefined)))
    await settled
    const carrier: Carrier = {
      name: 'redis',
      isUp: () => sender.status === 'ready',
      async send(message) {
        try {
          await sender.publish(channel, message)
        } catch (cause) {
          if (sender.status === 'ready') cut(sender, cause)
          throw cause
        }
      },
      async stop() {
        clearInterval(ping)
        for (const redis of both) redis.disconnect()
      },
    }
    return carrier
  }
