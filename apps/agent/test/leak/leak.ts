// npm run leak -- --dir FOLDER: the leak suite of that folder through a real agent's data path, in front of a throw-away
// PostgreSQL 15. Options that are not ours go to the suite's own runner, whose exit status is ours.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'
import { parseDocuments } from '@sallyport/policy/parse'
import { startPostgres } from '../../../../e2e/stack/postgres.ts'
import { type DataPath, startDataPath } from '../data-path.ts'

const policies = [
  ...['mask-strict', 'mask-lookup', 'read-only', 'no-session-change', 'no-admin', 'deny-table', 'approval'],
  'row-limit',
] as const
const roles = ['app_rw', 'app_owner', 'gw_admin'] as const
/** Databases that the suite makes for its two seeds. */
const seeds = 'abcdefgh'
const bins = ['/usr/lib/postgresql/15/bin', '/usr/local/pgsql/bin']
/** One run of everything takes minutes; tokens outlive it. */
const tokenSeconds = 3_500
/** Code of an SSLRequest (PostgreSQL manual, Message Formats). */
const sslRequest = 80_877_103

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
  const dir = resolve(take('--dir') ?? '../shared/leak-suite/public')
  const bin = take('--bin') ?? bins.find((one) => existsSync(join(one, 'initdb')))
  if (!existsSync(join(dir, '..', 'run.mjs')))
    throw new SallyportError('CONFIG_INVALID', `"${dir}" is no folder of a leak suite`, {
      hint: 'give --dir; run.mjs stands beside it',
    })
  if (bin === undefined)
    throw new SallyportError('CONFIG_INVALID', 'there is no PostgreSQL 15 with contrib here', {
      hint: 'install postgresql-15, or give --bin with the folder of its initdb',
    })
  return { dir, bin, protocol: words.includes('--protocol'), rest }
}

const databases = (dir: string): string[] =>
  [...seeds].filter((seed) => existsSync(join(dir, `seed-${seed}.sql`))).map((seed) => `demo_${seed}`)

const targetDocument = (policy: string, database: string, port: number): string => `---
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${policy}, labels: { policy: ${policy} } }
spec:
  protocol: postgres
  agents: [test]
  host: 127.0.0.1
  port: ${port}
  database: ${database}
  tls: { mode: disable }
  roles:
${roles.map((role) => `    - { name: ${role}, password: { env: ROLE_PASSWORD } }`).join('\n')}
`

/** The policies, and a target for each of them that is this database. */
function documents(database: string, port: number): string {
  const text = readFileSync(new URL('policies.yaml', import.meta.url), 'utf8')
  return text + policies.map((policy) => targetDocument(policy, database, port)).join('')
}

/** How the runner logs in: a token of the database's agent, and the database as the name that TLS asks for. */
async function writeLogin(dir: string, agents: ReadonlyMap<string, DataPath>): Promise<string> {
  const tokens: Record<string, string> = {}
  for (const [database, path] of agents)
    for (const policy of policies)
      for (const role of roles)
        tokens[`${role} ${policy} ${database}`] = await path.token({ target: policy, role, seconds: tokenSeconds })
  const file = join(dir, 'login.mjs')
  const text = `const tokens = ${JSON.stringify(tokens)}
export default ({ role, policy, database }) => ({
  user: role,
  password: tokens[\`\${role} \${policy} \${database}\`],
  database: policy,
  tls: { rejectUnauthorized: false, servername: database.replace('_', '-') },
})
`
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

/**
 * One port for all agents, as the suite wants it: the name in the ClientHello says which one. The databases of a pair have
 * agents that know them by the same names, so that nothing in an answer tells them apart but what is in them.
 */
async function openFront(agents: ReadonlyMap<string, DataPath>): Promise<{ port: number; close(): Promise<unknown> }> {
  const [first] = agents.values()
  const sockets = new Set<Socket>()
  const front = createServer((caller) => {
    sockets.add(caller)
    caller.on('error', () => {}).on('close', () => sockets.delete(caller))
    void route(caller, agents, first).catch(() => caller.destroy())
  }).listen(0, '127.0.0.1')
  await once(front, 'listening')
  const address = front.address()
  if (address === null || typeof address !== 'object') throw new Error('a TCP server has a numeric address')
  return {
    port: address.port,
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((closed) => front.close(closed))
    },
  }
}

async function route(
  caller: Socket,
  agents: ReadonlyMap<string, DataPath>,
  first: DataPath | undefined,
): Promise<void> {
  const [asked]: Buffer[] = await once(caller, 'data')
  const isSslRequest = asked?.length === 8 && asked.readInt32BE(4) === sslRequest
  if (isSslRequest) caller.write('S')
  const [hello = Buffer.alloc(0)]: Buffer[] = isSslRequest ? await once(caller, 'data') : []
  caller.pause()
  const named = [...agents].find(([database]) => hello.includes(database.replace('_', '-')))
  const agent = connect((named?.[1] ?? first)?.port ?? 0, '127.0.0.1')
  agent.on('error', () => caller.destroy()).on('close', () => caller.destroy())
  caller.on('close', () => agent.destroy())
  agent.write(asked ?? '')
  // The agent says S as well; the caller has been told.
  if (isSslRequest) await once(agent, 'data')
  agent.write(hello)
  caller.pipe(agent).pipe(caller)
}

async function run(file: string, words: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [file, ...words], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  return typeof code === 'number' ? code : 2
}

async function main(): Promise<number> {
  const { dir, bin, protocol, rest } = readWanted(process.argv.slice(2))
  const scratch = mkdtempSync(join(tmpdir(), 'sallyport-leak-'))
  // The server's user reads its rules here; the tokens are for us alone.
  chmodSync(scratch, 0o711)
  const closers: (() => unknown)[] = [() => rmSync(scratch, { recursive: true, force: true })]
  try {
    const hba = join(scratch, 'pg_hba.conf')
    // The suite's roles have no passwords; the server is made for this run and listens on loopback alone.
    writeFileSync(hba, 'host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n', { mode: 0o644 })
    const server = await startPostgres({
      bin,
      settings: { hba_file: hba, wal_level: 'logical', shared_preload_libraries: 'pg_stat_statements' },
    })
    closers.push(() => server.stop())
    const agents = new Map<string, DataPath>()
    for (const database of databases(dir)) {
      const yaml = documents(database, server.port)
      const { problems } = parseDocuments(yaml)
      if (problems.length > 0) throw new SallyportError('DOCUMENT_INVALID', JSON.stringify(problems[0]))
      const path = await startDataPath({ yaml, environment: { ROLE_PASSWORD: 'none is asked for' } })
      closers.push(() => path.stop())
      agents.set(database, path)
    }
    const front = await openFront(agents)
    closers.push(() => front.close())
    const login = await writeLogin(scratch, agents)
    const gateway = `127.0.0.1:${front.port}`
    const suite = dirname(dir)
    const common = ['--dir', dir, '--login', login, ...rest]
    const through = [...common, '--upstream', `127.0.0.1:${server.port}`, '--gateway', gateway]
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
