// A real PostgreSQL as the target of a test, with one database and the role that the agent logs in as; and the Target
// document that names it. What a test keeps in it and who may do what is its own business.
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'

/** What the document's role refers to; for `startDataPath`. */
export const targetEnvironment = { APP_PASSWORD: 'app-secret-1' } as const

export interface RealTarget {
  readonly server: PostgresServer
  /** The superuser, in the database. */
  readonly admin: pg.Client
  /** Rows of a statement past the agent. */
  rows(text: string): Promise<any[]>
  stop(): Promise<void>
}

export interface RealTargetOptions {
  /** Run as the superuser once the role is there, before it is granted all tables and sequences. */
  readonly schema: string
  readonly settings?: Readonly<Record<string, string>>
}

/** Database `shop` with role `app`, who may read and write every table of `schema`. */
export async function startRealTarget({ schema, settings = {} }: RealTargetOptions): Promise<RealTarget> {
  const server = await startPostgres({ settings })
  const first = new pg.Client(server.url('postgres'))
  await first.connect()
  await first.query('create database shop')
  await first.end()
  const admin = new pg.Client(server.url('shop'))
  admin.on('error', () => {})
  await admin.connect()
  await admin.query(`create role app login password '${targetEnvironment.APP_PASSWORD}'`)
  await admin.query(schema)
  await admin.query(
    'grant all on all tables in schema public to app; grant all on all sequences in schema public to app',
  )
  return {
    server,
    admin,
    rows: async (text) => (await admin.query(text)).rows,
    async stop() {
      await admin.end()
      await server.stop()
    },
  }
}

/** Names of upstream roles, and the variable with the password of each. */
export type TargetRoles = Readonly<Record<string, string>>

/** The Target document. `more` are further keys of its spec, two spaces in front of each. */
export const targetDocument = (
  port: number,
  more = '',
  name = 'shop',
  roles: TargetRoles = { app: 'APP_PASSWORD' },
): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${name} }
spec:
  protocol: postgres
  agents: [test]
  host: 127.0.0.1
  port: ${port}
  database: shop
  tls: { mode: disable }
  roles: [${Object.entries(roles).map(([role, variable]) => `{ name: ${role}, password: { env: ${variable} } }`)}]
${more}
---`
