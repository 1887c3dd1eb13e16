// Brings the store's schema up to date from prisma/migrations, recording what ran in `_prisma_migrations` as Prisma does:
// the same table, checksum and lock, so that `prisma migrate deploy` can take over at any time, and the other way round.
// A migration that was edited after it ran, failed, or is unknown to this version stops the start.
import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'
import pg from 'pg'

export interface Migration {
  readonly name: string
  readonly sql: string
  /** SHA-256 of the file's bytes, hex, as in Prisma's table. */
  readonly checksum: string
}

/** A row of `_prisma_migrations`, without logs. */
export interface AppliedMigration {
  readonly name: string
  readonly checksum: string
  readonly finished: boolean
}

/** Prisma's own key of pg_advisory_lock, so that the two never run at once. */
const lockKey = 72_707_369
/** A process that waits for another one's migrations gives up after this, in milliseconds. */
const lockMsMax = 60_000
const connectMsMax = 10_000

const createTable = `
CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
)`

/** The migrations of a directory, in order of their names. Throws CONFIG_INVALID when there are none. */
export function readMigrations(directory: string): Migration[] {
  try {
    const names = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    const migrations = names.map((entry) => {
      const bytes = readFileSync(join(directory, entry.name, 'migration.sql'))
      const checksum = createHash('sha256').update(bytes).digest('hex')
      return { name: entry.name, sql: bytes.toString('utf8'), checksum }
    })
    if (migrations.length === 0) throw new Error('no migrations')
    return migrations.sort((left, right) => (left.name < right.name ? -1 : 1))
  } catch (cause) {
    throw new SallyportError('CONFIG_INVALID', `no migrations can be read from "${directory}"`, {
      cause,
      hint: 'set SALLYPORT_MIGRATIONS_DIR to the folder prisma/migrations',
    })
  }
}

/** The migrations that must still run. Throws CONFLICT when the store's history is not a beginning of ours. */
export function pendingOf(migrations: readonly Migration[], applied: readonly AppliedMigration[]): Migration[] {
  const refuse = (message: string, hint: string) => {
    throw new SallyportError('CONFLICT', message, { hint })
  }
  const byName = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const row of applied) {
    const migration = byName.get(row.name)
    if (migration === undefined)
      refuse(`the store has the migration "${row.name}", which this version does not know`, 'run the newer version')
    else if (!row.finished)
      refuse(`the migration "${row.name}" failed earlier`, 'see "migrate resolve" in the documentation of Prisma')
    else if (migration.checksum !== row.checksum)
      refuse(`the migration "${row.name}" was edited after it ran`, 'restore the file; write a new migration instead')
  }
  const done = new Set(applied.map((row) => row.name))
  return migrations.filter((migration) => !done.has(migration.name))
}

/** Applies what is pending, each migration in one transaction with its record. Returns the names of those that ran. */
export async function migrate(databaseUrl: string, directory: string): Promise<string[]> {
  const migrations = readMigrations(directory)
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: connectMsMax })
  // A connection that breaks while idle must not end the process; the next query reports it.
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(`SET lock_timeout = ${lockMsMax}`)
    await client.query('SELECT pg_advisory_lock($1)', [lockKey])
    await client.query(createTable)
    const pending = pendingOf(migrations, await readApplied(client))
    for (const migration of pending) await run(client, migration)
    return pending.map((migration) => migration.name)
  } finally {
    // The lock ends with the session.
    await client.end()
  }
}

async function readApplied(client: pg.Client): Promise<AppliedMigration[]> {
  const { rows } = await client.query<{ migration_name: string; checksum: string; finished: boolean }>(
    `SELECT migration_name, checksum, finished_at IS NOT NULL AS finished
       FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at, migration_name`,
  )
  return rows.map((row) => ({ name: row.migration_name, checksum: row.checksum, finished: row.finished }))
}

async function run(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('BEGIN')
  try {
    await client.query('SET LOCAL lock_timeout = 0')
    await client.query(migration.sql)
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), migration.checksum, migration.name],
    )
    await client.query('COMMIT')
  } catch (cause) {
    await client.query('ROLLBACK')
    throw new SallyportError('CONFLICT', `the migration "${migration.name}" failed; nothing of it was kept`, { cause })
  }
}
