// The same scripts by three drivers, direct and through the agent under three policies: what they see is equal, but where
// policy speaks, and there the script says so. In the sample each driver runs another sixth of them, in the full run all.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Driver } from './differential/driver.ts'
import { startNodePostgres } from './differential/node-postgres.ts'
import { startPostgresJs } from './differential/postgres-js.ts'
import { hasPsycopg, startPsycopg } from './differential/psycopg.ts'
import { closeWays, openWays, type WayName, type Ways, wayNames } from './differential/routes.ts'
import {
  type DriverName,
  driverNames,
  type RouteName,
  readScripts,
  routeNames,
  type Script,
} from './differential/script.ts'
import { differences, type Trace } from './differential/trace.ts'
import { useStack } from './stack/use.ts'

const scripts = readScripts()
const isFull = process.env.SALLYPORT_TEST === 'full'

const stack = useStack({ targetSettings: { autovacuum: 'off', lc_messages: 'C', max_connections: '100' } })
let ways: Ways
beforeAll(async () => {
  ways = await openWays(stack())
}, 120_000)
afterAll(async () => {
  if (ways !== undefined) await closeWays(ways)
})

test('the corpus has three hundred scripts at least for each driver, each with a name of its own', () => {
  for (const name of driverNames)
    expect(scripts.filter(({ without }) => !without.includes(name)).length, name).toBeGreaterThanOrEqual(300)
  expect(new Set(scripts.map(({ name }) => name)).size).toBe(scripts.length)
})

const starters = { 'node-postgres': startNodePostgres, 'postgres.js': startPostgresJs, psycopg: startPsycopg }

/** One for each way: they run side by side. */
const startDrivers = (name: DriverName): Record<WayName, Driver> => {
  const start = starters[name]
  return { direct: start(), all: start(), masks: start(), strict: start() }
}

/** What the routes answer otherwise than a direct connection does, where the script does not say so. */
async function compare(
  script: Script,
  name: DriverName,
  drivers: Record<WayName, Driver>,
): Promise<Record<string, string[]>> {
  const traces = await Promise.all(
    wayNames.map(async (way): Promise<[WayName, Trace]> => {
      await ways[way].startOver(script)
      return [way, await drivers[way].run(ways[way].place, script)]
    }),
  )
  const { direct, ...routes } = Object.fromEntries(traces) as Record<WayName, Trace>
  return Object.fromEntries(routeNames.map((route) => [route, differences(script, name, route, direct, routes[route])]))
}

for (const name of driverNames)
  describe.runIf(name !== 'psycopg' || hasPsycopg)(name, () => {
    let drivers: Record<WayName, Driver>
    beforeAll(() => {
      drivers = startDrivers(name)
    })
    afterAll(async () => {
      for (const driver of Object.values(drivers)) await driver.close()
    })
    const chosen = scripts
      .filter((_, index) => isFull || index % 6 === 2 * driverNames.indexOf(name))
      .filter(({ without }) => !without.includes(name))
    test.each(chosen.map((script) => [script.name, script] as const))('%s', async (_, script) => {
      const found = await compare(script, name, drivers)
      const isGap = (route: RouteName) =>
        script.gaps.some(({ routes, driver }) => routes.includes(route) && (driver === undefined || driver === name))
      const wrong = routeNames.flatMap((route) => {
        const differs = found[route] ?? []
        if (!isGap(route)) return differs
        return differs.length > 0 ? [] : [`${route}: there is no difference any more: take the gap out`]
      })
      expect(wrong.length, wrong.join('\n')).toBe(0)
    })
  })
