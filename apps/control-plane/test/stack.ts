// The PostgreSQL server and the identity provider that integration tests run against: real ones, started once a file.
import { randomBytes } from 'node:crypto'
import pg from 'pg'

interface Server {
  /** URL of a database whose user may create others. */
  readonly url: string
  stop(): Promise<void>
}

interface PostgresStack {
  startPostgres(): Promise<Server>
}

/** e2e is outside this project's references, so it is loaded at run time. */
const loadStack = async (): Promise<PostgresStack> =>
  (await import(new URL('../../../e2e/stack/postgres.ts', import.meta.url).href)) as PostgresStack

async function startServer(): Promise<Server> {
  const given = process.env['SALLYPORT_TEST_DATABASE_URL']
  if (given !== undefined) return { url: given, stop: async () => undefined }
  return await (await loadStack()).startPostgres()
}

let running: Promise<Server> | undefined

/** A fresh, empty database. Call `stopServer` at the end of the file. */
export async function freshDatabase(): Promise<string> {
  running ??= startServer()
  const server = await running
  const name = `cp_${randomBytes(6).toString('hex')}`
  await query(server.url, `CREATE DATABASE "${name}"`)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  return url.href
}

export async function dropDatabase(databaseUrl: string): Promise<void> {
  const name = new URL(databaseUrl).pathname.slice(1)
  const server = await running
  if (server !== undefined) await query(server.url, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
}

export async function stopServer(): Promise<void> {
  const server = await running
  running = undefined
  await server?.stop()
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql, values)).rows
  } finally {
    await client.end()
  }
}
