// Demo of deploy/compose.yaml: a function as it would run anywhere. It holds no credential of the database: it shows the
// token that its platform gives it. Its one DELETE is held for a person, and the function goes on meanwhile.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { workloadTokenOf } from '../stack/idp.ts'
import { fail, variable } from './place.ts'

/** SQLSTATE of a statement that waits for a person (docs/approvals.md). */
const pending = 'SPH02'
const againEveryMs = 3_000

async function main(): Promise<void> {
  const [sql = 'SELECT id, name, email FROM public.customers ORDER BY id LIMIT 3'] = process.argv.slice(2)
  for (;;) {
    try {
      const { command, rowCount, rows } = await run(sql)
      process.stdout.write(`${command} ${rowCount}\n${rows.map((row) => `${JSON.stringify(row)}\n`).join('')}`)
      return
    } catch (thrown) {
      if (!(thrown instanceof pg.DatabaseError) || thrown.code !== pending) throw thrown
      process.stdout.write(`${thrown.message}\ngoing on with other work; asking again in ${againEveryMs / 1_000} s\n`)
      await pause(againEveryMs)
    }
  }
}

/** A short-lived token and a connection for each try: nothing is open, and nothing blocks, while a person thinks. */
async function run(sql: string): Promise<pg.QueryResult> {
  const read = (name: string): string => readFileSync(join(variable('FUNCTION_DIR'), name), 'utf8').trim()
  const token = await workloadTokenOf(variable('IDP_ISSUER'), variable('AUDIENCE'), read('workload-secret'))
  const client = new pg.Client({
    host: variable('AGENT_HOST'),
    port: Number(variable('AGENT_PORT')),
    database: 'shop',
    user: 'sallyport',
    password: token,
    ssl: { ca: read('authority.pem'), rejectUnauthorized: true },
  })
  await client.connect()
  try {
    return await client.query(sql)
  } finally {
    await client.end()
  }
}

main().catch(fail('function'))
