// npm run leak -- --dir FOLDER: the leak suite of that folder through the whole product as a person runs it (control plane,
// agent and identity provider as processes, policies applied by the API), in front of a throw-away PostgreSQL 15.
// Options that are not ours go to the suite's own runner, whose exit status is ours.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'
import { startPostgres } from '../stack/postgres.ts'
import { type Stack, startStack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'
import { documents, policies, rolePassword, roles, targetName } from './documents.ts'

/** Databases that the suite makes for its two seeds. */
const seeds = 'abcdefgh'
const bins = ['/usr/lib/postgresql/15/bin', '/usr/local/pgsql/bin']

interface Wanted {
  readonly dir: string
  readonly bin: string
  readonly protocol: boolean
  readonly rest: readonly string[]
}

function readWanted(words: readonly string[]): Wanted {
  const rest = [...words].filter((word) => word !== '--protocol')
  const take = (name: string): string | undefined => {
    const at = rest.indexOf(name)
    return at < 0 ? undefined : rest.splice(at, 2)[1]
  }
  const given = take('--dir')
  const dir = resolve(given ?? '.')
  const bin = take('--bin') ?? bins.find((one) => existsSync(join(one, 'initdb')))
  if (given === undefined || !existsSync(join(dir, '..', 'run.mjs')))
    throw new SallyportError('CONFIG_INVALID', `"${dir}" is no folder of a leak suite`, {
      hint: 'give --dir; run.mjs stands beside it',
    })
  if (bin === undefined)
    throw new SallyportError('CONFIG_INVALID', 'there is no PostgreSQL 15 with contrib here', {
      hint: 'install postgresql-15, or give --bin with the folder of its initdb',
    })
  return { dir, bin, protocol: words.includes('--protocol'), rest }
}

const databasesOf = (dir: string): string[] =>
  [...seeds].filter((seed) => existsSync(join(dir, `seed-${seed}.sql`))).map((seed) => `demo_${seed}`)

/** How the runner logs in: a token for the policy's target on that database, which verifies the agent's certificate. */
async function writeLogin(folder: string, stack: Stack, databases: readonly string[]): Promise<string> {
  const ann = await stack.as('ann')
  const tokens: Record<string, string> = {}
  let ca = ''
  for (const database of databases)
    for (const policy of policies)
      for (const role of roles) {
        const target = targetName(policy, database)
        const issued = await until(`a token for ${target}`, () => ann.token(target, role))
        tokens[`${role} ${policy} ${database}`] = issued.token
        ca = issued.connection.ca
      }
  const file = join(folder, 'login.mjs')
  const text = `const tokens = ${JSON.stringify(tokens)}
const names = ${JSON.stringify(Object.fromEntries(databases.map((name) => [name, targetName('', name)])))}
export default ({ role, policy, database }) => ({
  user: role,
  password: tokens[\`\${role} \${policy} \${database}\`],
  database: names[database] + policy,
  tls: { ca: ${JSON.stringify(ca)}, servername: 'localhost' },
})
`
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

async function run(file: string, words: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [file, ...words], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  return typeof code === 'number' ? code : 2
}

type Closers = (() => Promise<unknown>)[]

/** The suite's server. Its roles have no passwords; it is made for this run and listens on loopback alone. */
async function startUpstream(scratch: string, bin: string, closers: Closers): Promise<number> {
  const hba = join(scratch, 'pg_hba.conf')
  writeFileSync(hba, 'host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n', { mode: 0o644 })
  const settings = { hba_file: hba, wal_level: 'logical', shared_preload_libraries: 'pg_stat_statements' }
  const server = await startPostgres({ bin, settings })
  closers.push(() => server.stop())
  return server.port
}

async function startProduct(closers: Closers): Promise<Stack> {
  const stack = await startStack({ agentEnv: rolePassword })
  closers.push(() => stack.stop())
  return stack
}

async function main(): Promise<number> {
  const { dir, bin, protocol, rest } = readWanted(process.argv.slice(2))
  const scratch = mkdtempSync(join(tmpdir(), 'sallyport-leak-'))
  // The server's user reads its rules here; the tokens are for us alone.
  chmodSync(scratch, 0o711)
  const closers: Closers = [async () => rmSync(scratch, { recursive: true, force: true })]
  try {
    const [port, stack] = await Promise.all([startUpstream(scratch, bin, closers), startProduct(closers)])
    const databases = databasesOf(dir)
    const applied = await (await stack.as('adam')).post('/api/v1/apply', { yaml: documents(databases, port) })
    if (applied.status !== 200) throw new SallyportError('DOCUMENT_INVALID', applied.text)
    const login = await writeLogin(scratch, stack, databases)
    const gateway = `127.0.0.1:${stack.ports.agent}`
    const suite = dirname(dir)
    const common = ['--dir', dir, '--login', login, ...rest]
    const through = [...common, '--upstream', `127.0.0.1:${port}`, '--gateway', gateway]
    if (!protocol) return await run(join(suite, 'run.mjs'), through)
    // Its sessions are in the database that a run of the other leaves behind.
    const made = await run(join(suite, 'run.mjs'), [...through, '--only', 'ok-table-name-01'])
    if (made !== 0) return made
    const raw = ['--tls', 'all', '--compare', '--strict']
    return await run(join(suite, 'proto.mjs'), ['--dir', dir, '--login', login, '--target', gateway, ...raw, ...rest])
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

process.exitCode = await main()
