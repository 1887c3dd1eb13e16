// Many connections one after another, a few at once, each for one statement: every other one at a target with a pool, every
// third one hanging up without a word.
import type { TokenResponse } from '@sallyport/api/signin'
import pg from 'pg'
import { randomFrom } from '../bench/random.ts'
import type { Stack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'
import { ownersMax, type TargetName } from './documents.ts'
import { type Seat, sessions, streamOf } from './sessions.ts'
import { newAsker, type Tally } from './tally.ts'

const atOnce = 8
const places = ['chaos-plain', 'chaos-pooled'] as const satisfies readonly TargetName[]

export interface ShortConnections {
  /** Runs so many more; throws what any of them meets. */
  run(count: number): Promise<void>
}

export async function shortConnections(stack: Stack, tally: Tally): Promise<ShortConnections> {
  const ann = await stack.as('ann')
  const tokens: TokenResponse[] = []
  for (const place of places) tokens.push(await until(`a token for ${place}`, () => ann.token(place)))
  const random = randomFrom(1)
  let number = 0
  const one = async () => {
    const at = number++
    const token = tokens[at % tokens.length]
    if (token === undefined) throw new Error('there is a token for each target')
    const seat = seatOf(at % ownersMax, token, tally, random)
    await (at % 3 === 0 ? vanish(seat) : sessions.short(seat))
  }
  return {
    async run(count) {
      let left = count
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          while (left-- > 0) await one()
        }),
      )
    },
  }
}

function seatOf(owner: number, { connection, token }: TokenResponse, tally: Tally, random: () => number): Seat {
  const { host, port, database, user, ca } = connection
  return {
    asker: newAsker(owner, false),
    tally,
    random,
    isStopping: () => false,
    ended: new Promise<never>(() => {}),
    think: async () => {},
    config: { host, port, database, user, password: token, ssl: { ca }, application_name: database },
  }
}

/** Asks, and is gone before the answer. */
async function vanish({ asker, config }: Seat): Promise<void> {
  const client = new pg.Client(config)
  client.on('error', () => {})
  await client.connect()
  client.query(`SELECT '${asker.mark()}' FROM chaos_rows`).catch(() => {})
  const closed = new Promise<void>((done) => streamOf(client).once('close', () => done()))
  streamOf(client).destroy()
  await closed
}
