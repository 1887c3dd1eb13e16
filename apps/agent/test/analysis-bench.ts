// How long one analysis takes at first sight, parse and fingerprint included, for the statements of a leak suite over the
// catalog of its schema. Nothing is cached: every round analyses anew. Prints microseconds, and the slowest statements.
//   npx tsx apps/agent/test/analysis-bench.ts --dir ../shared/leak-suite/public
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { systemClock } from '@sallyport/base/clock'
import { Secret } from '@sallyport/base/secret'
import { analyse } from '@sallyport/sql/analyse'
import type { Catalog } from '@sallyport/sql/catalog'
import pg from 'pg'
import { startPostgres } from '../../../e2e/stack/postgres.ts'
import { loadParser } from '../src/parser.ts'
import { CatalogReader } from '../src/postgres/catalog.ts'
import { connectUpstream } from '../src/postgres/upstream.ts'

interface Case {
  readonly steps: readonly { readonly q?: string }[]
}

const rounds = 15
const shown = 8

async function readSchema(suite: string): Promise<Catalog> {
  const bin = ['/usr/lib/postgresql/15/bin'].find((one) => existsSync(join(one, 'initdb')))
  const server = await startPostgres({ bin, settings: { shared_preload_libraries: 'pg_stat_statements' } })
  try {
    const admin = new pg.Client({ connectionString: server.url('postgres') })
    await admin.connect()
    for (const file of ['roles.sql', 'schema.sql']) await admin.query(readFileSync(join(suite, file), 'utf8'))
    await admin.end()
    const reader = new CatalogReader({
      clock: systemClock,
      connect: async ({ role, database }, parameters, signal) => {
        const place = { host: '127.0.0.1', port: server.port, tls: { mode: 'disable' } } as const
        const password = new Secret(server.password)
        return await connectUpstream({
          ...place,
          user: role,
          password,
          database,
          parameters,
          signal,
          random: randomBytes,
        })
      },
    })
    const catalog = await reader.catalogFor({ target: 'suite', role: 'postgres', database: 'postgres' })
    reader.close()
    return catalog
  } finally {
    await server.stop()
  }
}

function textsOf(dir: string): readonly string[] {
  const cases = ['attacks.json', 'benign.json'].flatMap(
    (file): Case[] => JSON.parse(readFileSync(join(dir, file), 'utf8')).cases,
  )
  const texts = cases.flatMap(({ steps }) =>
    steps.flatMap(({ q }) => (q === undefined || q.length > 20_000 ? [] : [q])),
  )
  return [...new Set(texts)]
}

const at = (sorted: readonly number[], share: number): number =>
  Math.round(sorted[Math.floor(sorted.length * share)] ?? 0)
const ascending = (one: number, other: number): number => one - other

const asked = process.argv.indexOf('--dir')
const dir = resolve(asked < 0 ? '../shared/leak-suite/public' : (process.argv[asked + 1] ?? ''))
const catalog = await readSchema(dirname(dir))
const parser = await loadParser()
const texts = textsOf(dir)
const context = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' } as const
const times = texts.map((): number[] => [])
const parseTimes: number[] = []
for (let round = 0; round < rounds; round++)
  texts.forEach((text, index) => {
    const start = performance.now()
    analyse(text, catalog, context, parser)
    times[index]?.push((performance.now() - start) * 1_000)
    if (round < rounds - 1) return
    const before = performance.now()
    try {
      parser.parse(text)
    } catch {
      // A text that is no SQL is as good as any here.
    }
    parseTimes.push((performance.now() - before) * 1_000)
  })
const medians = times.map((list) => [...list].sort(ascending)[Math.floor(rounds / 2)] ?? 0)
const sorted = [...medians].sort(ascending)
const first = times.map((list) => list[0] ?? 0).sort(ascending)
console.log(`${texts.length} texts, ${rounds} rounds; microseconds`)
console.log(`first round  median ${at(first, 0.5)}  p95 ${at(first, 0.95)}`)
console.log(`warm         median ${at(sorted, 0.5)}  p95 ${at(sorted, 0.95)}  most ${at(sorted, 0.999)}`)
console.log(`parse alone  median ${at(parseTimes.sort(ascending), 0.5)}`)
const slowest = medians.map((time, index) => [time, texts[index] ?? ''] as const).sort(([one], [other]) => other - one)
for (const [time, text] of slowest.slice(0, shown))
  console.log(`${Math.round(time)}  ${text.slice(0, 110).replace(/\s+/g, ' ')}`)
