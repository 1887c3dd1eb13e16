// Whatever sessions do at once on connections that they share by the transaction, none sees anything of another; and the same play
// finds each of the faults that are seeded here (THREATS R-1.12, R-1.18, R-2.15).
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'
import { Player, playSchema, type Step, steps } from './turns-play.ts'

const faults = vi.hoisted(() => ({ remains: false, settings: false, names: false, rest: false }))

vi.mock('../src/postgres/remains.ts', async (original) => {
  const real = await original<typeof import('../src/postgres/remains.ts')>()
  return {
    ...real,
    remainsOf: (facts: Parameters<typeof real.remainsOf>[0]) => {
      const found = real.remainsOf(facts)
      return faults.remains ? { ...found, level: 'nothing' } : found
    },
  }
})
vi.mock('../src/postgres/backend-settings.ts', async (original) => {
  const real = await original<typeof import('../src/postgres/backend-settings.ts')>()
  return {
    ...real,
    giveSettings: async (...args: Parameters<typeof real.giveSettings>) => {
      const memory = real.memoryOf(args[0])
      if (!faults.settings || memory === undefined) return await real.giveSettings(...args)
      memory.settings = real.settingsKey(args[1])
      return args[1]
    },
  }
})
vi.mock('../src/postgres/state.ts', async (original) => {
  const real = await original<typeof import('../src/postgres/state.ts')>()
  return {
    ...real,
    // As if a transaction that is open were none.
    isAtRest: (state: Parameters<typeof real.isAtRest>[0]) =>
      real.isAtRest(faults.rest ? { ...state, status: 'I' } : state),
  }
})
vi.mock('node:crypto', async (original) => {
  const real = await original<typeof import('node:crypto')>()
  return {
    ...real,
    createHash: (...args: Parameters<typeof real.createHash>) => {
      const hash = real.createHash(...args)
      const isName = faults.names && new Error().stack?.includes('followed-statements') === true
      // As if different texts had one name at the target.
      return isName ? { update: () => ({ digest: () => 'same'.padEnd(43, 'x') }) } : hash
    },
  }
})

let real: RealTarget
let path: DataPath

const trusted = '  trusted: { functions: ["public.leave_traces()", "public.traces()", "public.tell()"] }'
const pool = '  pool: { mode: transaction, connections: 2, share: everyone, wait: 60s }'
const yaml = (port: number): string => `${targetDocument(port, `${pool}\n${trusted}`, 'few')}
${targetDocument(port, `${pool}\n${trusted}\n  recording: strict`, 'strict')}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { any: true }
  rules:
    - { name: all, effect: allow, callers: { any: true } }
    - { name: sleep, effect: allow, callers: { any: true }, operations: [call], objects: ["pg_catalog.pg_sleep()"] }
  masks: [{ columns: [public.people.ssn], method: redact, unless: { groups: [dba] } }]
`

beforeAll(async () => {
  real = await startRealTarget({ schema: playSchema })
  path = await startDataPath({ yaml: yaml(real.server.port), environment: targetEnvironment })
}, 60_000)
afterAll(async () => {
  await path?.stop()
  await real?.stop()
})

/** All at once; rejects with what the first one found that must not be. */
async function play(target: string, scripts: readonly (readonly Step[])[]): Promise<void> {
  const players = await Promise.all(scripts.map((_, at) => Player.join(path, target, `player${at}`, at % 2 === 0)))
  const played = await Promise.allSettled(
    players.map(async (player, at) => {
      for (const step of scripts[at] ?? [])
        await player.run(step).catch((thrown: Error) => {
          throw new Error(`player${at}, ${JSON.stringify(step)}: ${thrown.message}`)
        })
    }),
  )
  await Promise.all(players.map((player) => player.leave()))
  for (const one of played) if (one.status === 'rejected') throw one.reason
}

const scripts = fc.array(fc.array(steps, { minLength: 4, maxLength: 14 }), { minLength: 4, maxLength: 5 })
const full = process.env.SALLYPORT_TEST === 'full'

it.each(['few', 'strict'])(
  'R-2.15: sessions of "%s" see nothing of one another, however they interleave',
  async (target) => {
    await fc.assert(
      fc.asyncProperty(scripts, async (all) => play(target, all)),
      { numRuns: full ? 40 : 3, endOnFailure: true },
    )
  },
  600_000,
)

const number = 2
const told: Record<keyof typeof faults, readonly (readonly Step[])[]> = {
  remains: [
    [{ do: 'leave' }, { do: 'insert' }],
    [{ do: 'look' }, { do: 'traces' }, { do: 'traces' }, { do: 'lastval' }, { do: 'traces' }],
    [{ do: 'insert' }, { do: 'lastval' }],
  ],
  settings: [
    [{ do: 'zone', zone: 'Asia/Tokyo' }, { do: 'look' }, { do: 'look' }],
    [{ do: 'zone', zone: 'America/Lima' }, { do: 'look' }, { do: 'look' }],
    [{ do: 'look' }, { do: 'look' }, { do: 'look' }],
  ],
  names: [
    [
      { do: 'prepared', number },
      { do: 'prepared', number },
    ],
    [
      { do: 'prepared', number },
      { do: 'prepared', number },
    ],
    [{ do: 'prepared', number: 3 }],
  ],
  rest: [
    [{ do: 'transaction', number }],
    [{ do: 'transaction', number }],
    [{ do: 'transaction', number }],
    [{ do: 'transaction', number }],
  ],
}

/** What the play finds first, as far as that is no matter of timing. */
const signs: Record<keyof typeof faults, RegExp> = {
  remains: /traces|lastval/,
  settings: /zone/,
  names: /prepared|bind message/,
  rest: /./,
}

it.each(Object.keys(told) as (keyof typeof faults)[])(
  'the play finds the fault "%s"',
  async (fault) => {
    await play('few', told[fault])
    faults[fault] = true
    try {
      const found = await play('few', [...told[fault], ...told[fault]]).catch((thrown: Error) => thrown.message)
      expect(found).toMatch(signs[fault])
    } finally {
      faults[fault] = false
      // What the fault has left on connections is nobody else's.
      await real.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'")
    }
  },
  120_000,
)
