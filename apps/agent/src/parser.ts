// PostgreSQL's own parser (libpg-query, WebAssembly), loaded and warmed before the first statement comes: cold it costs
// twice as much (PERFORMANCE, "What follows").
import type { SqlParser } from '@sallyport/sql/facts'
import { fingerprintSync, loadModule, parsePlPgSQLSync, parseSync } from 'libpg-query'

const warmUp = [
  'select a.id, count(*) from public.a join b using (id) where a.x = $1 group by 1 order by 2 limit 10',
  "insert into t (a, b) values ($1, 'x') on conflict (a) do update set b = excluded.b returning *",
  'update t set a = a + 1 where id = any($1)',
]
const warmUpRounds = 20

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
