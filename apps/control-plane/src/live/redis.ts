// Hints over Redis: one connection that publishes, one that listens. A Redis that does not answer counts as gone at once,
// and both connections come back by themselves.
import type { Secret } from '@sallyport/base/secret'
import { Redis, type RedisOptions } from 'ioredis'
import type { Carrier, CarrierEvents, OpenCarrier } from './bus.ts'

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
    const sender = new Redis(url.reveal(), options)
    const listener = openListener(url, `sallyport:${installation}:hints`, events, () => sender.status === 'ready')
    watch(sender, events)
    sender.on('ready', () => {
      if (listener.isListening()) events.up()
    })
    const both = [sender, listener.redis]
    const ping = setInterval(() => {
      for (const redis of both)
        if (redis.status === 'ready') redis.ping().catch((cause: unknown) => cut(redis, cause, events))
    }, pingMs)
    ping.unref()
    await Promise.all(both.map((redis) => redis.connect().catch(() => undefined)))
    await listener.settled
    const carrier: Carrier = {
      name: 'redis',
      isUp: () => sender.status === 'ready',
      async send(message) {
        try {
          await sender.publish(listener.channel, message)
        } catch (cause) {
          if (sender.status === 'ready') cut(sender, cause, events)
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

/** Gives up a connection that does not answer; it comes back by itself. */
function cut(redis: Redis, cause: unknown, events: CarrierEvents): void {
  events.down(cause)
  redis.disconnect(true)
}

/** Says why a connection ended. Without a listener an `error` would end the process. */
function watch(redis: Redis, events: CarrierEvents): void {
  let last: unknown = new Error('the connection ended')
  redis.on('error', (cause: unknown) => {
    last = cause
  })
  redis.on('close', () => events.down(last))
}

/** A connection that subscribes anew whenever it is there. `settled`: after the first try. */
function openListener(url: Secret, channel: string, events: CarrierEvents, isOtherReady: () => boolean) {
  const redis = new Redis(url.reveal(), options)
  let isListening = false
  let settle = (): void => undefined
  const settled = new Promise<void>((resolve) => {
    settle = resolve
  })
  watch(redis, events)
  redis.on('close', () => {
    isListening = false
    settle()
  })
  const subscribe = async (): Promise<void> => {
    await redis.subscribe(channel)
    isListening = true
    settle()
    if (isOtherReady()) events.up()
  }
  redis.on('ready', () => void subscribe().catch((cause: unknown) => cut(redis, cause, events)))
  redis.on('message', (_channel: string, message: string) => events.received(message))
  return { redis, channel, settled, isListening: () => isListening }
}
