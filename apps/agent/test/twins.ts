// Two databases of one PostgreSQL, each a target of the same agent: what statements answer directly, and what through the agent.
import pg from 'pg'
import { startPostgres } from '../../../e2e/stack/postgres.ts'
import { type DataPath, startDataPath } from './data-path.ts'

const twins = ['left', 'right'] as const
export type Twin = (typeof twins)[number]

export interface Twins {
  /** What each statement of a session answers: its rows and tag, or how it fails and what it says of that. */
  directly(twin: Twin, texts: readonly string[]): Promise<readonly string[]>
  through(twin: Twin, texts: readonly string[]): Promise<readonly string[]>
  readonly path: DataPath
  stop(): Promise<void>
}

const targetOf = (name: Twin, port: number): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${name} }
spec: { protocol: postgres, agents: [test], host: 127.0.0.1, port: ${port}, database: shop_${name}, tls: { mode: disable }, roles: [{ name: app, password: { env: APP_PASSWORD } }] }
`

/** Everything is allowed, and these columns of `public` (`table.column`, parted by white space) are hidden. `rules`: further ones, as YAML. */
export const hiding = (columns: string, rules: readonly string[] = []): string => `
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: twins }
spec:
  targets: { names: [left, right] }
  rules: [${['{ name: all, effect: allow, callers: { any: true } }', ...rules].join(', ')}]
  masks: [{ name: hidden, columns: [${columns
    .trim()
    .split(/\s+/)
    .map((name) => `public.${name}`)
    .join(', ')}], method: redact }]
`

/** `fill` makes tables and rows of one of them, as the superuser. */
export async function startTwins(
  policy: string,
  fill: (admin: pg.Client, twin: Twin) => Promise<void>,
): Promise<Twins> {
  const server = await startPostgres({ settings: { fsync: 'off' } })
  const as = async (database: string, run: (admin: pg.Client) => Promise<void>): Promise<void> => {
    const admin = new pg.Client(server.url(database))
    await admin.connect()
    await run(admin)
    await admin.end()
  }
  await as('postgres', async (admin) => {
    await admin.query("create role app login password 'app-secret-1'")
    for (const twin of twins) await admin.query(`create database shop_${twin}`)
  })
  for (const twin of twins) await as(`shop_${twin}`, (admin) => fill(admin, twin))
  const yaml = [...twins.map((twin) => targetOf(twin, server.port)), policy].join('\n---')
  const path = await startDataPath({ yaml, environment: { APP_PASSWORD: 'app-secret-1' } })
  return {
    path,
    async directly(twin, texts) {
      const { hostname, port } = new URL(server.url('postgres'))
      const client = new pg.Client({
        ...{ host: hostname, port: Number(port), database: `shop_${twin}` },
        ...{ user: 'app', password: 'app-secret-1' },
      })
      await client.connect()
      return await answersOf(client, texts)
    },
    through: async (twin, texts) => await answersOf(await path.connect({ target: twin }), texts),
    async stop() {
      await path.stop()
      await server.stop()
    },
  }
}

const shown = ({ command, rowCount, rows }: pg.QueryResult) => [command, rowCount, rows]

async function answersOf(client: pg.Client, texts: readonly string[]): Promise<readonly string[]> {
  const answers: string[] = []
  for (const text of texts)
    answers.push(
      await client.query(text).then(
        (result: pg.QueryResult | pg.QueryResult[]) =>
          JSON.stringify(Array.isArray(result) ? result.map(shown) : shown(result)),
        ({ code, message, detail }: pg.DatabaseError) => JSON.stringify([code, message, detail]),
      ),
    )
  await client.query('rollback').catch(() => {})
  await client.end()
  return answers
}
