// PostgreSQL's own parser (libpg-query, WebAssembly), loaded once for explain.
import type { SqlParser } from '@sallyport/sql/facts'
import { fingerprintSync, loadModule, parsePlPgSQLSync, parseSync } from 'libpg-query'

export async function loadParser(): Promise<SqlParser> {
  await loadModule()
  return {
    parse(text) {
      const { version, stmts } = parseSync(text)
      return { version: version ?? 0, stmts: stmts ?? [] }
    },
    fingerprint: (text) => fingerprintSync(text),
    parsePlpgsql: (text) => parsePlPgSQLSync(text),
  }
}
