// What tests of the data path do with node-postgres again and again: run with a client that is closed whatever happens, and
// take what was refused.
import type pg from 'pg'
import type { DataPath } from './data-path.ts'

type Connecting = Parameters<DataPath['connect']>

/** Connects, runs and always ends. */
export async function using<T>(path: DataPath, run: (client: pg.Client) => Promise<T>, ...how: Connecting): Promise<T> {
  const client = await path.connect(...how)
  try {
    return await run(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/** What was thrown; throws when nothing was. */
export async function errorOf(promise: Promise<unknown>): Promise<pg.DatabaseError> {
  try {
    await promise
  } catch (error) {
    return error as pg.DatabaseError
  }
  throw new Error('it did not fail')
}
