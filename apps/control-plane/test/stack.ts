// The PostgreSQL server and the identity provider that integration tests run against: real ones, started once a file.
import { randomBytes } from 'node:crypto'
import pg from 'pg'

interface Server {
  url(database: string): string
  stop(): Promise<void>
}

interface PostgresStack {
  startPostgres(): Promise<Server>
}

/** e2e is outside this project's references, so it is loaded at run time. */
const startServer = async (): Promise<Server> => {
  const stack = (await import(new URL('../../../e2e/stack/postgres.ts', import.meta.url).href)) as PostgresStack
  return await stack.startPostgres()
}

let running: Promise<Server> | undefined

/** A fresh, empty database. Call `stopServer` at the end of the file. */
export async function freshDatabase(): Promise<string> {
  running ??= startServer()
  const server = await running
  const name = `cp_${randomBytes(6).toString('hex')}`
  await query(server.url('postgres'), `CREATE DATABASE "${name}"`)
  return server.url(name)
}

export async function dropDatabase(databaseUrl: string): Promise<void> {
  const name = new URL(databaseUrl).pathname.slice(1)
  const server = await running
  if (server !== undefined) await query(server.url('postgres'), `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
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
