// Says whether prisma/schema.prisma and the SQL of prisma/migrations describe the same store, on a throw-away server.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startPostgres } from '../../e2e/stack/postgres.ts'

const prisma = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'prisma')
const server = await startPostgres({})
try {
  const parameters = [
    'migrate',
    'diff',
    '--from-migrations',
    'migrations',
    '--to-schema',
    'schema.prisma',
    '--exit-code',
  ]
  const done = spawnSync(
    process.execPath,
    [join(prisma, 'node_modules', 'prisma', 'build', 'index.js'), ...parameters],
    {
      cwd: prisma,
      encoding: 'utf8',
      env: {
        ...process.env,
        CHECKPOINT_DISABLE: '1',
        PRISMA_SCHEMA_ENGINE_BINARY: join(prisma, 'schema-engine.mjs'),
        DATABASE_URL: server.url('postgres'),
      },
    },
  )
  if (done.status !== 0)
    process.stderr.write(
      `${done.stdout}${done.stderr}\nschema and migrations differ: write a migration for the change\n`,
    )
  process.exitCode = done.status ?? 1
} finally {
  await server.stop()
}
