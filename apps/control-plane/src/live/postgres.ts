// Hints over the store: LISTEN and NOTIFY on a connection of its own, which comes back by itself. Works without Redis, and
// is what replicas fall back to. Needs a connection that is one session: not a pooler in transaction mode.
import type { Secret } from '@sallyport/base/secret'
import pg from 'pg'
import type { Carrier, OpenCarrier } from './bus.ts'

const channel = 'sallyport_hints'
const connectMsMax = 5_000
/** For one NOTIFY, in milliseconds. */
const queryMsMax = 2_000
/** Between two tries to connect, in milliseconds. */
const retryMs = 1_000

const clientOf = (databaseUrl: Secret): pg.Client =>
  new pg.Client({
    connectionString: databaseUrl.reveal(),
    connectionTimeoutMillis: connectMsMax,
    query_timeout: queryMsMax,
    keepAlive: true,
    application_name: 'sallyport hints',
  })

/** One after the other: a connection runs one query at a time. */
function queue(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }
}

export const postgresCarrier =
  (databaseUrl: Secret): OpenCarrier =>
  async (events) => {
    let client: pg.Client | undefined
    let retry: NodeJS.Timeout | undefined
    let isStopped = false
    const inTurn = queue()
    const lost = (from: pg.Client, cause: unknown): void => {
      if (client === from) client = undefined
      if (isStopped) return
      events.down(cause)
      from.end().catch(() => undefined)
      clearTimeout(retry)
      retry = setTimeout(() => void connect(), retryMs)
    }
    const connect = async (): Promise<void> => {
      const next = clientOf(databaseUrl)
      let isLost = false
      const lose = (cause: unknown): void => {
        if (isLost) return
        isLost = true
        lost(next, cause)
      }
      next.on('error', lose)
      next.on('end', () => lose(new Error('the connection ended')))
      next.on('notification', ({ payload }) => events.received(payload ?? ''))
      try {
        await next.connect()
        await next.query(`LISTEN ${channel}`)
        if (isStopped) return await next.end()
        client = next
        events.up()
      } catch (cause) {
        lose(cause)
      }
    }
    await connect()
    const carrier: Carrier = {
      name: 'postgresql',
      isUp: () => client !== undefined,
      async send(message) {
        await inTurn(async () => {
          if (client === undefined) throw new Error('there is no connection')
          await client.query('SELECT pg_notify($1, $2)', [channel, message])
        })
      },
      async stop() {
        isStopped = true
        clearTimeout(retry)
        await client?.end().catch(() => undefined)
      },
    }
    return carrier
  }
