// Loads the shop's database into a target and gives its role a random password, which goes into one private file for the
// agent and nowhere else. What stands before the shop asks it here.
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { PostgresServer } from './postgres.ts'
import { root } from './root.ts'
import type { Stack } from './stack.ts'

const shopSql = join(root, 'e2e', 'stack', 'shop.sql')

/** Creates the database, its rows and the role; returns the password after writing it to `credentialFile`. */
export async function loadShop(target: PostgresServer, credentialFile: string): Promise<string> {
  // Characters that differ in each encoding that the search for leaks knows, URL-encoding among them.
  const password = `${randomBytes(15).toString('base64url')}+/%&=${randomBytes(15).toString('base64url')}`
  await createDatabase(target, 'shop')
  const client = new pg.Client({ connectionString: target.url('shop') })
  await client.connect()
  try {
    // A target that logs every statement must not log this one.
    await client.query("SET log_statement = 'none'; SET log_min_error_statement = 'panic'")
    await client.query(readFileSync(shopSql, 'utf8'))
    await client.query(`ALTER ROLE app_rw PASSWORD ${client.escapeLiteral(password)}`)
  } finally {
    await client.end()
  }
  writeFileSync(credentialFile, password, { mode: 0o600 })
  return password
}

export async function createDatabase(server: PostgresServer, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.url('postgres') })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
}

/** What a service of the shop asks with a credential of its own: one statement with one value. */
export async function askShop(database: string, sql: string, value: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  try {
    return (await client.query(sql, [value])).rows
  } finally {
    await client.end()
  }
}

/** What the target itself holds, read with its superuser. */
export async function truth<T extends pg.QueryResultRow>(stack: Stack, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: stack.target.url('shop') })
  await client.connect()
  try {
    return (await client.query<T>(sql)).rows
  } finally {
    await client.end()
  }
}
