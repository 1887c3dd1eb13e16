// One whole stack for each of the two databases that a suite compares, in front of one target cluster. The legs agree in all
// that an answer may quote (names of targets and policies, identity provider, address of the control plane), so that nothing
// tells them apart but what is in the databases.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { makeServerCertificate, type ServerCertificate } from '../stack/certs.ts'
import { clientOf } from '../stack/people-api.ts'
import { type PostgresServer, startPostgres } from '../stack/postgres.ts'
import { agentName, type Stack, startStack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'
import { type Front, openFront, serverNameOf } from './front.ts'

/** Of the suite's policies.json; a target for each, which its policy finds by the label. */
export const policies = [
  ...['mask-strict', 'mask-lookup', 'read-only', 'no-session-change', 'no-admin', 'deny-table', 'approval'],
  'row-limit',
] as const
const roles = ['app_rw', 'app_owner', 'gw_admin'] as const
/** Who logs in; what a leg lets a caller do hangs on the target alone. */
const person = 'ann'

export interface Legs {
  readonly target: PostgresServer
  /** Where a caller of either leg connects to. */
  readonly gateway: string
  /** A module that says how a caller logs in, as the suite's runner wants it. */
  readonly loginFile: string
  stop(): Promise<void>
}

export type Preset = 'none' | 'tooling'

export interface LegsOptions {
  readonly preset: Preset
  /** Folder of the target's initdb. */
  readonly bin: string
  /** In the order of their seeds. */
  readonly databases: readonly [string, ...string[]]
}

/** Starts target cluster, identity provider, and control plane and agent of each leg; or nothing. */
export async function startLegs({ bin, databases, preset }: LegsOptions): Promise<Legs> {
  const closers: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close().catch((error) => console.error(error))
  }
  try {
    const stacks = new Map<string, Stack>()
    for (const database of databases) {
      const [first] = stacks.values()
      const shared = first === undefined ? {} : { idp: first.idp, controlEnv: { SALLYPORT_PUBLIC_URL: first.url } }
      const stack = await startStack(shared)
      closers.push(() => stack.stop())
      stacks.set(database, stack)
    }
    const [first] = stacks.values()
    if (first === undefined) throw new Error('a suite has at least one database')
    const certificate = await makeServerCertificate('suite')
    const target = await startTarget(bin, first.dir, certificate)
    closers.push(() => target.stop())
    for (const [database, stack] of stacks)
      await publish(stack, documentsOf(stack, target, certificate, { database, preset }))
    const front: Front = await openFront(new Map([...stacks].map(([database, { ports }]) => [database, ports.agent])))
    closers.push(() => front.close())
    const loginFile = await writeLogin(first.dir, stacks)
    return { target, gateway: `127.0.0.1:${front.port}`, loginFile, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** The suite's roles have no passwords: the cluster is made for this run and listens on loopback alone. */
async function startTarget(bin: string, dir: string, tls: ServerCertificate): Promise<PostgresServer> {
  const hba = join(dir, 'suite-hba.conf')
  writeFileSync(hba, 'host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n', { mode: 0o644 })
  return await startPostgres({
    bin,
    tls,
    settings: { hba_file: hba, wal_level: 'logical', shared_preload_libraries: 'pg_stat_statements' },
  })
}

function documentsOf(
  stack: Stack,
  { port }: PostgresServer,
  { ca }: ServerCertificate,
  more: Pick<TargetPlace, 'database' | 'preset'>,
): string {
  const text = readFileSync(new URL('policies.yaml', import.meta.url), 'utf8')
  return text + policies.map((policy) => targetDocument({ ...more, policy, port, ca, stack })).join('')
}

interface TargetPlace {
  readonly policy: string
  readonly database: string
  readonly preset: Preset
  readonly port: number
  readonly ca: string
  readonly stack: Stack
}

const targetDocument = ({ policy, database, preset, port, ca, stack }: TargetPlace): string => `---
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${policy}, labels: { policy: ${policy} } }
spec:
  protocol: postgres
  preset: ${preset}
  agents: [${agentName}]
  host: localhost
  port: ${port}
  database: ${database}
  tls:
    mode: verify-full
    ca: |
      ${ca.trim().replaceAll('\n', '\n      ')}
  roles:
${roles.map((role) => `    - { name: ${role}, password: { file: "${stack.credentialFile}" } }`).join('\n')}
`

/** Applied, and known to the agent. The suite makes databases and roles only later: until then the target refuses. */
async function publish(stack: Stack, yaml: string): Promise<void> {
  const applied = await (await stack.as('adam')).post('/api/v1/apply', { yaml })
  if (applied.status !== 200) throw new Error(applied.text)
  const caller = await stack.as(person)
  for (const policy of policies)
    await until(`the agent serves target "${policy}"`, async () => {
      const client: pg.Client = clientOf(await caller.token(policy))
      client.on('error', () => {})
      const thrown: unknown = await client.connect().then(
        () => null,
        (error: unknown) => error,
      )
      await client.end().catch(() => {})
      return thrown === null || (thrown instanceof pg.DatabaseError && thrown.code === '08004')
    })
}

/** A token of the control plane of the database's leg, asked for when it is needed. The login is readable by us alone. */
async function writeLogin(dir: string, stacks: ReadonlyMap<string, Stack>): Promise<string> {
  const legs: Record<string, { url: string; bearer: string; servername: string }> = {}
  for (const [database, stack] of stacks) {
    const { bearer } = await stack.as(person)
    legs[database] = { url: stack.url, bearer, servername: serverNameOf(database) }
  }
  const file = join(dir, 'suite-login.mjs')
  writeFileSync(file, `const legs = ${JSON.stringify(legs)}\n${loginText}`, { mode: 0o600 })
  return file
}

const loginText = `
const issued = new Map()
const renewMs = 300_000

async function issue({ url, bearer }, target, role) {
  const response = await fetch(url + '/api/v1/tokens', {
    method: 'POST',
    headers: { authorization: 'Bearer ' + bearer, 'content-type': 'application/json' },
    body: JSON.stringify({ target, role }),
  })
  if (!response.ok) throw new Error('no token for target ' + target + ': ' + (await response.text()))
  return await response.json()
}

export default async ({ role, policy, database }) => {
  const leg = legs[database]
  if (leg === undefined) throw new Error('no leg serves ' + database)
  const key = [role, policy, database].join(' ')
  const known = issued.get(key)
  const isFresh = known !== undefined && Date.parse(known.expiresAt) - Date.now() > renewMs
  const current = isFresh ? known : await issue(leg, policy, role)
  issued.set(key, current)
  const { token, connection } = current
  return {
    user: connection.user,
    password: token,
    database: connection.database,
    tls: { rejectUnauthorized: false, servername: leg.servername },
  }
}
`
