// Migrations of ours and of Prisma take turns on one store; edited, failed and unknown ones stop the start.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate, readMigrations } from '../src/migrate.ts'
import { migrationsDirectory } from './build.ts'
import { dropDatabase, freshDatabase, query, stopServer } from './stack.ts'

const prismaFolder = fileURLToPath(new URL('../../../prisma', import.meta.url))
const run = promisify(execFile)
const databases: string[] = []
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-migrations-'))
})
afterAll(async () => {
  for (const url of databases) await dropDatabase(url)
  await rm(folder, { recursive: true, force: true })
  await stopServer()
})

const database = async (): Promise<string> => {
  const url = await freshDatabase()
  databases.push(url)
  return url
}
const copyOf = async (name: string): Promise<string> => {
  const directory = join(folder, name)
  await cp(migrationsDirectory, directory, { recursive: true })
  return directory
}
const add = async (directory: string, name: string, sql: string): Promise<void> => {
  await mkdir(join(directory, name), { recursive: true })
  await writeFile(join(directory, name, 'migration.sql'), sql)
}
const prisma = async (url: string, ...command: string[]): Promise<string> => {
  const { stdout } = await run(
    process.execPath,
    [join(prismaFolder, 'node_modules/prisma/build/index.js'), ...command],
    {
      cwd: prismaFolder,
      env: {
        ...process.env,
        DATABASE_URL: url,
        PRISMA_SCHEMA_ENGINE_BINARY: join(prismaFolder, 'schema-engine.mjs'),
        CHECKPOINT_DISABLE: '1',
      },
    },
  )
  return stdout
}
const rows = async (url: string) =>
  await query(
    url,
    `SELECT migration_name, checksum, applied_steps_count, finished_at IS NOT NULL AS finished, rolled_back_at, logs
       FROM _prisma_migrations ORDER BY migration_name`,
  )

describe('migrations', () => {
  it('run once, also when several processes start at the same time', async () => {
    const url = await database()
    const ran = await Promise.all([1, 2, 3].map(() => migrate(url, migrationsDirectory)))
    const names = readMigrations(migrationsDirectory).map(({ name }) => name)
    expect(ran.flat().sort()).toEqual(names)
    expect(await migrate(url, migrationsDirectory)).toEqual([])
  })

  it('that we ran are up to date for Prisma, and the other way round, with the same rows', async () => {
    const ours = await database()
    const theirs = await database()
    await migrate(ours, migrationsDirectory)
    expect(await prisma(ours, 'migrate', 'deploy')).toContain('No pending migrations')
    await prisma(theirs, 'migrate', 'deploy')
    expect(await migrate(theirs, migrationsDirectory)).toEqual([])
    expect(await rows(theirs)).toEqual(await rows(ours))
    const columns = `SELECT column_name, data_type, character_maximum_length, is_nullable, column_default
      FROM information_schema.columns WHERE table_name = '_prisma_migrations' ORDER BY ordinal_position`
    expect(await query(ours, columns)).toEqual(await query(theirs, columns))
  })

  it('that come later run alone, in order of their names', async () => {
    const url = await database()
    const directory = await copyOf('later')
    await migrate(url, directory)
    await add(directory, '9002_b', 'ALTER TABLE later ADD COLUMN b int')
    await add(directory, '9001_a', 'CREATE TABLE later (a int)')
    expect(await migrate(url, directory)).toEqual(['9001_a', '9002_b'])
  })

  it('that were edited stop the start, and nothing runs', async () => {
    const url = await database()
    const directory = await copyOf('edited')
    await migrate(url, directory)
    await add(directory, '9001_new', 'CREATE TABLE never (a int)')
    const [first] = readMigrations(directory)
    await writeFile(join(directory, first!.name, 'migration.sql'), `${first!.sql}\n-- edited`)
    await expect(migrate(url, directory)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('edited'),
    })
    expect(await query(url, `SELECT to_regclass('never') AS never`)).toEqual([{ never: null }])
  })

  it('that this version does not know stop the start', async () => {
    const url = await database()
    const directory = await copyOf('newer')
    await add(directory, '9999_newer', 'SELECT 1')
    await migrate(url, directory)
    await expect(migrate(url, migrationsDirectory)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('"9999_newer"'),
    })
  })

  it('that fail leave nothing behind and run again once they are right', async () => {
    const url = await database()
    const directory = await copyOf('failing')
    await add(directory, '9001_half', 'CREATE TABLE half (a int); SELECT 1/0;')
    await expect(migrate(url, directory)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('"9001_half" failed'),
    })
    expect(await query(url, `SELECT to_regclass('half') AS half`)).toEqual([{ half: null }])
    await add(directory, '9001_half', 'CREATE TABLE half (a int)')
    expect(await migrate(url, directory)).toEqual(['9001_half'])
  })

  it('that Prisma left unfinished stop the start', async () => {
    const url = await database()
    await migrate(url, migrationsDirectory)
    await query(url, `UPDATE _prisma_migrations SET finished_at = NULL`)
    await expect(migrate(url, migrationsDirectory)).rejects.toMatchObject({
      message: expect.stringContaining('failed earlier'),
    })
  })

  it.each(['/nonexistent', tmpdir()])('cannot be read from %s', async (directory) => {
    const empty = directory === tmpdir() ? await mkdtemp(join(folder, 'empty-')) : directory
    expect(() => readMigrations(empty)).toThrow(/no migrations can be read/)
  })
})
