// The clients of the storm: seats of every kind at every target, each coming again whatever ended its connection, until it
// is told to stop. Nobody is ever told what the others do; their rows alone show whether they were kept apart.
import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { TokenResponse } from '@sallyport/api/signin'
import { randomFrom } from '../bench/random.ts'
import type { Stack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'
import { type TargetName, targets } from './documents.ts'
import type { Front } from './front.ts'
import { type Session, sessions } from './sessions.ts'
import { countFailure, newAsker, newTally, type Tally } from './tally.ts'

export interface Load {
  readonly tally: Tally
  /** Settles once every client has hung up. */
  stop(): Promise<void>
}

/** Engineers see what is masked, and one of each kind sees what is under it. */
const people = ['ann', 'cara', 'bob', 'dora'] as const
const thinkMsMax = 120
const comeAgainMsMax = 400

export interface LoadOptions {
  readonly stack: Stack
  readonly fronts: Readonly<Record<TargetName, Front>>
  readonly seed: number
  /** Kinds of clients, each at every target. */
  readonly kinds: readonly (keyof typeof sessions)[]
}

export async function startLoad({ stack, fronts, seed, kinds }: LoadOptions): Promise<Load> {
  const tally = newTally()
  const stopping = new AbortController()
  // Each client that rests listens.
  setMaxListeners(0, stopping.signal)
  const issued = new Map<string, TokenResponse>()
  for (const login of people)
    for (const target of targets) {
      const person = await stack.as(login)
      // The documents were applied a moment ago.
      issued.set(`${login} ${target}`, await until(`a token for ${target}`, () => person.token(target)))
    }
  const random = randomFrom(seed)
  const running: Promise<void>[] = []
  let number = 0
  for (const kind of kinds)
    for (const target of targets) {
      const login = people[number % people.length] ?? 'ann'
      const token = issued.get(`${login} ${target}`)
      if (token === undefined) throw new Error(`no token for ${login}`)
      const seat = { number, seesSecrets: login === 'cara', token, target, front: fronts[target] }
      running.push(sit(sessions[kind], seat, randomFrom(Math.floor(random() * 2 ** 32)), tally, stopping.signal))
      number += 1
    }
  return {
    tally,
    async stop() {
      stopping.abort()
      await Promise.all(running)
    },
  }
}

interface Place {
  readonly number: number
  readonly seesSecrets: boolean
  readonly token: TokenResponse
  readonly target: TargetName
  readonly front: Front
}

async function sit(run: Session, place: Place, random: () => number, tally: Tally, signal: AbortSignal): Promise<void> {
  const { host, database, user, ca } = place.token.connection
  const rest = (msMax: number) => pause(random() * msMax, undefined, { signal }).catch(() => {})
  const seat = {
    asker: newAsker(place.number, place.seesSecrets),
    tally,
    random,
    isStopping: () => signal.aborted,
    ended: new Promise<never>(() => {}),
    think: () => rest(thinkMsMax),
    config: {
      host,
      port: place.front.port,
      database,
      user,
      password: place.token.token,
      ssl: { ca },
      application_name: place.target,
    },
  }
  while (!signal.aborted) {
    try {
      await run(seat)
    } catch (thrown) {
      countFailure(tally, thrown)
    }
    // Not all at once when the agent is back.
    await rest(comeAgainMsMax)
  }
}
