// What the target holds for the bench: pgbench's own tables, and one big table for results and COPY.

import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { PostgresServer } from '../stack/postgres.ts'
import { createDatabase } from '../stack/shop.ts'
import { runTool, type Tools } from './tools.ts'

/** Of the big table, for each unit of the scale: 960,000 at 32. */
const bigRowsPerScale = 30_000

const bigTables = (rows: number) => `
  CREATE TABLE public.big (id integer, name text, note text);
  INSERT INTO public.big SELECT n, md5(n::text), repeat(md5((n + 1)::text), 5) FROM generate_series(1, ${rows}) AS n;
  CREATE UNLOGGED TABLE public.big_in (id integer, name text, note text);
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app_rw;
  VACUUM (ANALYZE, FREEZE) public.big;
`

/** DataRow: type, length and count are 7 bytes, and each value has 4 before it (manual, "Message Formats"). */
const bigBytesOf =
  'SELECT sum(7 + 3 * 4 + length(id::text) + length(name) + length(note))::float8 AS bytes FROM public.big'

export interface Filled {
  readonly version: string
  readonly bigBytes: number
  readonly copyFile: string
}

/** `scale` is pgbench's: 100,000 accounts each; the big table grows with it. */
export async function fill(
  target: PostgresServer,
  tools: Tools,
  dir: string,
  scale: number,
  signal: AbortSignal,
): Promise<Filled> {
  await createDatabase(target, 'bench')
  const env = {
    PGHOST: '127.0.0.1',
    PGPORT: String(target.port),
    PGUSER: target.superuser,
    PGPASSWORD: target.password,
    PGDATABASE: 'bench',
  }
  await runTool(tools.pgbench, ['--initialize', '--quiet', '--init-steps=dtgvp', `--scale=${scale}`], {
    env,
    cwd: dir,
    signal,
    msMax: 120_000,
  })
  const client = new pg.Client({ connectionString: target.url('bench') })
  await client.connect()
  try {
    for (const statement of bigTables(scale * bigRowsPerScale)
      .split(';')
      .filter((text) => text.trim() !== '')) {
      signal.throwIfAborted()
      await client.query(statement)
    }
    const bytes = await client.query<{ bytes: number }>(bigBytesOf)
    const version = await client.query<{ server_version: string }>('SHOW server_version')
    const copyFile = join(dir, 'big.copy')
    copyOut(tools, env, copyFile)
    return { version: version.rows[0]?.server_version ?? '', bigBytes: bytes.rows[0]?.bytes ?? 0, copyFile }
  } finally {
    await client.end()
  }
}

function copyOut(tools: Tools, env: Readonly<Record<string, string>>, file: string): void {
  const output = openSync(file, 'w', 0o600)
  const parameters = ['-qX', '-v', 'ON_ERROR_STOP=1', '-c', 'COPY public.big TO STDOUT']
  const done = spawnSync(tools.psql, parameters, {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', output, 'inherit'],
  })
  closeSync(output)
  if (done.status !== 0) throw new Error(`psql ended with ${done.status}`)
}
