// PostgreSQL's own parser (libpg-query, WebAssembly), loaded and warmed before the first statement comes: cold it costs
// twice as much (PERFORMANCE, "What follows").
import { setFlagsFromString } from 'node:v8'
import type { SqlParser } from '@sallyport/sql/facts'
import { fingerprintSync, loadModule, parsePlPgSQLSync, parseSync } from 'libpg-query'

const warmUp = [
  'select a.id, count(*) from public.a join b using (id) where a.x = $1 group by 1 order by 2 limit 10',
  "insert into t (a, b) values ($1, 'x') on conflict (a) do update set b = excluded.b returning *",
  'update t set a = a + 1 where id = any($1)',
]
const warmUpRounds = 20

/**
 * WebAssembly stays as its first compiler leaves it: the second one takes seconds of processor time and some 90 MB of memory for
 * the parser, and what it makes is a fifth faster (docs/performance.md, "Memory"). The flag is the whole process's; nothing else here
 * computes much in WebAssembly.
 */
const baselineOnly = '--liftoff-only'
// Before the module is compiled, which begins with its import, once all modules are there.
setFlagsFromString(baselineOnly)

export async function loadParser(): Promise<SqlParser> {
  await loadModule()
  const parser: SqlParser = {
    parse(text) {
      const { version, stmts } = parseSync(text)
      return { version: version ?? 0, stmts: stmts ?? [] }
    },
    fingerprint: (text) => fingerprintSync(text),
    parsePlpgsql: (text) => parsePlPgSQLSync(text),
  }
  for (let round = 0; round < warmUpRounds; round++) {
    for (const text of warmUp) {
      parser.parse(text)
      parser.fingerprint(text)
    }
  }
  return parser
}
